"""chrF++ is sacrebleu's, its interval that of resampled corpora; and translations stand side by side."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Tiny, sentences
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF

from growmerge.artifacts import verify, write_manifest
from growmerge.benchmarks.items import Item
from growmerge.catalogue.entry import Decoding
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import chrf, count, resampled, signature
from growmerge.evaluation.translations import TRANSLATION_SCHEMA, translate
from growmerge.models.external import load_model
from growmerge.study.grid import Model
from growmerge.tables.translations import markdown, side_by_side, write_translations

METRIC = CHRF(word_order=2)
WORDS = ["", "a", "cat", "cats", "sees.", "(the", "þú", "سلام", "…", "a cat"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


# --- chrF++ -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXTS, TEXTS.filter(str.strip)), min_size=1, max_size=6))
@example([("", "a cat")])
@example([("a cat", "a cat")])
def test_sentences_and_corpora_get_what_sacrebleu_gives_them(pairs):
    hypotheses, references = (list(texts) for texts in zip(*pairs, strict=True))
    counts = count(hypotheses, references)
    alone = [METRIC.sentence_score(hypothesis, [reference]).score for hypothesis, reference in pairs]
    assert chrf(counts).tolist() == pytest.approx(alone)
    assert float(chrf(counts.sum(axis=0))) == pytest.approx(METRIC.corpus_score(hypotheses, [references]).score)


def test_a_score_by_hand():
    # Characters: 2 of 3, 1 of 2 and 0 of 1 n-grams are common; words: 0 of 1; longer ones there are none of.
    assert float(chrf(count(["abc"], ["abd"])[0])) == pytest.approx(100 * (2 / 3 + 1 / 2 + 0 + 0) / 4)
    # Precision 1 in two orders of characters and one of words; recall 2/3, 1/2, 0 (words: "ab" is not "abc").
    precision, recall = (1 + 1 + 0) / 3, (2 / 3 + 1 / 2 + 0) / 3
    assert float(chrf(count(["ab"], ["abc"])[0])) == pytest.approx(
        100 * 5 * precision * recall / (4 * precision + recall)
    )


def test_the_harness_s_metric_of_that_name_is_the_same():
    from lm_eval.api.metrics import chrfpp

    hypotheses, references = sentences(30, 1), sentences(30, 2)
    ours = float(chrf(count(hypotheses, references).sum(axis=0)))
    assert ours == pytest.approx(chrfpp(list(zip(references, hypotheses, strict=True))))
    assert signature().startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.")


def test_resamples_are_corpora_of_drawn_sentences(monkeypatch: pytest.MonkeyPatch):
    hypotheses, references = sentences(40, 1), sentences(40, 2)
    counts = count(hypotheses, references)
    draws = np.random.default_rng(3).integers(40, size=(5, 40))
    expected = [
        METRIC.corpus_score([hypotheses[i] for i in drawn], [[references[i] for i in drawn]]).score for drawn in draws
    ]
    assert resampled(counts, 5, np.random.default_rng(3)).tolist() == pytest.approx(expected)
    monkeypatch.setattr("growmerge.evaluation.chrf.DRAWS_PER_BLOCK", 80)
    assert resampled(counts, 5, np.random.default_rng(3)).tolist() == pytest.approx(expected), "in blocks of two"


def test_the_spread_of_resamples_is_that_of_sacrebleu_s_own_bootstrap():
    hypotheses, references = sentences(60, 1), sentences(60, 2)
    low, high = np.percentile(resampled(count(hypotheses, references), 1000, np.random.default_rng(0)), (2.5, 97.5))
    theirs = METRIC.corpus_score(hypotheses, [references], n_bootstrap=1000)
    assert (high - low) / 2 == pytest.approx(theirs._ci, rel=0.1)
    assert (high + low) / 2 == pytest.approx(theirs._mean, rel=0.02)


def test_what_does_not_pair_up_is_refused():
    with pytest.raises(ValueError, match="1 hypotheses and 2 references"):
        count(["a"], ["a", "b"])


# --- translating ------------------------------------------------------------------------------------------------------

ITEMS = [
    Item(f"s{n}", "translation", (), reference, context=f"EN: the cat SV: katten\n\nEN: {source} SV:")
    for n, (source, reference) in enumerate(zip(sentences(5, 1), sentences(5, 2), strict=True))
]


def translated(tiny: Tiny, items: list[Item], **changed) -> pd.DataFrame:
    folder = tiny.checkpoint("translating", seed=4)
    tokenizer, begin, end = load_tokenizer(folder)
    options = {"begin_id": begin, "end_id": end, "tokens_per_batch": 500} | changed
    return translate(load_model(folder), tokenizer, ("mt", "swe"), items, Decoding(8), **options).to_pandas()


def test_every_item_has_its_source_its_reference_and_its_own_score(tiny: Tiny):
    table = translated(tiny, ITEMS)
    assert list(table.columns) == TRANSLATION_SCHEMA.names
    assert table["item"].tolist() == [item.id for item in ITEMS]
    assert table["source"].tolist() == sentences(5, 1)
    assert table["reference"].tolist() == sentences(5, 2)
    for row in table.itertuples():
        assert row.chrf == pytest.approx(METRIC.sentence_score(row.hypothesis, [row.reference]).score)
    counts = np.array(table["counts"].tolist()).sum(axis=0)
    whole = METRIC.corpus_score(table["hypothesis"].tolist(), [table["reference"].tolist()]).score
    assert float(chrf(counts)) == pytest.approx(whole)


def test_items_that_are_not_prompts_and_prompts_that_are_too_long_name_benchmark_and_item(tiny: Tiny):
    with pytest.raises(GrowmergeError, match="mt/swe: item q has candidates, or no reference"):
        translated(tiny, [Item("q", "", (" a", " b"), context="which?")])
    with pytest.raises(GrowmergeError, match=r"mt/swe: prompt long has \d+ tokens"):
        translated(tiny, [Item("long", "", (), "x", context="the cat " * 60)])


# --- side by side -----------------------------------------------------------------------------------------------------


def frame(hypotheses: dict[str, str], language: str = "swe", benchmark: str = "mt") -> pd.DataFrame:
    rows = [
        (benchmark, language, item, f"source {item}", f"reference {item}", text, 12.345)
        for item, text in hypotheses.items()
    ]
    columns = ["benchmark", "language", "item", "source", "reference", "hypothesis", "chrf"]
    return pd.DataFrame(rows, columns=columns)


def test_the_same_items_of_several_models_stand_under_their_source_and_reference(tmp_path: Path):
    path = tmp_path / "translations.parquet"
    pd.concat([frame({"a": "one", "b": "two"}), frame({"a": "x"}, "isl")]).to_parquet(path)
    frames = {"m1": path, "m2": frame({"b": "deux"}), "m3": tmp_path / "absent.parquet"}
    table = side_by_side(frames, ["m2", "m1", "m3", "m4"], items=2, languages=["isl", "swe"])
    assert list(dict.fromkeys(table["language"])) == ["isl", "swe"]
    of_b = table[(table["language"] == "swe") & (table["item"] == "b")]
    assert of_b["who"].tolist() == ["source", "reference", "m2", "m1", "m3", "m4"]
    assert of_b["text"].fillna("hole").tolist() == ["source b", "reference b", "deux", "two", "hole", "hole"]
    assert of_b["chrf"].fillna(0).tolist() == [0, 0, 12.345, 12.345, 0, 0]
    assert len(side_by_side(frames, ["m1"], items=1)) == 2 * 3
    assert set(side_by_side(frames, ["m1"], items=9, languages=["swe"])["language"]) == {"swe"}


def test_which_items_are_shown_does_not_change_when_others_come_or_go():
    many = frame({f"i{n}": "x" for n in range(40)})
    shown = set(side_by_side({"m": many}, ["m"], items=3)["item"])
    assert len(shown) == 3
    fewer = many[many["item"].isin([*shown, "i1", "i2", "i3"])].iloc[::-1]
    assert set(side_by_side({"m": fewer}, ["m"], items=3)["item"]) == shown


def test_the_markdown_is_a_table_an_item_that_no_text_can_break():
    text = markdown(side_by_side({"m1": frame({"a": "a | b\nc"}), "m2": frame({"a": " "})}, ["m1", "m2", "m3"]))
    assert text == (
        "## mt, swe\n\n"
        "| a | | chrF++ |\n|---|---|--:|\n"
        "| source | source a |  |\n"
        "| reference | reference a |  |\n"
        "| m1 | a \\| b c | 12.3 |\n"
        "| m2 | *(nothing)* | 12.3 |\n"
        "| m3 | – |  |\n"
    )
    assert markdown(side_by_side({}, ["m1"])) == "No model has translated anything.\n"


def test_the_table_of_a_study_shows_under_a_language_the_models_that_know_it(tmp_path: Path):
    def of(model: str, *languages: str) -> Model:
        folder = tmp_path / "scores" / model
        folder.mkdir(parents=True)
        pd.concat([frame({"a": f"{model} {code}"}, code) for code in ("swe", "isl")]).to_parquet(
            folder / "translations.parquet"
        )
        write_manifest(folder / "manifest.json", ["translations.parquet"])
        return Model(model, "model", (), 1, languages=languages)

    models = [of("1x/swe", "swe"), of("1x/multi", "swe", "isl"), of("external/x"), Model("1x/no", "model", (), 1)]
    parquet = tmp_path / "tables" / "translations.parquet"
    write_translations(models, tmp_path / "scores", ["isl", "swe"], parquet)
    assert verify(parquet).files.keys() == {f"translations.{suffix}" for suffix in ("parquet", "csv", "md")}
    table = pd.read_parquet(parquet)
    shown = {language: part["who"].tolist()[2:] for language, part in table.groupby("language")}
    assert shown == {
        "isl": ["1x/multi", "external/x", "1x/no"],
        "swe": ["1x/swe", "1x/multi", "external/x", "1x/no"],
    }
    page = parquet.with_suffix(".md").read_text()
    assert page.startswith("# Translations\n\n## mt, isl\n")
    assert "| 1x/multi | 1x/multi isl | 12.3 |" in page
    (tmp_path / "scores/1x/swe/translations.parquet").write_bytes(b"damaged")
    with pytest.raises(GrowmergeError, match=r"translations\.parquet: has 7 bytes"):
        write_translations(models, tmp_path / "scores", ["swe"], parquet)


def test_models_that_were_asked_other_things_are_not_set_side_by_side():
    other = frame({"a": "x"}).assign(source="another source")
    with pytest.raises(GrowmergeError, match="1 items do not have the same source and reference for m1 and m2"):
        side_by_side({"m1": frame({"a": "x"}), "m2": other}, ["m1", "m2"])
    with pytest.raises(GrowmergeError, match="the translations of m1: no column 'source'"):
        side_by_side({"m1": frame({"a": "x"}).drop(columns="source")}, ["m1"])
