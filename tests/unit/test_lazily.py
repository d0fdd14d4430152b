"""Imports that wait: what loads a module, and what does not."""

import ast
import subprocess
import sys
from importlib.util import find_spec

import pytest
from conftest import ROOT


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


def test_a_second_import_does_not_load_it_either(run) -> None:
    program = (
        "with lazily():\n    import slow\nwith lazily():\n    import slow as again\nprint('before')\nprint(again.value)"
    )
    assert run(program) == ["before", "loaded", "1"]


def test_nothing_unfinished_stands_where_others_look_for_modules(run) -> None:
    program = """
with lazily():
    import slow
    from package_of_nobody import module
print("slow" in sys.modules, "package_of_nobody" in sys.modules)
import slow as real
print(real.value, slow.value)
"""
    assert run(program) == ["False", "False", "loaded", "1", "1"]


def test_what_cannot_wait_is_refused(run) -> None:
    program = """
try:
    with lazily():
        import os.path
except ImportError as error:
    print(error)
import json  # imports are what they were
print(json.dumps(1))
"""
    expected = "os.path: within lazily(), write `import package` or `from package import module` 1"
    assert " ".join(run(program)) == expected


@pytest.mark.slow
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


def test_only_modules_wait_in_the_source():
    """What a module holds cannot wait: it would be called, or be a class, before it is there."""
    found = 0
    for path in sorted((ROOT / "src").rglob("*.py")):
        for block in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(block, ast.With) and ast.unparse(block.items[0].context_expr) == "lazily()"):
                continue
            for line in block.body:
                if isinstance(line, ast.ImportFrom):
                    for name in line.names:
                        found += 1
                        assert find_spec(f"{line.module}.{name.name}"), f"{path}: {name.name} is no module"
    assert found > 10
