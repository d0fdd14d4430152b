"""The registry of benchmarks is open: a file added is a benchmark added, with its own converter if it needs one."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import growmerge.catalogue.benchmarks as registry
from growmerge.benchmarks.build import build_benchmark
from growmerge.benchmarks.converters import find_converter
from growmerge.catalogue.entry import Dataset, Entry, Metric
from growmerge.config.benchmarks import Benchmark
from growmerge.errors import GrowmergeError

DOCUMENT = Path(__file__).parents[2] / "docs/extending.md"


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Adds a file to the registry's folder, and returns what is collected then."""
    folder = tmp_path / "added"
    folder.mkdir()
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(folder)])
    names = []

    def add(name, text):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        names.append(f"{registry.__name__}.{name}")
        monkeypatch.setattr("growmerge.config.benchmarks.REGISTRY", found := registry.collect())
        return found

    yield add
    for name in names:
        sys.modules.pop(name, None)


def example():
    """The file that docs/extending.md shows."""
    section = DOCUMENT.read_text(encoding="utf-8").split("## A benchmark\n")[1]
    return section.split("```python\n")[1].split("```")[0]


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def test_the_documented_file_is_all_that_two_benchmarks_take(added, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = added("example", example())
    assert set(found) - set(registry.REGISTRY) == {"capitals", "odd_one_out"}
    write_rows(
        tmp_path / "data/capitals/swe.jsonl",
        [
            {"right": "Huvudstaden i Island är Reykjavik.", "wrong": "Huvudstaden i Island är Oslo."},
            {"right": "Huvudstaden i Norge är Oslo.", "wrong": "Huvudstaden i Norge är Oslo."},
        ],
    )
    write_rows(
        tmp_path / "data/odd_one_out/swe.jsonl",
        [{"words": ["häst", "ko", "båt"], "odd": 2}, {"words": ["röd", "grön"], "odd": 5}],
    )
    capitals, odd = Benchmark(name="capitals"), Benchmark(name="odd", use="odd_one_out")
    assert capitals.files("swe") == ["data/capitals/swe.jsonl"], "an edit of the file rebuilds the benchmark"
    built = build_benchmark(capitals, "swe", seed=1)
    assert [item.candidates for item in built.items] == [
        ("Huvudstaden i Island är Reykjavik.", "Huvudstaden i Island är Oslo.")
    ]
    assert built.facts["dropped"] == {"right equals wrong": 1}
    assert capitals.measured == ("facts", "sum")
    built = build_benchmark(odd, "swe", seed=1)
    assert [(item.context, item.candidates) for item in built.items] == [
        ("häst, ko, båt. Passar inte:", (" båt", " häst", " ko"))
    ]
    assert built.facts["dropped"] == {"label out of range": 1}
    assert odd.measured == ("odd", "character")


def test_an_added_file_loads_nothing_heavy_while_rules_are_parsed(tmp_path):
    source = Path(registry.__file__).parents[2]
    copy = tmp_path / "src/growmerge"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "catalogue/benchmarks/example.py").write_text(example(), encoding="utf-8")
    heavy = ["torch", "transformers", "pandas", "numpy", "pyarrow", "datasets", "growmerge.benchmarks"]
    code = (
        "import sys; from growmerge.config.benchmarks import REGISTRY; assert 'capitals' in REGISTRY;"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(copy.parent)}
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout == "[]\n"


def test_a_name_that_two_files_define_and_a_file_without_benchmarks_are_errors(added):
    with pytest.raises(ValueError, match=r"twice: the benchmark 'blimp' is defined in grow_up_and_merge\.py, too"):
        added("twice", "BENCHMARKS = {'blimp': None}")
    sys.modules.pop(f"{registry.__name__}.twice")
    with pytest.raises(ValueError, match=r"twice: define BENCHMARKS"):
        added("twice", "ENTRIES = {}")


def test_a_converter_that_is_not_there_is_named_with_those_that_are():
    for name in ("pears", "growmerge.nowhere.pairs", "growmerge.catalogue.entry"):
        with pytest.raises(GrowmergeError, match=f"converter '{name}': "):
            find_converter(name)
    with pytest.raises(
        GrowmergeError, match=r"no module growmerge\.benchmarks\.converters\.pears; there are completions, exam, .*p"
    ):
        find_converter("pears")
    with pytest.raises(GrowmergeError, match=r"growmerge\.catalogue\.entry has no function items\(conversion\)"):
        find_converter("growmerge.catalogue.entry")


def test_what_a_converter_lacks_is_not_taken_for_the_converter(tmp_path, monkeypatch):
    (tmp_path / "own_converters").mkdir()
    (tmp_path / "own_converters/broken.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        find_converter("own_converters.broken")


def test_information_parity_is_a_measure_of_its_own():
    rows = {"swe": Dataset("x")}
    for metric, measure in (("parity", "facts"), ("accuracy", "parity"), ("parity", "")):
        with pytest.raises(ValueError, match=f"the metric '{metric}' does not go with the measure '{measure}'"):
            Entry("pairs", "CC0", Metric(metric), measure, rows)
