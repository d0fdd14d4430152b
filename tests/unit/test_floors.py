"""Floors: what a model has to beat where guessing has no level."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from growmerge.artifacts import publish, read_manifest
from growmerge.benchmarks.items import ITEMS, Item, write_items
from growmerge.config import load_files
from growmerge.data.token_counts import COUNTS
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.request import Request
from growmerge.evaluation.unigram import score_unigram, unigram_logprobs
from growmerge.figures import FIGURES
from growmerge.figures.common.selection import Selection
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.floors import counted_corpora, unigram, untrained
from growmerge.study.grid import Grid, Model
from growmerge.study.shown import Shown
from growmerge.tables.summary import summarise

CONFIG = Path(__file__).parents[2] / "config"
TEXTS = {"swe": "en liten katt sitter på en matta", "isl": "köttur situr á mottu og köttur sefur"}


def test_a_token_is_as_likely_as_its_count_with_one_added():
    counts = np.array([3, 0, 1], dtype=np.int64)
    requests = [Request((9,), (0, 1)), Request((9, 9), (2,)), Request((9,), (1, 0))]
    found = unigram_logprobs(counts, requests)
    assert found == pytest.approx([math.log(4 / 7 * 1 / 7), math.log(2 / 7), math.log(4 / 7 * 1 / 7)])
    assert found[0] == found[2], "the order of tokens makes no difference at all, not even by rounding"
    everything = [Request((9,), (token,)) for token in range(3)]
    assert np.exp(unigram_logprobs(counts, everything)).sum() == pytest.approx(1), "it is a probability"


@pytest.fixture
def study(tmp_path):
    """A tokenizer, counts of each language, and a benchmark of running text and one of pairs in each."""
    tokenizer = train_tokenizer([list(TEXTS.values())], vocab_size=300)
    with publish(tmp_path / "tokenizer") as draft:
        save_tokenizer(tokenizer, draft.folder)
    counts, cells = {}, {}
    for number, (code, text) in enumerate(TEXTS.items()):
        counts[code] = tmp_path / "counts" / code
        with publish(counts[code]) as draft:
            np.save(draft.folder / COUNTS, np.bincount([number, number + 1], minlength=tokenizer.get_vocab_size()))
        words = text.split()
        swapped = [words[0], words[2], words[1], *words[3:]]
        items = {
            "bits_per_byte": [Item(f"d{place}", "", (word,)) for place, word in enumerate(words)],
            "acceptability": [Item(f"p{place}", "word_order", (text, " ".join(swapped))) for place in range(20)],
        }
        for benchmark, chosen in items.items():
            cells[benchmark, code] = tmp_path / "benchmarks" / benchmark / code
            with publish(cells[benchmark, code]) as draft:
                write_items(chosen, draft.folder / ITEMS)
    return tmp_path, counts, cells


def scored(study) -> pd.DataFrame:
    folder, counts, cells = study
    score_unigram(folder / "scores", folder / "tokenizer", counts, cells)
    return pd.read_parquet(folder / "scores/items.parquet")


def test_each_language_is_scored_by_the_counts_of_its_own_text(study):
    folder, counts, cells = study
    rows = scored(study)
    assert set(zip(rows["benchmark"], rows["language"], strict=True)) == set(cells)
    tokenizer = json.loads((folder / "tokenizer/tokenizer.json").read_text(encoding="utf-8"))
    assert tokenizer["model"]["vocab"], "the tokenizer of the study"
    own = rows[rows["benchmark"] == "bits_per_byte"]
    for code in TEXTS:
        of_language = own[own["language"] == code]
        size = len(np.load(counts[code] / COUNTS))
        # Words are of tokens that no count has, but for the two counted ones, which are no letters.
        expected = of_language["tokens"] * math.log(1 / (2 + size))
        assert of_language["logprob"].tolist() == pytest.approx(expected.tolist())
    inputs = read_manifest(folder / "scores").inputs
    assert {str(path) for path in [*counts.values(), *cells.values(), folder / "tokenizer"]} == set(inputs)


def test_the_order_of_words_is_a_tie(study):
    models = [Model("unigram", "floor", (), 1, languages=tuple(TEXTS), scored_in=tuple(TEXTS))]
    table = summarise({"unigram": scored(study)}, models, pd.DataFrame(columns=["benchmark", "language", "item",
                      "subset", "candidate", "logprob"]), 50, 1, "mean_of_ratios")  # fmt: skip
    pairs = table[(table["measure"] == "acceptability") & (table["subset"] == "all")]
    assert pairs["ties"].tolist() == [20, 20] and pairs["value"].tolist() == [0, 0]


def test_damaged_counts_are_no_floor(study):
    _, counts, _ = study
    np.save(counts["swe"] / COUNTS, np.arange(300))
    with pytest.raises(GrowmergeError, match=r"counts\.npy"):
        scored(study)


def test_text_is_counted_if_a_model_is_trained_on_it_and_only_then():
    assert counted_corpora(Grid(load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml"))) == {
        code: code for code in ("swe", "isl", "ekk", "fas")
    }
    full = Grid(load_files(CONFIG / "config.yaml"))
    assert list(counted_corpora(full)) == full.study.language_codes
    (floor,) = unigram(full)
    assert floor.scored_in == tuple(full.study.language_codes), "English text is spread over several parts"
    published = Grid(load_files(CONFIG / "config.yaml", CONFIG / "published.yaml"))
    assert counted_corpora(published) == {} and unigram(published) == []


def test_an_untrained_model_is_a_base_of_random_weights():
    assert [model.id for model in untrained(Grid(load_files(CONFIG / "config.yaml")))] == ["init"]


def row(name: str, kind: str, measure: str, language: str, value: float, chance: float = float("nan")) -> dict:
    about = {"id": name, "kind": kind, "setup": "", "target": "", "method": "", "members": 0, "step": pd.NA}
    return about | {"measure": measure, "language": language, "subset": "all", "value": value, "low": value - 0.1,
                    "high": value + 0.1, "n": 50, "ties": 0, "chance": chance}  # fmt: skip


def test_baselines_draw_floors_where_guessing_has_no_level():
    experts = [
        row(f"1x/{code}", "model", measure, code, 0.8, chance) | {"setup": "1x", "target": code, "members": 1}
        for code in ("swe", "isl")
        for measure, chance in (("parity", float("nan")), ("acceptability", 0.5))
    ]
    floors = [
        row(name, kind, measure, code, value, chance)
        for name, kind, value in (("init", "base", 0.4), ("unigram", "floor", 0.5))
        for code in ("swe", "isl")
        for measure, chance in (("parity", float("nan")), ("acceptability", 0.5))
    ]
    table = pd.DataFrame([*experts, *floors, row("init", "base", "parity", "eng", 0.3)])
    own = {"bases": [], "untrained": ["init"]}
    selection = Selection(languages=("swe", "isl"), setups=("1x",), methods=(), english="eng", own=own)
    data = FIGURES["baselines"].data(table, selection)
    drawn = data[data["series"].isin(["untrained", "unigram"])]
    assert set(drawn["measure"]) == {"parity"}, "acceptability has chance"
    assert dict(zip(drawn["series"] + drawn["language"], drawn["value"], strict=True)) == {
        "untrainedswe": 0.4, "untrainedisl": 0.4, "unigramswe": 0.5, "unigramisl": 0.5
    }  # fmt: skip
    figure = FIGURES["baselines"].drawn(data)
    for series, value in (("untrained", 0.4), ("unigram", 0.5)):
        lines = [line for line in figure.findobj() if line.get_gid() == series]
        spans = sorted(tuple(map(tuple, path.vertices)) for line in lines for path in line.get_paths())
        assert spans == [((x - 0.45, value), (x + 0.45, value)) for x in (0, 1)]
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert {"untrained model", "token counts (unigram)"} <= set(labels)


def test_the_miniature_draws_its_untrained_base_and_its_counts():
    grid = Grid(load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml"))
    shown = Shown(Costs(grid, stated_counts(grid.study)), [])
    selected = FIGURES["baselines"].selected(shown)
    assert selected["untrained"] == ["init"] and "init" in selected["bases"]
    assert "unigram" in [model.id for model in FIGURES["baselines"].models(shown)]
    assert "unigram" not in [model.id for model in grid], "it is no model of the grid"
