"""Fast encoding gives the ids of Hugging Face's `tokenizers`, and takes only tokenizers of the kinds compared here."""

import random
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

from growmerge.data import encoding
from growmerge.data.documents import Document
from growmerge.data.encoding import by_tokenizers, fastest
from growmerge.data.llama3 import PATTERN
from growmerge.data.shards import write_shard
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.data.tokenizer import END_OF_TEXT, plain, train_tokenizer

SCRIPTS = [
    "Þórður á öl",
    "کتاب‌ها را می‌خوانم ۱۲۳",
    "我喜欢猫，你呢？",
    "ภาษาไทย",
    "한국어",
    "Ångström's 1234 ½",
    "👩🏽‍🚀 🇸🇪",
]
# Where implementations differ: kinds of space, marks, letters that are two in another case, contractions, numbers.
ODD = [
    *(
        "\u200c",
        "\u200d",
        "\u0301",
        "\u0654",
        "\u00a0",
        "\u3000",
        "\u2028",
        "\u0085",
        "\v",
        "\f",
        "\x1c",
        "\0",
        "\ufeff",
    ),
    *("\r\n", "\r", "\n", "\t", " ", "  ", "'s", "'S", "'ſ", "'ll", "’s", "'Re", "İ", "ı", "K", "ß", "ǅ", "ª", "ʰ"),
    *(
        "Ⅷ",
        "½",
        "²",
        "٣",
        "۴",
        "१",
        "一",
        "𠮷",
        "한",
        "각",
        "ก็",
        "👩🏽‍🚀",
        "❤️",
        "\U0001fae8",
        "\u0378",
        "\ue000",
        "\U0010ffff",
    ),
    *("a", "B", "é", "1", "12", "1234", "(", "==", "--", END_OF_TEXT, "<|", "|>", "Ġ", "Ċ"),
]


def train(split: pre_tokenizers.PreTokenizer) -> Tokenizer:
    texts = [document.text for document in read_topics()]
    trained = train_tokenizer([*texts, *SCRIPTS * 50, *ODD], 3000)
    trained.pre_tokenizer = split
    return plain(trained)


BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False)
LLAMA3 = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)


@pytest.fixture(scope="module", params=[BYTE_LEVEL, LLAMA3], ids=["as trained here", "cut as Llama 3 does"])
def tokenizer(request) -> Tokenizer:
    return train(request.param)


def assert_same(tokenizer: Tokenizer, texts: list[str]) -> None:
    fast = fastest(tokenizer)
    assert "fastokens" in fast.__qualname__
    for found, expected in zip(fast(texts), by_tokenizers(tokenizer)(texts), strict=True):
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)


def code_points(step: int) -> list[str]:
    """A text for every code point of the planes that have characters, but for private ones, or every `step`-th of them.

    Of the other planes, whose code points are all alike, a text for every 37th.
    """
    with_characters = (*range(0, 0x40000, step), *range(0xE0000, 0xF0000, step))
    others = (*range(0x40000, 0xE0000, 37), *range(0xF0000, 0x110000, 37))
    codes = (code for code in (*with_characters, *others) if not 0xD800 <= code < 0xE000)
    return [f"a{c}b {c}1{c} {c}{c}\n{c}'s x{c}" for c in map(chr, codes)]


def test_prose_code_and_runs_of_a_character_have_the_same_ids(tokenizer):
    documents = islice((*read_topics(), *read_stdlib_code(500_000)), 0, None, 3)
    runs = [text * count for text in ODD for count in (2, 50, 3000)]
    assert_same(tokenizer, [*(document.text for document in documents), *SCRIPTS, *runs, ""])


def test_odd_mixtures_have_the_same_ids(tokenizer):
    choose = random.Random(0)
    assert_same(tokenizer, ["".join(choose.choices(ODD, k=choose.randint(1, 14))) for _ in range(5000)])


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8")) | st.lists(st.sampled_from(ODD)).map("".join), max_size=3))
def test_any_texts_have_the_same_ids(tokenizer, texts):
    assert_same(tokenizer, texts)


def test_characters_of_all_blocks_of_unicode_have_the_same_ids(tokenizer):
    assert_same(tokenizer, code_points(37))


@pytest.mark.slow
def test_all_characters_of_unicode_have_the_same_ids(tokenizer):
    texts = code_points(1)
    assert len(texts) > 320_000
    assert_same(tokenizer, texts)


@pytest.mark.parametrize("begin", [0, 7], ids=["one token between documents", "a token before and one after"])
def test_a_shard_has_the_same_bytes_without_fastokens(tokenizer, tmp_path, monkeypatch, begin):
    documents = [
        Document("1", ""),
        *read_topics(),
        Document("2", f"a {END_OF_TEXT}"),
        Document("3", ""),
        Document("4", ""),
    ]
    fast = write_shard(documents, tokenizer, begin, 0, tmp_path / "fast")
    monkeypatch.setitem(sys.modules, "fastokens", None)  # as if it were not installed
    assert "fastokens" not in fastest(tokenizer).__qualname__
    assert write_shard(documents, tokenizer, begin, 0, tmp_path / "slow") == fast
    assert (tmp_path / "fast").read_bytes() == (tmp_path / "slow").read_bytes()


def changed(tokenizer: Tokenizer, change: str) -> Tokenizer:
    other = plain(Tokenizer.from_str(tokenizer.to_str()))
    match change:
        case "normalizer":
            other.normalizer = normalizers.NFC()
        case "split":
            other.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        case "no split":
            other.pre_tokenizer = None
        case "dropout":
            other.model.dropout = 0.1
        case "added token":
            other.add_tokens(["of the"])
    return other


@pytest.mark.parametrize("change", ["normalizer", "split", "no split", "dropout", "added token"])
def test_tokenizers_that_were_not_compared_encode_by_themselves(tokenizer, change):
    assert "fastokens" not in fastest(changed(tokenizer, change)).__qualname__


def test_it_is_loaded_only_where_texts_are_encoded():
    program = f"import sys, {encoding.__name__}; print('fastokens' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.split() == ["False"]
