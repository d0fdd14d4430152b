"""Cleaning, document files, and the rule of what is held out."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.data.documents import Document, clean, fold, read_documents, source_id, write_documents
from growmerge.data.heldout import is_heldout, unit_hash
from growmerge.errors import GrowmergeError

TEXTS = st.text(st.sampled_from("abc AB.…_&%s{}<b>/م\u200c\n"), max_size=30)
DOCUMENTS = st.lists(st.builds(Document, id=st.sampled_from("abcdefgh"), text=TEXTS), max_size=30)


def cleaned(text: str, **options: str) -> str | None:
    kept, _ = clean([Document("x", text)], 1, **options)
    return kept[0].text if kept else None


@given(DOCUMENTS, st.sampled_from(["strings", "text"]), st.sampled_from([None, "…"]), st.integers(0, 3))
def test_every_document_is_accounted_for_and_no_id_or_text_is_left_twice(documents, kind, placeholder, min_words):
    kept, counts = clean(documents, min_words, kind, placeholder)
    assert counts.pop("read") == len(documents) == sum(counts.values())
    assert counts["kept"] == len(kept)
    assert len({d.id for d in kept}) == len(kept)
    assert len({fold(d.text) if kind == "strings" else d.text for d in kept}) == len(kept)


def test_of_two_documents_with_nearly_the_same_text_the_smallest_id_is_kept_whatever_the_order():
    pair = [Document("b", "Save the file now"), Document("a", "Save the file now.")]
    assert clean(pair, 4)[0] == clean(pair[::-1], 4)[0] == [Document("a", "Save the file now.")]


def test_source_order_is_kept():
    documents = [Document(i, f"text of number {i}") for i in "cab"]
    assert clean(documents, 1)[0] == documents


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  two\n\tlines ", "two lines"),
        ("\u200fسلام\u200e می\u200cروم", "سلام می\u200cروم"),  # layout marks go, the joiner that spells stays
        ("<b>Bold</b> and<br/>broken", "Bold and broken"),
        ('See <a href="%(url)s">here</a> now', "See here now"),
        ("fish &amp; chips", "fish & chips"),
        ("Save _As", "Save As"),
        ("&Open the file", "Open the file"),
        ("باز کردن (_O)", "باز کردن"),
        ("salt & pepper", "salt & pepper"),
        ("50% done", "50% done"),
        ("set file_name first", None),
        ("see __init__ there", None),
        ("E_xit", None),
        ("give <name> here", None),
        ("a `` b", None),
        ("go to https://example.org", None),
        ("[text](address) there", None),
    ],
)
def test_strings_become_what_a_reader_sees_or_are_dropped(text, wanted):
    assert cleaned(text) == wanted


@pytest.mark.parametrize(
    "hole", ["%s", "%(name)s", "%d", "%1$s", "%1", "%.2f", "{name}", "${name}", "$name", "{{ x }}"]
)
def test_placeholders_drop_the_string_or_are_replaced(hole):
    assert cleaned(f"Delete {hole} now") is None
    assert cleaned(f"Delete {hole} now", placeholder="…") == "Delete … now"


def test_text_is_left_as_it_is():
    code = "def f(x):\n    return f'{x}' % _y  # <b>\n"
    assert cleaned(code, kind="text") == code


def test_words_without_letters_do_not_count():
    assert clean([Document("a", "one 2 … three")], 3)[1]["short"] == 1


def test_the_id_of_a_string_does_not_depend_on_how_a_package_decorates_it():
    assert source_id("_Save the file…") == source_id("Save the  file") != source_id("Save the files")


def test_documents_come_back_in_order_from_a_folder_with_a_difficult_name(tmp_path: Path):
    path = tmp_path / "höf uð" / "documents.parquet"
    documents = [Document("b", "é\u200c\n"), Document("a", "")]
    write_documents(iter(documents), path)
    assert read_documents(path) == documents


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
