"""What a tokenizer makes of each language is counted on held-out text, and told before anything is trained."""

import logging
from pathlib import Path

import pandas as pd
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from growmerge.artifacts import publish, read_manifest
from growmerge.config.analysis import Analysis
from growmerge.config.corpora import Corpus
from growmerge.data.corpus import publish_documents
from growmerge.data.llama3 import BYTE_CHARACTERS
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.figures import FIGURES
from growmerge.figures.common.figure import Drawn
from growmerge.figures.common.selection import Selection
from growmerge.study.sharding import Shard
from growmerge.tables import tokenizer as tables_tokenizer
from growmerge.tables.tokenizer import COLUMNS, Measure, write_tokenizer_table

ENGLISH = [f"The quick brown fox number {i} jumps over the lazy dog" for i in range(30)]
PERSIAN = [f"روباه قهوه‌ای شماره {i} از روی سگ تنبل می‌پرد" for i in range(30)]
SELECTION = Selection(("fas", "fao"), ())


def byte_level(entries: dict[str, int], merges: list[tuple[str, str]] | None = None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(entries, merges or []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def bytes_alone() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(BYTE_CHARACTERS)}


def test_a_text_is_counted_in_bytes_words_and_tokens():
    found = Measure(byte_level(bytes_alone())).of(["ab þ", "c d e"])
    assert {name: found[name] for name in ("documents", "bytes", "words", "tokens")} == {
        "documents": 2, "bytes": 10, "words": 5, "tokens": 10,
    }  # fmt: skip
    assert found["bytes_per_token"] == 1
    assert found["tokens_per_word"] == 2
    assert found["fragments"] == 2 / 10, "þ is two bytes, and neither is a character"
    assert found["vocabulary"] == 8 / 256, "seven letters, of which þ takes two entries, less one: a b c d e, space"


def test_a_merged_character_is_whole_and_a_part_with_a_space_is_not():
    first, second = (BYTE_CHARACTERS[byte] for byte in "þ".encode())
    space = BYTE_CHARACTERS[ord(" ")]
    whole = byte_level(bytes_alone() | {first + second: 256}, [(first, second)])
    assert Measure(whole).of(["þ"])["fragments"] == 0
    part = byte_level(bytes_alone() | {space + first: 256}, [(space, first)])
    assert Measure(part).of(["a þ"])["fragments"] == 2 / 3


def test_sentencepiece_falls_back_to_bytes():
    entries = {"<unk>": 0, "a": 1, "▁": 2} | {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}
    tokenizer = Tokenizer(models.BPE(entries, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    assert Measure(tokenizer).of(["a þ"])["fragments"] == 2 / 4


@pytest.mark.parametrize(
    "model",
    [
        models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"),
        models.Unigram([("[UNK]", 0.0), ("a", -1.0)], unk_id=0),
    ],
)
def test_unknown_tokens_are_fragments(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert Measure(tokenizer).of(["a þ a a"])["fragments"] == 1 / 4


def test_the_text_of_a_special_token_is_text():
    tokenizer = train_tokenizer(ENGLISH, 300)
    assert Measure(tokenizer).of(["<|endoftext|>"])["tokens"] > 1


def heldout(folder: Path, texts: list[str], share: float = 1.0) -> Path:
    """A documents folder as the rule makes it."""
    file = folder.with_suffix(".txt")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(texts), encoding="utf-8")
    source = {"kind": "files", "paths": [str(file)], "lines": True}
    corpus = Corpus.model_validate({"name": "text", "sources": [source], "heldout": share})
    publish_documents(folder, corpus, Shard(), packages=[], files=[file], work=folder.with_name("work"))
    return folder


@pytest.fixture
def made(tmp_path):
    with publish(tmp_path / "tokenizer") as draft:
        save_tokenizer(train_tokenizer(ENGLISH, 400), draft.folder)
    documents = {
        "eng": [heldout(tmp_path / "eng", ENGLISH)],
        "fas": [heldout(tmp_path / "fas-1", PERSIAN[:15]), heldout(tmp_path / "fas-2", PERSIAN[15:])],
        "fao": [heldout(tmp_path / "fao", ["Ein revur loypur", "Ein hundur svevur"], 0.0)],
    }
    return tmp_path / "tokenizer", documents, tmp_path / "tables" / "tokenizer.parquet"


def test_the_table_has_all_languages_and_warns_of_those_that_pay_twice(made, caplog):
    tokenizer, documents, parquet = made
    with caplog.at_level(logging.WARNING, logger="growmerge"):
        write_tokenizer_table(tokenizer, documents, "eng", parquet)
    table = pd.read_parquet(parquet)
    assert list(table) == list(COLUMNS)
    assert list(table["language"]) == ["eng", "fas", "fao"]
    rows = table.set_index("language")
    assert rows.loc["eng", "times_english"] == 1
    assert rows.loc["fas", "documents"] == 30, "of both shards"
    assert rows.loc["fas", "bytes"] == sum(len(text.encode()) for text in PERSIAN)
    assert rows.loc["fas", "times_english"] > 2
    assert rows.loc["fas", "fragments"] > 0.5 > rows.loc["eng", "fragments"] == 0
    assert rows.loc["fao", "tokens"] == 0
    assert rows.loc["fao", ["bytes_per_token", "times_english", "vocabulary"]].isna().all()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert told[0].startswith(
        f"fas: takes {rows.loc['fas', 'times_english']:.1f} times as many tokens a byte as English"
    )
    assert told[1].startswith("fao: nothing is held out")
    assert pd.read_csv(parquet.with_suffix(".csv")).shape == table.shape
    assert str(tokenizer) in read_manifest(parquet).inputs


def test_no_more_text_is_read_than_stated(made, monkeypatch):
    tokenizer, documents, parquet = made
    monkeypatch.setattr(tables_tokenizer, "MOST_BYTES", 600)
    write_tokenizer_table(tokenizer, documents, "eng", parquet)
    rows = pd.read_parquet(parquet).set_index("language")
    assert 500 < rows.loc["eng", "bytes"] <= 600


def test_the_figure_shows_every_language_and_says_which_is_dear(made):
    tokenizer, documents, parquet = made
    write_tokenizer_table(tokenizer, documents, "eng", parquet)
    figure = FIGURES["tokenizer"]
    bars = figure.data(pd.read_parquet(parquet), SELECTION)
    assert list(bars["language"].unique()) == ["eng", "fas", "fao"]
    assert len(bars) == 3 * 4
    drawing = figure.drawn(bars)
    drawn = drawing.findobj(lambda artist: artist.get_gid() == "bar")
    heights = [bar.get_width() for bar in drawn]
    table = pd.read_parquet(parquet).set_index("language")
    for value in (table.loc["fas", "bytes_per_token"], 100 * table.loc["eng", "vocabulary"]):
        assert pytest.approx(value) in heights
    labels = [label.get_text() for label in drawing.legends[0].get_texts()]
    assert labels == ["English", "2 × English's tokens a byte", "nothing held out"]
    said = figure.finding(Drawn(bars, parquet, SELECTION))
    assert said.startswith("A token holds from ")
    assert (
        f"than 2 times as many tokens a byte as English: fas ({table.loc['fas', 'times_english']:.1f} times)." in said
    )
    alone = bars[bars["language"] == "eng"]
    assert "No language takes more" in figure.finding(Drawn(alone, parquet, SELECTION))
    text = figure.text(SELECTION, Analysis(), study="s")
    assert "before any training" in text
