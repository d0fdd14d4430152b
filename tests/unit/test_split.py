"""No evaluation text is trained on, and what is dropped is counted."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.artifacts import publish
from growmerge.data.corpus import HELDOUT
from growmerge.data.documents import Document, fold, write_documents
from growmerge.data.split import Decontamination, TrainingText, evaluation_documents, first_bytes, read_heldout
from growmerge.data.words import count_words, separated
from growmerge.errors import GrowmergeError


def documents(count):
    return [Document(f"id{i}", f"This is sentence number {i} of them.") for i in range(count)]


def test_training_and_evaluation_share_no_sentence():
    everything = documents(2000)
    heldout = everything[::10]
    # The same sentence under another id, in other case and punctuation, and inside of a longer document.
    copies = [Document(f"copy{i}", d.text.upper().rstrip(".") + "!") for i, d in enumerate(heldout[:50])]
    longer = [Document(f"long{i}", f"Before it; {d.text} After it.") for i, d in enumerate(heldout[50:100])]
    training = list(TrainingText(heldout).of([*everything, *copies, *longer]))
    words = " ".join(fold(d.text) for d in training)
    assert not [d for d in heldout if fold(d.text) in words]
    assert training == [d for d in everything if d not in heldout]


def test_evaluation_text_of_another_corpus_is_not_trained_on():
    evaluation = [Document("x", "A parallel sentence of the test set."), Document("y", "Two words")]
    web = [
        Document("1", "Lorem ipsum. A PARALLEL sentence, of the test set! Dolor sit."),
        Document("2", "A parallel sentence of another kind."),
        Document("3", "two words"),
        Document("4", "These are two words in a text."),
        Document("5", "A parallel sentence of the test sets."),
    ]
    assert [d.id for d in TrainingText(evaluation).of(web)] == ["2", "4", "5"]


@pytest.mark.parametrize("wanted", ["three words alone", "10 20 30", "Þ ö ß"])
def test_three_words_are_left_out_only_where_they_are_all_of_a_document(wanted):
    found = Decontamination([Document("x", wanted)]).holds_evaluation_text
    assert found(Document("y", wanted.upper() + "!"))
    assert not found(Document("y", f"before {wanted} after"))


@pytest.mark.parametrize("wanted", ["these are four words", "10 20 30 40", "我喜欢猫我喜欢"])
def test_four_words_or_numbers_are_left_out_wherever_they_are(wanted):
    found = Decontamination([Document("x", wanted)]).holds_evaluation_text
    assert found(Document("y", f"before, {wanted}; after"))
    assert not found(Document("y", f"before {wanted}after")) or not wanted.isascii()


WORDS = st.lists(st.sampled_from(["a", "be", "see", "Þú", "سلام", "…"]), max_size=9).map(" ".join)


@given(st.lists(WORDS, max_size=4), WORDS)
def test_contaminated_is_what_holds_the_words_of_a_text_in_a_row(evaluation, text):
    """Against a direct comparison of all windows of words."""
    words = fold(text).split()
    expected = False
    for wanted in (fold(e).split() for e in evaluation):
        windows = [words[i : i + len(wanted)] for i in range(len(words) - len(wanted) + 1)]
        expected |= words == wanted if len(wanted) < Decontamination.KEY else wanted in windows
    found = Decontamination([Document("x", e) for e in evaluation]).holds_evaluation_text(Document("y", text))
    assert found == expected


MIXED = st.text(st.sampled_from("我你猫 ไท ab1，…\nＡ"), max_size=24)


@given(st.lists(MIXED, max_size=3), MIXED, st.booleans())
def test_contaminated_is_the_same_in_scripts_without_spaces(evaluation, text, within):
    """Against a direct comparison; half of the texts have an evaluation text within."""
    if within and evaluation:
        text = text[:5] + evaluation[0] + text[5:]
    expected = False
    for wanted in map(separated, evaluation):
        few = count_words(wanted, numbers=True) < Decontamination.KEY
        expected |= separated(text) == wanted if few else f" {wanted} " in f" {separated(text)} "
    found = Decontamination([Document("x", e) for e in evaluation]).holds_evaluation_text(Document("y", text))
    assert found == expected


def test_what_is_left_out_is_counted_by_its_reason():
    everything = documents(100)
    text = TrainingText(everything[:10], belongs=lambda identifier: int(identifier[2:]) % 2 == 0)
    training = list(text.of(everything))
    assert len(training) == 45
    assert text.dropped["contaminated"].documents == 5
    assert asdict(text.dropped["other_part"]) == {
        "documents": 50,
        "bytes": sum(len(d.text.encode()) for d in everything[1::2]),
        "characters": sum(len(d.text) for d in everything[1::2]),
    }


def test_a_part_of_which_nothing_is_left_says_why_each_document_fell():
    everything = documents(10)
    text = TrainingText(everything[:4], belongs=lambda identifier: int(identifier[2:]) < 4)
    with pytest.raises(GrowmergeError, match=r"swe, 1-of-1: .*of 10 documents, 6 belong to another part.* and 4 hold"):
        list(text.of(everything, "swe, 1-of-1"))
    with pytest.raises(GrowmergeError, match=r"swe, 2-of-2: .*of 3 documents, 3 belong to another part.* and 0 hold"):
        list(text.of(everything[5:8], "swe, 2-of-2"))


def heldout_shards(folder, count):
    shards = []
    for number in range(count):
        shards.append(folder / f"{number + 1}-of-{count}")
        with publish(shards[-1]) as draft:
            write_documents([Document(f"id{number}", f"text {number}")], draft.folder / HELDOUT)
            (draft.folder / "documents.parquet").write_text("is not read")
    return shards


def test_held_out_documents_of_all_shards_are_read(tmp_path):
    assert [d.id for d in read_heldout(heldout_shards(tmp_path, 3))] == ["id0", "id1", "id2"]


def test_a_damaged_file_of_held_out_documents_is_named(tmp_path):
    shards = heldout_shards(tmp_path, 2)
    write_documents([], shards[1] / HELDOUT)
    with pytest.raises(GrowmergeError, match=r"2-of-2/heldout\.parquet: is damaged"):
        list(read_heldout(shards))


def test_texts_with_a_filled_in_placeholder_are_not_evaluated_on():
    everything = [
        Document(f"id{i}", f"Found … in number {i}" if i % 2 else f"Found it in number {i}") for i in range(100)
    ]
    assert evaluation_documents(everything, "…") == everything[::2]
    assert evaluation_documents(everything, None) == everything


def test_the_first_bytes_stop_at_the_limit():
    texts = list(first_bytes([Document("a", "þþ"), Document("b", "xxxx"), Document("c", "y")], 8))
    assert texts == ["þþ", "xxxx"]
