"""Scores by language and their means, against numbers worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_scores import REACH, summary_of, without

from growmerge.artifacts import read_manifest, verify
from growmerge.frames import write_frame
from growmerge.tables.by_language import by_language, by_language_markdown
from growmerge.tables.language_tables import write_language_tables
from growmerge.tables.means import mean_of_languages, means, means_markdown

LANGUAGES = ("deu", "tur", "zho")
SETUPS, METHODS = ("scratch",), ("linear", "ties")
# Grammar has no Chinese, reading is there in all; the second model of others has no Turkish in it.
SCORES = {
    "init": {"grammar": {"deu": 0.5, "tur": 0.48}, "reading": {"deu": 0.25, "tur": 0.25, "zho": 0.25}},
    "scratch/deu": {"grammar": {"deu": 0.9, "tur": 0.1}, "reading": {"deu": 0.4, "tur": 0.1, "zho": 0.1}},
    "scratch/tur": {"grammar": {"deu": 0.1, "tur": 0.7}, "reading": {"deu": 0.1, "tur": 0.5, "zho": 0.1}},
    "scratch/zho": {"grammar": {"deu": 0.1, "tur": 0.1}, "reading": {"deu": 0.1, "tur": 0.1, "zho": 0.6}},
    "scratch/multi": {"grammar": {"deu": 0.8, "tur": 0.8}, "reading": {"deu": 0.35, "tur": 0.35, "zho": 0.35}},
    "scratch/multi@40": {"grammar": {"deu": 0.99, "tur": 0.99}, "reading": {"deu": 0.99, "tur": 0.99, "zho": 0.99}},
    "scratch/deu+tur+zho/linear": {
        "grammar": {"deu": 0.6, "tur": 0.4},
        "reading": {"deu": 0.2, "tur": 0.25, "zho": 0.3},
    },
    "scratch/deu+tur+zho@40/linear": {
        "grammar": {"deu": 0.98, "tur": 0.98},
        "reading": {"deu": 0.98, "tur": 0.98, "zho": 0.98},
    },
    "scratch/deu+tur+zho/ties": {},
    "external/one": {"grammar": {"deu": 0.95, "tur": 0.85}, "reading": {"deu": 0.6, "tur": 0.4, "zho": 0.5}},
    "external/two": {"grammar": {"deu": 0.9, "tur": 0.9}, "reading": {"deu": 0.5, "tur": None, "zho": 0.7}},
}
SUMMARY = summary_of(SCORES)


def scores(summary: pd.DataFrame = SUMMARY) -> pd.DataFrame:
    return by_language(summary, LANGUAGES, SETUPS, METHODS)


def row(table: pd.DataFrame, measure: str, name: str) -> pd.DataFrame:
    return table[(table["measure"] == measure) & (table["name"] == name)]


def test_experts_stand_each_in_its_own_language() -> None:
    experts = row(scores(), "reading", "scratch, experts")
    assert experts["id"].tolist() == ["scratch/deu", "scratch/tur", "scratch/zho"]
    assert experts["value"].tolist() == [0.4, 0.5, 0.6]
    assert experts["high"].tolist() == pytest.approx([0.4 + REACH, 0.5 + REACH, 0.6 + REACH])
    assert set(experts["how"]) == {"wilson"}


def test_rows_are_the_finished_models_of_all_languages() -> None:
    assert list(dict.fromkeys(scores()["name"])) == [
        *("one", "two", "init", "scratch, experts", "scratch, mixed"),
        *("scratch, merged by linear", "scratch, merged by ties"),
    ]
    assert row(scores(), "reading", "scratch, mixed")["value"].tolist() == [0.35] * 3  # not those of its checkpoint
    assert row(scores(), "reading", "scratch, merged by linear")["value"].tolist() == [0.2, 0.25, 0.3]


def test_what_is_trained_on_from_a_merge_stands_below_the_merges_with_its_share() -> None:
    healed = {
        f"scratch/deu+tur+zho/{name}": {"reading": dict.fromkeys(LANGUAGES, value)}
        for name, value in {"linear~5": 0.45, "base~5": 0.3}.items()
    }
    table = scores(summary_of(SCORES | healed))
    names = list(dict.fromkeys(table["name"]))
    assert names[-2:] == [
        "scratch, merged by linear, trained on for 5 %",
        "scratch, base, trained on for 5 %",
    ]
    assert row(table, "reading", names[-2])["value"].tolist() == [0.45] * 3
    assert row(table, "reading", "scratch, merged by linear")["value"].tolist() == [0.2, 0.25, 0.3]
    assert set(table.loc[table["role"] == "healed", "method"]) == {"linear", "base"}


def test_every_hole_has_its_reason() -> None:
    table = scores()
    assert (table["value"].isna() == (table["reason"] != "")).all()
    assert set(row(table, "reading", "scratch, merged by ties")["reason"]) == {"not scored"}
    assert set(table.loc[(table["measure"] == "grammar") & (table["language"] == "zho"), "reason"]) == {
        "no model has a score in this language"
    }
    broken = SUMMARY.assign(value=SUMMARY["value"].where(SUMMARY["id"] != "external/one"))  # scored: n stays
    assert "log-probabilities that are not numbers" in set(row(scores(broken), "reading", "one")["reason"])
    gone = SUMMARY[SUMMARY["id"] != "scratch/tur"]
    assert row(scores(gone), "reading", "scratch, experts")["reason"].tolist() == ["", "no such model", ""]
    subset = SUMMARY[SUMMARY["id"] == "external/two"].assign(subset="agreement", n=10, value=0.5)
    lacking = pd.concat([SUMMARY, subset], ignore_index=True)
    assert row(scores(lacking), "reading", "two")["reason"].tolist() == [
        *("", "lacks a part of the measure that other models have", "")
    ]


def test_per_language_tables_in_markdown() -> None:
    text = by_language_markdown(scores())
    lines = text.splitlines()
    reading = lines.index("## reading")
    assert lines[reading + 2] == "|  | deu | tur | zho |"
    assert "| one | **0.600** [0.560, 0.640] | 0.400 [0.360, 0.440] | 0.500 [0.460, 0.540] |" in lines[reading:]
    assert "| two | 0.500 [0.460, 0.540] | - | **0.700** [0.660, 0.740] |" in lines[reading:]
    assert "| scratch, merged by ties | - | - | - |" in lines[reading:]
    assert "- not scored: two (tur); scratch, merged by ties (deu, tur and zho)" in lines[reading:]
    assert "- no model has a score in this language: all models (zho)" in lines[:reading]
    assert "| chance | 0.500 | 0.500 | - |" in lines[:reading]
    assert "Wilson's of shares of right answers, else percentiles of bootstrap resamples" in text


def test_too_few_items_are_said_in_place_of_an_interval() -> None:
    few = SUMMARY["id"].isin(["external/one", "scratch/multi"]) & (SUMMARY["language"] == "deu")
    summary = SUMMARY.assign(low=SUMMARY["low"].mask(few), high=SUMMARY["high"].mask(few))
    table = scores(summary)
    assert row(table, "reading", "one")["how"].tolist() == ["n too small", "wilson", "wilson"]
    assert row(table, "reading", "two")["how"].tolist() == ["wilson", "", "wilson"]
    text = by_language_markdown(table)
    assert "| one | **0.600** [n too small] | 0.400 [0.360, 0.440] | 0.500 [0.460, 0.540] |" in text
    assert "n too small: fewer than 20 items" in text
    assert "0.550 [n too small] | 12.9 |" in means_markdown(means(table), table)
    parity = scores(summary_of({"external/one": {"parity": {"deu": 0.9}}}))
    assert set(parity.loc[parity["language"] == "deu", "how"]) == {"percentile"}


def test_scores_up_to_a_hundred_have_one_decimal() -> None:
    table = scores(summary_of({"external/one": {"translation": {"deu": 41.23, "tur": 8.06}}}))
    assert "| one | **41.2** [41.2, 41.3] | **8.1** [8.0, 8.1] | - |" in by_language_markdown(table)


# --- means ------------------------------------------------------------------------------------------------------------


def test_mean_and_variation_by_hand() -> None:
    table = means(scores())
    experts = row(table, "reading", "scratch, experts").iloc[0]
    # 0.4 and 0.6 (deu, zho): two has no Turkish, so nobody's counts. Deviations of 0.1: sd = sqrt(0.02).
    assert experts["languages"] == "deu+zho"
    assert experts["mean"] == pytest.approx(0.5)
    assert experts["cv"] == pytest.approx(100 * np.sqrt(0.02) / 0.5)
    merged = row(table, "grammar", "scratch, merged by linear").iloc[0]
    assert merged["languages"] == "deu+tur"
    assert (merged["mean"], merged["chance"]) == pytest.approx((0.5, 0.5))
    assert merged["cv"] == pytest.approx(100 * np.sqrt(0.02) / 0.5)
    assert row(table, "grammar", "scratch, mixed")["cv"].item() == pytest.approx(0)


def test_all_rows_of_a_measure_average_over_the_same_languages_or_not_at_all() -> None:
    table = means(scores())
    assert table.groupby("measure")["languages"].nunique().tolist() == [1, 1]
    ties = row(table, "reading", "scratch, merged by ties").iloc[0]
    assert np.isnan(ties["mean"])
    assert ties["reason"] == "no score in deu and zho"
    stated = means(scores(), over={"reading": LANGUAGES})
    two = row(stated, "reading", "two").iloc[0]
    assert np.isnan(two[["mean", "low", "high", "cv"]].to_numpy(float)).all()
    assert two["reason"] == "no score in tur"
    assert row(stated, "reading", "scratch, experts")["mean"].item() == pytest.approx(0.5)
    assert row(stated, "reading", "one")["mean"].item() == pytest.approx(0.5)


def test_the_interval_of_a_mean_adds_up_squares() -> None:
    cells = pd.DataFrame({"value": [0.4, 0.6], "low": [0.37, 0.56], "high": [0.46, 0.68]})
    # Half of the widths: sqrt(0.045² + 0.06²) / 2 = 0.0375; below, the mean of the ends is nearer: (0.37 + 0.56) / 2.
    assert mean_of_languages(cells) == pytest.approx((0.5, 0.465, 0.5375))
    assert np.isnan(mean_of_languages(cells.assign(value=[0.4, np.nan]))).all()
    assert np.isnan(mean_of_languages(cells.iloc[:0])).all()
    few = mean_of_languages(cells.assign(low=[0.37, np.nan], high=[0.46, np.nan]))  # too few items for an interval
    assert few.mean == pytest.approx(0.5)
    assert np.isnan(few[1:]).all()


def test_over_seeds_the_ends_of_intervals_are_averaged() -> None:
    """A seed moves the scores in all languages at once: by squares, intervals of the mean would be too narrow."""
    rng = np.random.default_rng(2)
    drawn = rng.normal(size=(4000, 1)) + rng.normal(scale=0.2, size=(4000, 3))  # what seed and languages add
    reach = 1.96 * np.hypot(1.0, 0.2)
    covered = {over_seeds: 0 for over_seeds in (True, False)}
    for scores_ in drawn:
        cells = pd.DataFrame({"value": scores_, "low": scores_ - reach, "high": scores_ + reach})
        for over_seeds in covered:
            found = mean_of_languages(cells, over_seeds=over_seeds)
            covered[over_seeds] += found.low <= 0 <= found.high
    assert covered[True] > 0.95 * len(drawn) > 0.9 * len(drawn) > covered[False]
    lacking = cells.assign(value=[0.1, np.nan, 0.3])
    assert np.isnan(mean_of_languages(lacking, over_seeds=True)).all()
    few = mean_of_languages(cells.assign(low=[0.0, np.nan, 0.0]), over_seeds=True)
    assert np.isnan(few.low) and not np.isnan(few.mean)


def test_the_interval_of_a_mean_is_that_of_resampling_every_language() -> None:
    rng = np.random.default_rng(5)
    items = [rng.random(400) < share for share in (0.55, 0.7, 0.9)]
    resampled = [rng.choice(right, (4000, 400)).mean(axis=1) for right in items]
    cells = pd.DataFrame(
        [(right.mean(), *np.percentile(draws, (2.5, 97.5))) for right, draws in zip(items, resampled, strict=True)],
        columns=["value", "low", "high"],
    )
    low, high = np.percentile(np.mean(resampled, axis=0), (2.5, 97.5))
    assert mean_of_languages(cells)[1:] == pytest.approx((low, high), abs=0.003)


def test_a_language_that_nobody_shares_leaves_no_mean() -> None:
    table = means(by_language(summary_of({"a": {"m": {"deu": 1.0}}, "b": {"m": {"tur": 1.0}}}), LANGUAGES, (), ()))
    assert table["mean"].isna().all()
    assert set(table["reason"]) == {"no language is shared"}


def test_means_in_markdown_say_over_which_languages_and_why() -> None:
    cells = scores()
    text = means_markdown(means(cells), cells)
    assert "|  | grammar: mean | CV% | reading: mean | CV% |" in text
    # grammar: deu and tur, sd 0.1 / sqrt(2) over 0.9; interval: sqrt(2) 0.04 / 2 = 0.028
    assert "| one | **0.900** [0.872, 0.928] | 7.9 | 0.550 [0.522, 0.578] | 12.9 |" in text
    assert "| two | **0.900** [0.872, 0.928] | 0.0 | **0.600** [0.572, 0.628] | 23.6 |" in text
    assert "grammar: over deu and tur. Without zho: no model has a score in it." in text
    assert "reading: over deu and zho. Without tur: no score of two." in text
    assert "- scratch, merged by ties: grammar: no score in deu and tur; reading: no score in deu and zho" in text


def test_tables_on_disk_have_a_manifest_for_all_their_files(tmp_path: Path) -> None:
    source = tmp_path / "scores.parquet"
    write_frame(without(SUMMARY, id="scratch/tur"), source, [], None, {}, 0.0)
    write_language_tables(source, tmp_path / "tables", languages=LANGUAGES, setups=SETUPS, methods=METHODS)
    for name in ("by_language", "means"):
        parquet = tmp_path / "tables" / f"{name}.parquet"
        verify(parquet)
        manifest = json.loads(parquet.with_suffix(".manifest.json").read_text())
        assert sorted(manifest["files"]) == [f"{name}.{suffix}" for suffix in ("csv", "md", "parquet")]
    assert "no score of two and scratch, experts" in (tmp_path / "tables" / "means.md").read_text()


def test_the_share_of_the_gap_stands_next_to_the_mean(tmp_path: Path) -> None:
    source, gap = tmp_path / "scores.parquet", tmp_path / "gap.parquet"
    write_frame(SUMMARY, source, [], None, {}, 0.0)
    merged = f"scratch/{'+'.join(sorted(LANGUAGES))}/ties"
    rows = [("reading", merged, 0.25), ("reading", "scratch/experts", 1.25), ("reading", "scratch/deu+tur/ties", 0.9)]
    write_frame(pd.DataFrame(rows, columns=["measure", "id", "share"]), gap, [], None, {}, 0.0)
    write_language_tables(source, tmp_path, languages=LANGUAGES, setups=SETUPS, methods=METHODS, gap=gap)
    table = pd.read_csv(tmp_path / "means.csv").set_index(["measure", "name"])["share"]
    known = table.dropna().to_dict()
    assert known == {("reading", "scratch, merged by ties"): 0.25, ("reading", "scratch, experts"): 1.25}
    text = (tmp_path / "means.md").read_text(encoding="utf-8")
    assert "| grammar: mean | CV% | reading: mean | CV% | share |" in text, "no column where nothing is known"
    assert str(gap) in read_manifest(tmp_path / "means.parquet").inputs
    assert str(gap) not in read_manifest(tmp_path / "by_language.parquet").inputs
