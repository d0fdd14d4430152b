import os
import shutil
import subprocess
import sys

import pytest
import torch
from conftest import ROOT

from growmerge import provenance as module
from growmerge.provenance import provenance

XEON = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
flags\t\t: fpu vme

processor\t: 1
model name\t: another
"""
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    """A file in the place of the system's, and nothing remembered of it before or after."""
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    module.processor.cache_clear()
    yield tmp_path / "cpuinfo"
    module.processor.cache_clear()


def test_the_processor_and_its_instructions_are_recorded():
    hardware = provenance()["hardware"]
    assert hardware["processor"] == module.processor()
    assert hardware["instructions"] == torch.backends.cpu.get_cpu_capability()


def test_kinds_of_one_name_differ_by_family_and_model(cpuinfo):
    cpuinfo.write_text(XEON, encoding="utf-8")
    assert provenance()["hardware"]["processor"] == "Intel(R) Xeon(R) Processor (family 6, model 207)"


@pytest.mark.parametrize("told", [None, "", ARM], ids=["no file", "empty", "ARM"])
def test_a_system_that_does_not_tell_is_asked_by_python(cpuinfo, monkeypatch, told):
    if told is not None:
        cpuinfo.write_text(told, encoding="utf-8")
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert provenance()["hardware"]["processor"] == "arm"


def test_the_commit_says_whether_the_code_was_edited_since(tmp_path):
    """The test has a checkout of its own, since the one that it is in may be edited or not."""
    package = tmp_path / "checkout/growmerge"
    package.mkdir(parents=True)
    shutil.copy(ROOT / "src/growmerge/provenance.py", package)
    (package / "__init__.py").touch()

    def run(*command):
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "checkout"), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"GIT_CEILING_DIRECTORIES": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull}
        environment |= {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return subprocess.run(
            command, cwd=package, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def commit():
        return run(sys.executable, "-c", "from growmerge.provenance import provenance; print(provenance()['commit'])")

    assert commit() == "unknown", "outside of a checkout"
    run("git", "init", "-q")
    run("git", "add", ".")
    run("git", "commit", "-q", "-m", "x")
    assert commit() == run("git", "rev-parse", "HEAD")
    with (package / "provenance.py").open("a") as file:
        file.write("# edited\n")
    assert commit() == run("git", "rev-parse", "HEAD") + "-dirty"
