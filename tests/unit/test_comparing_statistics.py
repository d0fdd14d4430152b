"""The registry of statistics over models: what is in it, and how a file joins it."""

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import VOCABULARY

from growmerge.artifacts import publish, read_manifest
from growmerge.comparing import statistics as package
from growmerge.comparing.comparison import checked, write_comparison
from growmerge.comparing.statistics import (
    BUILT_IN,
    Measure,
    Models,
    Statistic,
    Value,
    added_statistics,
    similarities,
    statistics,
)
from growmerge.data.corpus import HELDOUT
from growmerge.data.documents import Document, write_documents
from growmerge.data.token_counts import count_tokens
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint

EXAMPLE = Path(__file__).parents[1] / "workflow/extending/largest_difference.py"


def forget() -> None:
    for function in (statistics, added_statistics, similarities):
        function.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder whose files are statistics for the time of a test."""
    added = tmp_path / "statistics"
    added.mkdir()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(added)])
    forget()
    yield added
    forget()
    for file in added.glob("*.py"):
        sys.modules.pop(f"{package.__name__}.{file.stem}", None)
        vars(package).pop(file.stem, None)


@pytest.fixture
def example(folder) -> Path:
    return Path(shutil.copy(EXAMPLE, folder))


@pytest.fixture
def shards(tmp_path) -> list[Path]:
    with publish(tmp_path / "documents" / "1-of-1") as draft:
        texts = ["one two", "three", "four and five"]
        write_documents([Document(str(i), text) for i, text in enumerate(texts)], draft.folder / HELDOUT)
    return [tmp_path / "documents" / "1-of-1"]


# --- what is there --------------------------------------------------------------------------------------------------


def test_similarities_stand_in_the_order_of_tables_and_figures() -> None:
    built_in = [
        *("cka", "cka_without_first", "cka_standardised"),
        *("cosine", "sign_conflicts", "weighted_sign_conflicts"),
        *("weight_cosine", "l2_difference", "mean_l2_difference", "stable_rank_difference"),
        "typological_distance",
    ]
    assert list(similarities())[: len(built_in)] == built_in
    hidden = [name for name in built_in if not similarities()[name].drawn]
    assert hidden == ["cka_without_first", "sign_conflicts", "mean_l2_difference"]
    assert all(similarities()[name].label for name in built_in)


def test_params_name_no_statistic_that_is_built_in() -> None:
    assert tuple(statistics())[: len(BUILT_IN)] == BUILT_IN
    assert added_statistics().keys() == statistics().keys() - set(BUILT_IN)


def test_a_comparison_holds_every_measure_that_is_declared(tiny, shards, tmp_path) -> None:
    members = {code: tiny.checkpoint(f"declared-{code}", seed) for seed, code in enumerate(("swe", "isl"))}
    base = tiny.checkpoint("declared-base", 9)
    counts = {code: tmp_path / "counts" / code for code in members}
    for seed, folder in enumerate(counts.values()):
        count_tokens([tiny.shard(f"declared-{seed}", 40, seed)], tiny.folder / "tokenizer", VOCABULARY, folder)
    write_comparison(
        "2x", members, base, shards, tmp_path / "2x.parquet", sentences=9, work=tmp_path / "work", token_counts=counts
    )
    declared = [m.name for statistic in statistics().values() if statistic.compute for m in statistic.measures]
    assert sorted(set(pd.read_parquet(tmp_path / "2x.parquet")["measure"])) == sorted(declared)
    added = {"statistics": added_statistics()} if added_statistics() else {}
    assert read_manifest(tmp_path / "2x.parquet").config == {"sentences": 9, **added}


# --- what is added --------------------------------------------------------------------------------------------------


def test_a_file_that_is_added_is_a_statistic_that_is_added(tiny, shards, tmp_path, example) -> None:
    assert tuple(statistics())[: len(BUILT_IN)] == BUILT_IN
    assert list(similarities()).index("largest_difference") > list(similarities()).index("typological_distance")
    assert added_statistics()["largest_difference"] == hashlib.sha256(example.read_bytes()).hexdigest()

    members = {code: tiny.checkpoint(f"added-{code}", seed) for seed, code in enumerate(("swe", "isl", "fas"))}
    base = tiny.checkpoint("added-base", 9)
    write_comparison("2x", members, base, shards, tmp_path / "2x.parquet", sentences=9, work=tmp_path / "work")
    table = pd.read_parquet(tmp_path / "2x.parquet")
    added = table[table["measure"] == "largest_difference"]
    assert list(zip(added["first"], added["second"], strict=True)) == [("swe", "isl"), ("swe", "fas"), ("isl", "fas")]
    assert added.index[0] > table.index[table["measure"] == "cka"][-1], "after what was there before"
    for row in added.itertuples():
        one, other = (load_checkpoint(members[code]).state_dict() for code in (row.first, row.second))
        assert row.value == pytest.approx(max(float((one[name] - other[name]).abs().max()) for name in one))
        assert (row.layer is pd.NA, row.kind) == (True, "all")
    assert read_manifest(tmp_path / "2x.parquet").config["statistics"] == added_statistics()


def test_an_edit_of_an_added_file_changes_its_digest(example) -> None:
    before = added_statistics()
    example.write_text(example.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    forget()
    assert added_statistics().keys() == before.keys()
    assert added_statistics() != before


def test_a_place_of_its_own_puts_a_statistic_before_others(example) -> None:
    text = example.read_text(encoding="utf-8").replace("compute)", "compute, place=-1)")
    example.write_text(text, encoding="utf-8")
    assert list(similarities())[:2] == ["largest_difference", "cka"]


def test_helpers_are_no_statistics(folder) -> None:
    (folder / "_helper.py").write_text("raise AssertionError", encoding="utf-8")
    (folder / "helpers").mkdir()
    (folder / "helpers" / "__init__.py").write_text("raise AssertionError", encoding="utf-8")
    assert statistics().keys().isdisjoint({"_helper", "helpers"})


def test_a_file_without_a_statistic_is_refused(folder) -> None:
    (folder / "empty.py").write_text("", encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"empty\.py: defines no STATISTIC = Statistic\(\.\.\.\)"):
        statistics()


def test_a_measure_of_another_file_is_refused(example) -> None:
    text = example.read_text(encoding="utf-8").replace('Measure("largest_difference"', 'Measure("cosine"')
    example.write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError, match=r"largest_difference\.py: weights\.py gives a measure 'cosine' already"):
        statistics()


@pytest.mark.parametrize("name", ["l1/l2", "nan", ""])
def test_a_name_that_no_table_can_hold_is_refused(name) -> None:
    with pytest.raises(GrowmergeError, match=rf"measure '{name}': "):
        Measure(name)


# --- what a statistic gives -----------------------------------------------------------------------------------------

MODELS = Models({code: Path(code) for code in ("swe", "isl", "fas")}, Path("base"), [], "cpu", Path("work"))
DECLARED = Statistic([Measure("size", of="model"), Measure("far")], compute=None)


def test_values_of_models_and_pairs_pass_as_they_are() -> None:
    values = [
        *(Value("swe", "", "size", 1.0), Value("swe", "", "size", 2.0, 0), Value("swe", "", "size", 3.0, 0, "q")),
        *(Value("swe", "isl", "far", np.nan), Value("fas", "swe", "far", 0.5)),
    ]
    assert list(checked("mine", DECLARED, MODELS, values)) == values
    assert MODELS.pairs == [("swe", "isl"), ("swe", "fas"), ("isl", "fas")]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([Value("swe", "isl", "near", 1.0)], r"statistic mine: 'near' is not among its measures \(size, far\)"),
        ([Value("swe", "", "far", 1.0)], r"'far' is a measure of one pair, and \('swe', ''\) is none of this setup"),
        ([Value("swe", "isl", "size", 1.0)], r"'size' is a measure of one model, and \('swe', 'isl'\) is none"),
        ([Value("swe", "swe", "far", 1.0)], r"\('swe', 'swe'\) is none of this setup"),
        ([Value("ekk", "", "size", 1.0)], r"\('ekk', ''\) is none of this setup"),
        ([Value("swe", "", "size", 1.0, 0, "query")], r"'size' is given for 'query', which is no kind of tensor"),
        (
            [Value("swe", "isl", "far", 1.0), Value("isl", "swe", "far", 1.0)],
            r"'far' is given twice for \('isl', 'swe'\), layer None, kind 'all'",
        ),
    ],
)
def test_other_values_are_refused(values, message) -> None:
    with pytest.raises(GrowmergeError, match=message):
        list(checked("mine", DECLARED, MODELS, values))
