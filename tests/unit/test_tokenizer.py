"""Texts are encoded as they stand, whatever a tokenizer folder says; special tokens are those of transformers."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer
from transformers import AutoTokenizer

from growmerge.data.documents import Document
from growmerge.data.shards import write_shard
from growmerge.data.split import first_bytes
from growmerge.data.tokenizer import (
    END_OF_TEXT,
    check_size,
    load_tokenizer,
    save_tokenizer,
    take_tokenizer,
    train_tokenizer,
)
from growmerge.errors import GrowmergeError

TEXTS = ["the cat sees the dog", "the dog sees a <s>cat</s>"] * 9


@pytest.fixture
def folder(tmp_path):
    save_tokenizer(train_tokenizer(TEXTS, 270), tmp_path)
    return tmp_path


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def shard(texts, folder):
    return write_shard([Document(str(i), t) for i, t in enumerate(texts)], *load_tokenizer(folder), folder / "tokens")


@pytest.mark.parametrize("setting", ["truncation", "padding"])
def test_shards_are_neither_cut_nor_padded_as_the_file_of_a_tokenizer_says(folder, setting):
    whole = shard(["the cat " * 100, "a"], folder)
    other = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if setting == "truncation":
        other.enable_truncation(16)
    else:
        other.enable_padding(length=512)
    save_tokenizer(other, folder)
    assert json.loads((folder / "tokenizer.json").read_text())[setting]
    assert shard(["the cat " * 100, "a"], folder) == whole


def test_a_special_tokens_text_in_a_document_is_text_and_counted(folder):
    tokenizer, _, end = load_tokenizer(folder)
    text = f"write {END_OF_TEXT} between documents, {END_OF_TEXT}"
    assert end not in encode(tokenizer, text)
    assert tokenizer.decode(encode(tokenizer, text), skip_special_tokens=False) == text
    facts = shard([text, "nothing of it", END_OF_TEXT], folder)
    assert facts["special_texts"] == {"documents": 2, "occurrences": 3}
    assert facts["tokens"] == sum(len(encode(tokenizer, t)) + 1 for t in [text, "nothing of it", END_OF_TEXT])


def test_of_special_tokens_that_begin_alike_the_longest_is_counted(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens(["<s>", "<s>>"])
    tokenizer.add_tokens(["cat"])  # an added token that is not special stays one
    save_tokenizer(tokenizer, folder)
    assert shard(["a <s>> b <s>", "cat"], folder)["special_texts"] == {"documents": 1, "occurrences": 2}
    assert encode(load_tokenizer(folder)[0], "cat") == [tokenizer.token_to_id("cat")]


CONFIGURED = {
    "by text": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"},
    "by dictionary": {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": {"__type": "AddedToken", "content": "<s>", "special": True},
        "eos_token": "</s>",
    },
    "end only": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"},
    "default of the class": {"tokenizer_class": "GPT2TokenizerFast"},
    "map": {"tokenizer_class": "PreTrainedTokenizerFast"},
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_the_tokens_that_begin_and_end_a_text_are_those_of_transformers(folder, name):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", special=True)])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(CONFIGURED[name]))
    if name == "map":
        (folder / "special_tokens_map.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
    theirs = AutoTokenizer.from_pretrained(folder)
    begin = theirs.eos_token_id if theirs.bos_token_id is None else theirs.bos_token_id
    assert load_tokenizer(folder)[1:] == (begin, theirs.eos_token_id)


def test_a_tokenizer_without_a_token_that_begins_or_ends_a_text_is_refused(folder):
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    with pytest.raises(GrowmergeError, match="no token that begins or ends a text"):
        load_tokenizer(folder)


def test_a_token_that_the_vocabulary_lacks_is_none(folder):
    """transformers gives it a new id, for which a model of this vocabulary has no embedding."""
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<new>", "eos_token": END_OF_TEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert load_tokenizer(folder)[1:] == (0, 0)


def test_the_largest_id_decides_whether_a_vocabulary_fits(folder):
    data = json.loads((folder / "tokenizer.json").read_text())
    entries = len(data["model"]["vocab"])
    assert check_size(folder, entries) == entries
    with pytest.raises(GrowmergeError, match=f"{entries} entries with ids up to {entries - 1}; raise it to {entries}"):
        check_size(folder, entries - 1)
    last = max(data["model"]["vocab"], key=data["model"]["vocab"].get)
    data["model"]["vocab"][last] = 999
    (folder / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(GrowmergeError, match=f"{entries} entries with ids up to 999; raise it to 1000"):
        check_size(folder, 999)
    assert check_size(folder, 1000) == entries


@pytest.mark.parametrize("texts", [[], [""]])
def test_a_tokenizer_is_not_trained_on_nothing(texts):
    with pytest.raises(GrowmergeError, match=r"tokenizer\.corpora: there is no text"):
        train_tokenizer(texts, 300)


@pytest.mark.parametrize(("limit", "beginning"), [(5, "þþ"), (4, "þþ"), (6, "þþþ"), (1, "")])
def test_of_a_first_document_that_is_too_long_the_beginning_is_taken(limit, beginning):
    assert list(first_bytes([Document("a", "þþþþ"), Document("b", "x")], limit)) == [beginning]


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(GrowmergeError, match="holds no tokenizer"):
        take_tokenizer(str(tmp_path), None, tmp_path)
    with pytest.raises(GrowmergeError, match=r"has no tokenizer\.json"):
        load_tokenizer(tmp_path)
