"""Imports that wait: what loads a module, and what does not."""

import subprocess
import sys

import pytest


@pytest.fixture
def run(tmp_path):
    """Runs a program beside a module `slow`, which says when it is loaded; gives back what is printed."""
    (tmp_path / "slow.py").write_text("print('loaded')\nvalue = 1\n", encoding="utf-8")

    def apply(program: str) -> list[str]:
        begin = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom growmerge.lazily import lazily\n"
        done = subprocess.run([sys.executable, "-c", begin + program], capture_output=True, text=True, check=True)
        return done.stdout.split()

    return apply


def test_a_module_is_loaded_at_its_first_use(run) -> None:
    assert run("with lazily():\n    import slow\nprint('before')\nprint(slow.value)") == ["before", "loaded", "1"]


def test_a_second_import_does_not_load_it(run) -> None:
    program = "with lazily():\n    import slow\nwith lazily():\n    import slow as again\nprint(again is slow)"
    assert run(program) == ["True"]


def test_a_module_says_where_it_is_without_being_loaded(run) -> None:
    program = """
with lazily():
    import slow
import inspect
for module in list(sys.modules.values()):
    hasattr(module, "__file__")
inspect.getmodule(inspect.currentframe(), "nowhere.py")
print(slow.__name__, slow.__spec__.name)
"""
    assert run(program) == ["slow", "slow"]


def test_modules_that_use_torch_wait_while_it_is_imported() -> None:
    """While torch is imported it asks for the files of all modules, by `inspect`."""
    program = """
from growmerge.lazily import lazily
with lazily():
    from growmerge.comparing import states, vectors
print(vectors.compare_weights.__name__, states.compare_states.__name__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["compare_weights", "compare_states"]), done.stderr
