"""Held-out text is never trained on, and a document's place depends on its id alone."""

from hypothesis import given
from hypothesis import strategies as st

from growmerge.data.documents import Document, fold
from growmerge.data.split import evaluation_documents, first_bytes, in_part, in_shard, training_documents

PARTS = [{"name": "a", "share": 0.8}, {"name": "b", "share": 0.2}]


def documents(count):
    return [Document(f"id{i}", f"This is sentence number {i} of them.") for i in range(count)]


def test_training_and_evaluation_share_no_sentence():
    everything = documents(2000)
    heldout = evaluation_documents(everything, 0.1, None)
    assert 150 < len(heldout) < 250
    # The same sentence under another id, in other case and punctuation, and inside of a longer document.
    copies = [Document(f"copy{i}", d.text.upper().rstrip(".") + "!") for i, d in enumerate(heldout[:50])]
    longer = [Document(f"long{i}", f"Before it; {d.text} After it.") for i, d in enumerate(heldout[50:100])]
    training = training_documents([*everything, *copies, *longer], 0.1)
    words = " ".join(fold(d.text) for d in training)
    assert not [d for d in heldout if fold(d.text) in words]
    assert len(training) > 1700


def test_evaluation_text_of_another_corpus_is_not_trained_on():
    evaluation = [Document("x", "A parallel sentence of the test set."), Document("y", "Two words")]
    web = [
        Document("1", "Lorem ipsum. A PARALLEL sentence, of the test set! Dolor sit."),
        Document("2", "A parallel sentence of another kind."),
        Document("3", "two words"),
        Document("4", "These are two words in a text."),
    ]
    assert [d.id for d in training_documents(web, 0.0, evaluation)] == ["2", "4"]


def test_a_document_keeps_its_place_when_others_are_added():
    few, many = documents(100), documents(1000)
    assert evaluation_documents(few, 0.2, None) == [d for d in evaluation_documents(many, 0.2, None) if d in few]
    assert in_part(few, "b", PARTS) == [d for d in in_part(many, "b", PARTS) if d in few]


def test_parts_are_disjoint_complete_and_of_their_size():
    everything = documents(5000)
    a, b = (in_part(everything, name, PARTS) for name in "ab")
    assert sorted(d.id for d in [*a, *b]) == sorted(d.id for d in everything)
    assert 0.17 < len(b) / len(everything) < 0.23
    assert in_part(everything, "whole", []) == everything


def test_parts_do_not_follow_the_hold_out():
    heldout = evaluation_documents(documents(5000), 0.2, None)
    assert 0.1 < len(in_part(heldout, "b", PARTS)) / len(heldout) < 0.3


@given(st.integers(0, 50), st.integers(1, 9))
def test_shards_are_all_documents_in_order(count, shards):
    everything = documents(count)
    pieces = [in_shard(everything, f"{i + 1}-of-{shards}") for i in range(shards)]
    assert [d for piece in pieces for d in piece] == everything


def test_texts_with_a_filled_in_placeholder_are_not_evaluated_on():
    everything = [
        Document(f"id{i}", f"Found … in number {i}" if i % 2 else f"Found it in number {i}") for i in range(100)
    ]
    assert not [d for d in evaluation_documents(everything, 1.0, "…") if "…" in d.text]
    assert len(evaluation_documents(everything, 1.0, "…")) == 50


def test_the_first_bytes_stop_at_the_limit():
    texts = list(first_bytes([Document("a", "þþ"), Document("b", "xxxx"), Document("c", "y")], 8))
    assert texts == ["þþ", "xxxx"]
