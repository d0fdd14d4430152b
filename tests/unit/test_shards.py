"""Token shards hold every token once, are memory-mapped, and are refused when damaged or too small."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growmerge.artifacts import publish, verify
from growmerge.data.documents import Document
from growmerge.data.shards import TOKENS, TokenCorpus, count_documents, write_shard
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from growmerge.errors import GrowmergeError

TEXTS = ["Halló heimur", "سلام دنیا", "hello world", "def f(x):\n    return x"] * 30


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, 320)


def shard(folder, tokenizer, texts, begin=0):
    with publish(folder) as draft:
        documents = [Document(str(i), text) for i, text in enumerate(texts)]
        draft.facts |= write_shard(documents, tokenizer, begin, 0, draft.folder / TOKENS)
    return folder


def test_the_stream_is_the_documents_each_closed_by_the_end_token(tmp_path, tokenizer):
    folder = shard(tmp_path / "1-of-1", tokenizer, TEXTS * 10)
    facts = verify(folder).facts
    expected = [i for text in TEXTS * 10 for i in [*tokenizer.encode(text).ids, 0]]
    corpus = TokenCorpus([folder], 16)
    got = np.concatenate([corpus.sequence(i)[:-1] for i in range(len(corpus))])
    assert facts == {
        "documents": 1200,
        "bytes": sum(len(t.encode()) for t in TEXTS) * 10,
        "characters": sum(map(len, TEXTS)) * 10,
        "tokens": len(expected),
        "special_texts": {"documents": 0, "occurrences": 0},
    }
    assert got.tolist() == expected[: len(got)]
    assert len(expected) - len(got) <= 16
    assert count_documents([folder]) == 1200


def test_batches_are_written_in_order(tmp_path, tokenizer, monkeypatch):
    whole = shard(tmp_path / "whole", tokenizer, TEXTS)
    monkeypatch.setattr("growmerge.data.shards.BATCH_BYTES", 50)
    pieces = shard(tmp_path / "pieces", tokenizer, TEXTS)
    tables = [pa.ipc.open_file(pa.memory_map(str(folder / TOKENS))).read_all() for folder in (whole, pieces)]
    assert tables[1]["tokens"].num_chunks >= 30 > tables[0]["tokens"].num_chunks == 1
    assert tables[0]["tokens"].to_pylist() == tables[1]["tokens"].to_pylist()


def test_no_documents_are_an_empty_stream(tmp_path, tokenizer):
    folder = shard(tmp_path / "1-of-1", tokenizer, [])
    nothing = {"documents": 0, "occurrences": 0}
    assert verify(folder).facts == {"documents": 0, "bytes": 0, "characters": 0, "tokens": 0, "special_texts": nothing}


def test_a_document_that_cannot_be_read_ends_the_shard(tmp_path, tokenizer):
    def documents():
        yield Document("a", "hello world")
        raise GrowmergeError("the second is damaged")

    with pytest.raises(GrowmergeError, match="the second is damaged"):
        write_shard(documents(), tokenizer, 0, 0, tmp_path / TOKENS)


def test_a_token_that_begins_texts_begins_documents(tmp_path, tokenizer):
    corpus = TokenCorpus([shard(tmp_path / "1-of-1", tokenizer, ["hello world"] * 9, begin=7)], 12)
    ids = tokenizer.encode("hello world").ids
    assert corpus.sequence(0).tolist()[: 2 * len(ids) + 4] == [7, *ids, 0, 7, *ids, 0][:13]


def test_windows_overlap_by_the_last_target_alone(tmp_path, tokenizer):
    corpus = TokenCorpus([shard(tmp_path / "1-of-1", tokenizer, TEXTS)], 10)
    for i in range(len(corpus) - 1):
        assert corpus.sequence(i).shape == (11,)
        assert corpus.sequence(i)[-1] == corpus.sequence(i + 1)[0]


def test_sequences_run_through_shards_in_order(tmp_path, tokenizer):
    folders = [shard(tmp_path / f"{n}-of-2", tokenizer, texts) for n, texts in ((1, TEXTS), (2, TEXTS[::-1]))]
    both, second = TokenCorpus(folders, 10), TokenCorpus(folders[1:], 10)
    first = len(both) - len(second)
    assert np.array_equal(both.sequence(first), second.sequence(0))
    assert np.array_equal(both.sequence(len(both) - 1), second.sequence(len(second) - 1))


@settings(max_examples=30)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_survives_the_tokenizer(text):
    tokenizer = train_tokenizer(TEXTS, 320)
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_a_flipped_bit_is_found_and_the_shard_named(tmp_path, tokenizer):
    folder = shard(tmp_path / "1-of-1", tokenizer, TEXTS)
    data = bytearray((folder / TOKENS).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / TOKENS).write_bytes(data)
    with pytest.raises(GrowmergeError, match=r"1-of-1.tokens.arrow: its bytes differ"):
        TokenCorpus([folder], 10)


def test_a_truncated_shard_is_found_and_named(tmp_path, tokenizer):
    folder = shard(tmp_path / "1-of-1", tokenizer, TEXTS)
    data = (folder / TOKENS).read_bytes()
    (folder / TOKENS).write_bytes(data[:-8])
    with pytest.raises(
        GrowmergeError, match=rf"tokens.arrow: has {len(data) - 8} bytes, its manifest says {len(data)}"
    ):
        TokenCorpus([folder], 10)


def test_a_shard_without_a_single_sequence_is_refused(tmp_path, tokenizer):
    folder = shard(tmp_path / "1-of-1", tokenizer, ["hi"])
    with pytest.raises(GrowmergeError, match="fewer than one sequence of 100"):
        TokenCorpus([folder], 100)


def test_the_tokenizer_loads_in_transformers_with_the_same_ids(tmp_path, tokenizer):
    from transformers import AutoTokenizer

    save_tokenizer(tokenizer, tmp_path)
    ours, begin, end = load_tokenizer(tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert (theirs.bos_token_id, theirs.eos_token_id) == (begin, end) == (0, 0)
    for text in TEXTS[:4]:
        assert theirs(text, add_special_tokens=False)["input_ids"] == ours.encode(text, add_special_tokens=False).ids
