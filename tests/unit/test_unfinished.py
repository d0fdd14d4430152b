"""Scores of an interrupted job are found again; what is damaged or of others is as if it were not there."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growmerge.evaluation.unfinished import Unfinished

CELL = ("acceptability", "swe")
ROWS = pa.table({"item": ["1", "2"], "log_likelihood": [-1.5, -2.5]})


def test_rows_and_what_is_known_of_them_are_found_again(tmp_path: Path):
    kept = Unfinished(tmp_path / "unfinished")
    kept.save(CELL, ROWS, {"scored": {"model": "ab"}})
    assert kept.load(CELL) == (ROWS, {"scored": {"model": "ab"}})
    assert kept.load(("acceptability", "isl")) is None
    kept.remove()
    assert kept.load(CELL) is None


@pytest.mark.parametrize(
    "metadata", [None, {"other": "x"}, {"about": "{"}, {"about": "[1]"}], ids=["none", "other", "no JSON", "a list"]
)
def test_a_file_without_what_is_known_of_its_rows_is_passed_over(tmp_path: Path, metadata):
    pq.write_table(ROWS.replace_schema_metadata(metadata), tmp_path / "acceptability.swe.parquet")
    assert Unfinished(tmp_path).load(CELL) is None


def test_a_damaged_file_is_passed_over(tmp_path: Path):
    (tmp_path / "acceptability.swe.parquet").write_bytes(b"PAR1 half")
    assert Unfinished(tmp_path).load(CELL) is None
