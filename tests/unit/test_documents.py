"""Documents, their files, and the rule of what is held out."""

import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growmerge.data.documents import (
    ROW_GROUP_BYTES,
    Document,
    fold,
    read_documents,
    source_id,
    write_documents,
)
from growmerge.errors import GrowmergeError
from growmerge.hashing import hash64, is_heldout, unit_hash


def test_the_id_of_a_string_does_not_depend_on_how_a_package_decorates_it():
    assert source_id("_Save the file…") == source_id("Save the  file") != source_id("Save the files")


def test_documents_come_back_in_order_from_a_folder_with_a_difficult_name(tmp_path: Path):
    path = tmp_path / "höf uð" / "documents.parquet"
    documents = [Document("b", "é\u200c\n"), Document("a", "")]
    write_documents(iter(documents), path)
    assert read_documents(path) == documents


def test_large_files_are_written_and_read_in_row_groups(tmp_path: Path):
    documents = [Document(str(i), "þ" * (ROW_GROUP_BYTES // 5)) for i in range(9)]  # two bytes a character
    write_documents(documents, tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3
    assert read_documents(tmp_path / "a.parquet") == documents


def test_a_file_of_no_documents_is_read(tmp_path: Path):
    write_documents([], tmp_path / "a.parquet")
    assert read_documents(tmp_path / "a.parquet") == []


@given(st.text())
def test_folded_text_has_single_spaces_and_no_case_or_punctuation(text):
    folded = fold(text)
    categories = {unicodedata.category(c)[0] for word in folded.split(" ") for c in word}
    assert categories <= set("LMN")
    assert folded == " ".join(folded.split())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), st.integers(1, 4))
def test_long_texts_fold_as_their_pieces_do(pieces, turns):
    short = " ".join(fold(piece) for piece in pieces).split()
    times = turns * 500
    assert fold("\n".join(pieces * times)) == " ".join(short * times)


def test_digests_never_change():
    # Published lists of ids are looked up by them.
    assert hash64("a") == 0x40F89E395B66422F
    assert 0 <= hash64("þ") < 2**64


def test_the_same_documents_make_the_same_bytes(tmp_path: Path):
    for name in "ab":
        write_documents([Document("x", "text")], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_or_foreign_file_of_documents_is_named(tmp_path: Path):
    path = tmp_path / "documents.parquet"
    with pytest.raises(GrowmergeError, match=r"documents\.parquet"):
        read_documents(path)
    path.write_text("no parquet")
    with pytest.raises(GrowmergeError, match=r"documents\.parquet"):
        read_documents(path)
    pq.write_table(pa.table({"id": ["a"], "content": ["b"]}), path)
    with pytest.raises(GrowmergeError, match="no column 'text'; it has id, content"):
        read_documents(path)


@given(st.text(), st.text())
def test_unit_hash_is_in_the_unit_interval_and_depends_on_the_salt(identifier, salt):
    value = unit_hash(identifier, salt)
    assert 0 <= value < 1
    assert value != unit_hash(identifier, salt + "x")


def test_unit_hash_never_changes():
    # Held-out sets of published models hang on this value.
    assert unit_hash("a", "heldout") == 0.1079883172831333


def test_heldout_is_the_share_asked_for_and_grows_with_it():
    ids = [str(number) for number in range(20_000)]
    small, large = ({i for i in ids if is_heldout(i, share)} for share in (0.06, 0.2))
    assert abs(len(small) / len(ids) - 0.06) < 0.006
    assert small < large
    assert not any(is_heldout(i, 0.0) for i in ids)
    assert all(is_heldout(i, 1.0) for i in ids)
