"""What is kept of the texts of a source, as which text, and why the rest is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.data.cleaning import Cleaner
from growmerge.data.documents import Document, fold

TEXTS = st.text(st.sampled_from("abc AB.…_&%s{}<b>/م\u200c\n"), max_size=30)
DOCUMENTS = st.lists(st.builds(Document, id=st.sampled_from("abcdefgh"), text=TEXTS), max_size=30)


def outcomes(documents, min_words=1, **options):
    cleaner = Cleaner(min_words, **options)
    return [cleaner.clean(document) for document in documents]


def kept(documents, min_words=1, **options):
    return [document for outcome, document in outcomes(documents, min_words, **options) if outcome == "kept"]


def cleaned(text: str, **options: str) -> str | None:
    documents = kept([Document("x", text)], **options)
    return documents[0].text if documents else None


@given(DOCUMENTS, st.sampled_from(["strings", "text"]), st.sampled_from([None, "…"]), st.integers(0, 3))
def test_no_id_or_text_is_kept_twice_and_what_is_dropped_stays_as_it_came(documents, kind, placeholder, min_words):
    judged = outcomes(documents, min_words, kind=kind, placeholder=placeholder)
    passed = [document for outcome, document in judged if outcome == "kept"]
    assert len({d.id for d in passed}) == len(passed)
    assert len({fold(d.text) if kind == "strings" else d.text for d in passed}) == len(passed)
    for document, (outcome, same) in zip(documents, judged, strict=True):
        assert outcome == "kept" or same == document


def test_of_documents_with_nearly_the_same_text_the_first_is_kept():
    pair = [Document("b", "Save the file now"), Document("a", "Save the file now.")]
    assert kept(pair) == pair[:1]
    assert kept(pair[::-1]) == pair[1:]
    assert kept(pair, kind="text") == pair, "prose may differ in a full stop"


def test_of_documents_with_one_id_the_first_usable_one_is_kept():
    documents = [Document("a", "<name> here"), Document("a", "One text"), Document("a", "Another text")]
    assert [outcome for outcome, _ in outcomes(documents)] == ["markup", "kept", "duplicate_id"]


def test_source_order_is_kept():
    documents = [Document(i, f"text of number {i}") for i in "cab"]
    assert kept(documents) == documents


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
    assert outcomes([Document("a", "one 2 … three")], 3)[0][0] == "short"
    assert outcomes([Document("a", "one 2 … three four")], 3)[0][0] == "kept"
