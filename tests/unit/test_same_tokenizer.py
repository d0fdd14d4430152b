"""Two tokenizers are the same if they make the same of text, however their files are written."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from growmerge.data.same_tokenizer import tokenizer_difference
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.errors import GrowmergeError

TEXT = ["the cat sees the dog", "hundurinn sér köttinn", "The Cat, 12 dogs"] * 9
POST = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
    "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "one", train_tokenizer(TEXT, 300))


def save(folder: Path, tokenizer: Tokenizer) -> Path:
    folder.mkdir()
    save_tokenizer(tokenizer, folder)
    return folder


def rewritten(folder: Path, change, **layout) -> Path:
    """A copy beside `folder` whose tokenizer.json is `change`d."""
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    change(data)
    other = folder.parent / "other"
    other.mkdir()
    (other / "tokenizer.json").write_text(json.dumps(data, **layout), encoding="utf-8")
    return other


def merges_as_texts(data):
    pairs = data["model"]["merges"]
    assert all(isinstance(pair, list) for pair in pairs)
    data["model"]["merges"] = [" ".join(pair) for pair in pairs]


@pytest.mark.parametrize(
    "change",
    [
        merges_as_texts,
        lambda data: data["model"].pop("ignore_merges"),
        lambda data: data.update(
            truncation={"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
        ),
        lambda data: data.update(
            padding={
                "strategy": {"Fixed": 99},
                "direction": "Right",
                "pad_to_multiple_of": None,
                "pad_id": 0,
                "pad_type_id": 0,
                "pad_token": "<|endoftext|>",
            }
        ),
        lambda data: data.update(post_processor=POST),
        lambda data: data.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [data["pre_tokenizer"]]}),
        lambda data: data["pre_tokenizer"].update(use_regex=False),
        lambda data: data["model"].update(vocab=dict(sorted(data["model"]["vocab"].items()))),
    ],
    ids=[
        "merges",
        "defaults",
        "truncation",
        "padding",
        "begins with a token",
        "a sequence of one",
        "words that no merge joins",
        "order of entries",
    ],
)
@pytest.mark.parametrize("layout", [{}, {"indent": 4, "ensure_ascii": True}], ids=["compact", "indented"])
def test_what_is_only_written_otherwise_is_the_same(folder: Path, change, layout):
    assert tokenizer_difference(folder, rewritten(folder, change, **layout)) == ""


def exchange_entries(data):
    vocabulary = data["model"]["vocab"]
    vocabulary["A"], vocabulary["B"] = vocabulary["B"], vocabulary["A"]


def exchange_merges(data):
    merges = data["model"]["merges"]
    merges[-1], merges[-2] = merges[-2], merges[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (exchange_entries, "the id of 'A' is 33 here and 34 there"),
        (lambda data: data["model"]["vocab"].update({"new": 300}), "the id of 'new' is none here and 300 there"),
        (exchange_merges, "their merges differ"),
        (lambda data: data.update(normalizer={"type": "Lowercase"}), "becomes"),
        (lambda data: data.update(normalizer={"type": "NFC"}), "becomes"),
        (lambda data: data["pre_tokenizer"].update(add_prefix_space=True), "becomes"),
    ],
    ids=["ids", "an entry", "order of merges", "small letters", "NFC", "a space before"],
)
def test_what_changes_the_ids_of_a_text_is_named(folder: Path, change, message):
    assert message in tokenizer_difference(folder, rewritten(folder, change))


def test_the_same_text_gives_the_same_tokenizer_and_other_text_another(folder: Path, tmp_path: Path):
    assert tokenizer_difference(folder, save(tmp_path / "again", train_tokenizer(TEXT, 300))) == ""
    assert tokenizer_difference(folder, save(tmp_path / "new", train_tokenizer(["sól og sumar " * 9], 300))) != ""


def test_scores_of_a_unigram_model_count(tmp_path: Path):
    entries = [("<unk>", 0.0), ("a", -1.0), ("b", -2.0), ("ab", -2.5)]
    one = save(tmp_path / "one", Tokenizer(models.Unigram(entries, 0)))
    other = save(tmp_path / "other", Tokenizer(models.Unigram([*entries[:3], ("ab", -9.0)], 0)))
    assert tokenizer_difference(one, other) == "their scores of entries differ"


def test_a_folder_without_a_tokenizer_and_a_damaged_one_are_named(folder: Path, tmp_path: Path):
    with pytest.raises(GrowmergeError, match=r"empty: has no tokenizer\.json"):
        tokenizer_difference(folder, tmp_path / "empty")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "tokenizer.json").write_text("{")
    with pytest.raises(GrowmergeError, match=r"damaged/tokenizer\.json: cannot be read"):
        tokenizer_difference(folder, tmp_path / "damaged")
