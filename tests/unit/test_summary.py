"""The summary of item scores, against values computed by hand."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF
from scipy import stats

from growmerge.artifacts import read_manifest, write_manifest
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import count
from growmerge.study.grid import Model
from growmerge.tables.statistics import mean_of_shares
from growmerge.tables.summary import ALL, MACRO, SUMMARY_COLUMNS, summarise
from growmerge.tables.tables import write_table

BASE = Model("base-2x", "base", (), 2, "", "", "", ())
SWE = Model("2x/swe", "model", (), 2, "2x", "swe", "", ("swe",))
MULTI = Model("2x/multi", "model", (), 2, "2x", "multi", "", ("swe", "isl", "ekk"))
MERGE = Model("2x/isl+swe/ties", "merge", (), 2, "2x", "isl+swe", "ties", ("isl", "swe"))


def score_rows(benchmark: str, language: str, items: dict[str, tuple[str, list[float]]]) -> pd.DataFrame:
    """Rows of items.parquet from item -> (subset, log-probabilities by candidate)."""
    rows = [
        (benchmark, language, item, subset, candidate, logprob, 5, 20)
        for item, (subset, logprobs) in items.items()
        for candidate, logprob in enumerate(logprobs)
    ]
    columns = ["benchmark", "language", "item", "subset", "candidate", "logprob", "tokens", "characters"]
    return pd.DataFrame(rows, columns=columns).astype({"candidate": "int32", "tokens": "int32", "characters": "int32"})


NOTHING = score_rows("parity_reference", "swe", {})
FACTS = score_rows(
    "facts",
    "swe",
    {
        "a": ("currency", [-1.0, -2.0]),  # right
        "b": ("currency", [-2.0, -2.0]),  # a tie
        "c": ("currency", [-3.0, -2.0]),  # wrong
        "d": ("language", [-1.0, -9.0]),  # right
    },
)
ACCEPTABILITY = score_rows(
    "acceptability",
    "isl",
    {
        "o1": ("word_order", [-1.0, -2.0]),
        "m1": ("morphology/case:nf>þf", [-1.0, -2.0]),
        "m2": ("morphology/case:nf>þf", [-2.0, -1.0]),
        "m3": ("morphology/number", [-2.0, -1.0]),
        "m4": ("morphology/number", [-1.0, -1.0]),
    },
)


def often(frame: pd.DataFrame, times: int = 20) -> pd.DataFrame:
    """Every item `times` times, under ids of its own: the same means, over enough items for an interval."""
    return pd.concat([frame.assign(item=frame["item"] + f"-{copy}") for copy in range(times)], ignore_index=True)


def row(table: pd.DataFrame, model: str, measure: str, language: str, subset: str = ALL) -> pd.Series:
    keys = {"id": model, "measure": measure, "language": language, "subset": subset}
    found = table.query(" and ".join(f"{name} == {value!r}" for name, value in keys.items()))
    assert len(found) == 1
    return found.iloc[0]


def summary_of(scores: dict, models: list[Model], reference: pd.DataFrame = NOTHING) -> pd.DataFrame:
    return summarise(scores, models, reference, resamples=200, seed=0)


def test_facts_ties_are_wrong_and_counted() -> None:
    table = summary_of({"2x/swe": FACTS}, [SWE])
    everything = row(table, "2x/swe", "facts", "swe")
    assert (everything.value, everything.n, everything.ties, everything.chance) == (0.5, 4, 1, 0.5)
    currency = row(table, "2x/swe", "facts", "swe", "currency")
    assert (currency.value, currency.n, currency.ties) == (pytest.approx(1 / 3), 3, 1)
    assert list(table.columns) == list(SUMMARY_COLUMNS)


def test_a_share_has_wilsons_interval_and_a_mean_of_shares_its_own() -> None:
    table = summary_of({"2x/swe": often(FACTS)}, [SWE])
    everything = row(table, "2x/swe", "facts", "swe")
    expected = stats.binomtest(40, 80).proportion_ci(method="wilson")
    assert (everything.low, everything.high) == pytest.approx((expected.low, expected.high))
    macro = row(table, "2x/swe", "facts", "swe", MACRO)
    groups = [np.repeat([1.0, 0.0], [20, 40]), np.ones(20)]  # currency, language
    assert (macro.value, macro.low, macro.high) == pytest.approx(mean_of_shares(groups))
    right = row(table, "2x/swe", "facts", "swe", "language")
    assert (right.value, right.high) == (1.0, 1.0)
    assert right.low == pytest.approx(stats.binomtest(20, 20).proportion_ci(method="wilson").low)


@pytest.mark.parametrize(("times", "known"), [(4, False), (5, True)])
def test_there_is_no_interval_below_twenty_items(times: int, known: bool) -> None:
    english = score_rows("parity_reference", "swe", {item: ("", [-1.0]) for item in "abcd"})
    target = score_rows("parity", "swe", {item: ("", [-2.0 - n]) for n, item in enumerate("abcd")})
    written = translations("swe", ["a cat sees"] * 4 * times, ["a cat sees you"] * 4 * times)
    scores = {"2x/swe": pd.concat([often(FACTS, times), often(target, times)])}
    table = summarise(scores, [SWE], often(english, times), 200, 0, translations={"2x/swe": written})
    for measure in ("facts", "parity", "translation"):
        got = row(table, "2x/swe", measure, "swe")
        assert got.n == 4 * times
        assert not np.isnan(got.value)
        assert np.isnan([got.low, got.high]).tolist() == [not known] * 2


def test_candidate_must_beat_every_other_and_chance_follows_their_number() -> None:
    scores = score_rows("facts", "swe", {"a": ("x", [-2.0, -3.0, -1.0]), "b": ("x", [-1.0, -3.0, -2.0])})
    got = row(summary_of({"2x/swe": scores}, [SWE]), "2x/swe", "facts", "swe")
    assert (got.value, got.ties, got.chance) == (0.5, 0, pytest.approx(1 / 3))


def test_a_benchmark_is_the_mean_over_its_items_and_macro_that_over_its_groups() -> None:
    table = summary_of({"2x/swe": ACCEPTABILITY}, [SWE])
    assert row(table, "2x/swe", "acceptability", "isl", "word_order").value == 1.0
    assert row(table, "2x/swe", "acceptability", "isl", "morphology").value == 0.25
    everything = row(table, "2x/swe", "acceptability", "isl")
    assert (everything.value, everything.n, everything.ties) == (2 / 5, 5, 1)
    macro = row(table, "2x/swe", "acceptability", "isl", MACRO)
    assert (macro.value, macro.n, macro.ties) == ((1.0 + 0.25) / 2, 5, 1)
    assert list(table["subset"]) == [ALL, MACRO, "morphology", "word_order"]


def test_one_group_has_no_macro_average() -> None:
    only = ACCEPTABILITY[ACCEPTABILITY["subset"] != "word_order"]
    table = summary_of({"2x/swe": only}, [SWE])
    assert row(table, "2x/swe", "acceptability", "isl").value == 0.25
    assert list(table["subset"]) == [ALL, "morphology"]


def test_no_macro_average_over_other_groups() -> None:
    scores = {SWE.id: ACCEPTABILITY, MULTI.id: ACCEPTABILITY[ACCEPTABILITY["subset"] != "word_order"]}
    table = summary_of(scores, [SWE, MULTI])
    assert row(table, SWE.id, "acceptability", "isl", MACRO).value == (1.0 + 0.25) / 2
    assert np.isnan(row(table, MULTI.id, "acceptability", "isl", MACRO).value)
    assert np.isnan(row(table, MULTI.id, "acceptability", "isl").value)


def test_the_value_of_a_benchmark_does_not_depend_on_what_else_is_measured() -> None:
    blimp = often(BLIMP)
    alone = summarise({SWE.id: blimp}, [SWE], NOTHING, 200, 0, measured={"blimp": MEASURED["blimp"]})
    beside = summarise({SWE.id: pd.concat([blimp, MULTIBLIMP])}, [SWE], NOTHING, 200, 0, measured=MEASURED)
    one, other = row(alone, SWE.id, "acceptability", "isl"), row(beside, SWE.id, "acceptability", "isl", "blimp")
    assert (one.value, one.low, one.high, one.n) == (other.value, other.low, other.high, other.n)
    assert one.value == pytest.approx(2 / 3)


def test_order_of_rows_does_not_matter() -> None:
    scores = pd.concat([FACTS, ACCEPTABILITY])
    shuffled = scores.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(summary_of({"2x/swe": scores}, [SWE]), summary_of({"2x/swe": shuffled}, [SWE]))
    written = translations("swe", ["a cat sees", "the dog", "öl"], ["a cat sees you", "the sun", "öl"])
    orders = [written, written.iloc[::-1]]
    tables = [summarise({}, [SWE], NOTHING, 200, 0, translations={"2x/swe": rows}) for rows in orders]
    pd.testing.assert_frame_equal(*tables)


def translations(language: str, hypotheses: list[str], references: list[str]) -> pd.DataFrame:
    """The columns of translations.parquet that count."""
    counts = list(count(hypotheses, references))
    items = [f"s{n}" for n in range(len(counts))]
    return pd.DataFrame({"benchmark": "translation", "language": language, "item": items, "counts": counts})


def test_translations_are_the_chrf_of_the_corpus_with_an_interval_and_without_chance() -> None:
    hypotheses, references = ["a cat sees", "the dog", "öl"] * 10, ["a cat sees you", "the sun", "öl"] * 10
    written = {"2x/swe": translations("swe", hypotheses, references)}
    table = summarise({"2x/swe": FACTS}, [SWE, MULTI], NOTHING, 300, 0, translations=written)
    got = row(table, "2x/swe", "translation", "swe")
    assert got.value == pytest.approx(CHRF(word_order=2).corpus_score(hypotheses, [references]).score)
    assert 0 < got.low < got.value < got.high <= 100
    assert (got.n, got.ties) == (30, 0)
    assert np.isnan(got.chance)
    assert set(table.loc[table["measure"] == "translation", "subset"]) == {ALL}
    hole = row(table, "2x/multi", "translation", "swe")
    assert np.isnan(hole.value) and hole.n == 0
    others = table[table["measure"] != "translation"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, summarise({"2x/swe": FACTS}, [SWE, MULTI], NOTHING, 300, 0))


def test_several_translation_benchmarks_are_subsets_and_their_mean() -> None:
    greedy = translations("swe", ["a cat sees", "the dog"] * 10, ["a cat sees you", "the sun"] * 10)
    drawn = translations("swe", ["you", "the sun"] * 10, ["a cat sees you", "the sun"] * 10).assign(benchmark="drawn")
    measured = {name: ("translation", "sum") for name in ("translation", "drawn")}
    written = {"2x/swe": pd.concat([greedy, drawn]), "2x/multi": greedy}
    table = summarise({}, [SWE, MULTI], NOTHING, 100, 0, measured=measured, translations=written)
    alone = [row(table, "2x/swe", "translation", "swe", name) for name in ("translation", "drawn")]
    both = row(table, "2x/swe", "translation", "swe")
    assert both.value == pytest.approx((alone[0].value + alone[1].value) / 2)
    assert (both.n, alone[0].n) == (40, 20)
    assert both.low < both.value < both.high
    assert np.isnan(row(table, "2x/multi", "translation", "swe").value), "a mean over others would not compare"
    assert row(table, "2x/multi", "translation", "swe", "translation").value == alone[0].value


def test_one_translation_has_no_interval_and_damaged_ones_are_named(tmp_path: Path) -> None:
    one = translations("swe", ["a cat"], ["a cat"])
    path = tmp_path / "translations.parquet"
    one.to_parquet(path)
    absent = {"2x/swe": path, "2x/multi": tmp_path / "absent.parquet"}
    got = row(summarise({}, [SWE, MULTI], NOTHING, 9, 0, translations=absent), "2x/swe", "translation", "swe")
    assert (got.value, np.isnan(got.low), np.isnan(got.high)) == (100.0, True, True)
    for rows, message in (
        (one.drop(columns="counts"), "no column 'counts'"),
        (pd.concat([one, one]), "1 rows repeat a benchmark, language and item"),
    ):
        with pytest.raises(GrowmergeError, match=message):
            summarise({}, [SWE], NOTHING, 9, 0, translations={"2x/swe": rows})
    with pytest.raises(GrowmergeError, match="'1x/swe' is not among the 1 models"):
        summarise({}, [SWE], NOTHING, 9, 0, translations={"1x/swe": one})


def test_parity_is_the_mean_of_ratios_not_the_ratio_of_sums() -> None:
    target = score_rows("parity", "swe", {"a": ("", [-20.0]), "b": ("", [-40.0])})
    english = score_rows("parity_reference", "swe", {"b": ("", [-10.0]), "a": ("", [-15.0]), "unused": ("", [-1.0])})
    other = score_rows("parity_reference", "isl", {"a": ("", [-999.0])})
    got = row(summary_of({"2x/swe": target}, [SWE], pd.concat([other, english])), "2x/swe", "parity", "swe")
    assert (got.value, got.n) == (pytest.approx((15 / 20 + 10 / 40) / 2), 2)
    assert np.isnan(got.chance)


def test_parity_is_the_ratio_of_sums_if_asked_for() -> None:
    target = score_rows("parity", "swe", {"a": ("", [-20.0]), "b": ("", [-40.0])})
    english = score_rows("parity_reference", "swe", {"b": ("", [-10.0]), "a": ("", [-15.0])})
    scores = {"2x/swe": often(target)}
    table = summarise(scores, [SWE], often(english), resamples=5000, seed=0, parity="ratio_of_sums")
    got = row(table, "2x/swe", "parity", "swe")
    assert (got.value, got.n) == (pytest.approx((15 + 10) / (20 + 40)), 40)
    # A resample is k of a and 40 - k of b, k of Binomial(40, 1/2): sentence and English side stay together.
    least, most = stats.binom(40, 0.5).ppf([0.025, 0.975])
    ends = [(15 * k + 10 * (40 - k)) / (20 * k + 40 * (40 - k)) for k in (least, most)]
    assert (got.low, got.high) == pytest.approx(ends, abs=0.011)  # a step of k


def test_an_unscored_sentence_makes_both_kinds_of_parity_unknown() -> None:
    target = score_rows("parity", "swe", {"a": ("", [-20.0]), "b": ("", [np.nan])})
    english = score_rows("parity_reference", "swe", {"a": ("", [-15.0]), "b": ("", [-10.0])})
    for parity in ("mean_of_ratios", "ratio_of_sums"):
        table = summarise({"2x/swe": target}, [SWE], english, resamples=200, seed=0, parity=parity)
        got = row(table, "2x/swe", "parity", "swe")
        assert np.isnan([got.value, got.low, got.high]).all()
        assert got.n == 2


def test_the_reference_model_has_parity_one_in_english_and_its_reference_rows_are_no_measure() -> None:
    english = score_rows("parity", "eng", {"a": ("", [-20.0]), "b": ("", [-7.0])})
    reference = pd.concat([english, english.assign(benchmark="parity_reference")])
    table = summary_of({"base-2x": reference}, [BASE], reference)
    assert row(table, "base-2x", "parity", "eng").value == 1.0
    assert set(table["measure"]) == {"parity"}


def test_parity_items_without_a_reference_are_counted_in_the_error() -> None:
    target = score_rows("parity", "swe", {item: ("", [-2.0]) for item in "abc"})
    reference = score_rows("parity_reference", "swe", {"b": ("", [-1.0])})
    with pytest.raises(GrowmergeError, match=r"2x/swe, parity in swe: 2 of 3 items have no English side"):
        summary_of({"2x/swe": target}, [SWE], reference)


TWO_PARITIES = {"parity": ("parity", "sum"), "flores": ("parity", "sum")}
SENTENCES = score_rows("parity", "swe", {"a": ("", [-20.0]), "b": ("", [-40.0])})
OF_FLORES = score_rows("flores", "swe", {"a": ("", [-10.0]), "b": ("", [-10.0]), "c": ("", [-20.0])})
ENGLISH = pd.concat(
    [
        score_rows("parity_reference", "swe", {"a": ("", [-15.0]), "b": ("", [-10.0])}),
        score_rows("flores_reference", "swe", {"a": ("", [-8.0]), "b": ("", [-6.0]), "c": ("", [-18.0])}),
    ]
)


@pytest.mark.parametrize(
    ("parity", "one", "other", "low", "high"),
    [
        # Per sentence 15/20 and 10/40; 8/10, 6/10 and 18/20. Means: 0.5 and 23/30.
        ("mean_of_ratios", 0.5, 23 / 30, (0.25 + 0.6) / 2, (0.75 + 0.9) / 2),
        ("ratio_of_sums", 25 / 60, 32 / 40, (0.25 + 0.6) / 2, (0.75 + 0.9) / 2),
    ],
)
def test_several_benchmarks_of_parity_are_subsets_and_their_mean(parity, one, other, low, high) -> None:
    sentences = often(SENTENCES)
    scores = {SWE.id: pd.concat([sentences, often(OF_FLORES)]), MULTI.id: sentences}
    table = summarise(scores, [SWE, MULTI], often(ENGLISH), 3000, 0, parity, TWO_PARITIES)
    assert set(table["measure"]) == {"parity"} and set(table["subset"]) == {ALL, "parity", "flores"}
    alone = row(table, SWE.id, "parity", "swe", "parity"), row(table, SWE.id, "parity", "swe", "flores")
    assert (alone[0].value, alone[1].value) == pytest.approx((one, other))
    assert (alone[0].n, alone[1].n) == (40, 60)
    both = row(table, SWE.id, "parity", "swe")
    assert (both.value, both.n) == (pytest.approx((one + other) / 2), 100)
    assert low <= both.low < both.value < both.high <= high
    assert np.isnan(row(table, MULTI.id, "parity", "swe").value), "a mean over others would not compare"
    assert row(table, MULTI.id, "parity", "swe", "parity").value == alone[0].value


def test_a_benchmark_of_parity_is_held_against_its_own_english_sides() -> None:
    only = ENGLISH[ENGLISH["benchmark"] == "parity_reference"]
    with pytest.raises(GrowmergeError, match=r"flores in swe: 3 of 3 items have no English side .*'flores_reference'"):
        summarise({SWE.id: OF_FLORES}, [SWE], only, 9, 0, measured=TWO_PARITIES)
    table = summarise({SWE.id: OF_FLORES}, [SWE], ENGLISH, 99, 0, measured={"flores": ("parity", "sum")})
    assert row(table, SWE.id, "parity", "swe").value == pytest.approx(23 / 30)
    assert set(table["subset"]) == {ALL}, "a measure's only benchmark is the measure"


def test_models_without_scores_are_holes_in_every_cell_that_others_have(tmp_path: Path) -> None:
    path = tmp_path / "räkna här" / "items.parquet"
    path.parent.mkdir()
    pd.concat([FACTS, ACCEPTABILITY]).to_parquet(path)
    table = summary_of({"2x/swe": path, "2x/multi": tmp_path / "none.parquet"}, [BASE, SWE, MULTI])
    cells = {name: part.drop(columns=["id"]) for name, part in table.groupby("id")}
    assert {len(part) for part in cells.values()} == {8}
    for name in ("base-2x", "2x/multi"):
        assert cells[name][["value", "low", "high"]].isna().all(axis=None)
        assert (cells[name]["n"] == 0).all()
        assert (cells[name]["chance"] == 0.5).all()
    assert (cells["2x/swe"]["n"] > 0).all()


def test_a_language_without_scores_is_a_hole_of_that_model_only() -> None:
    table = summary_of({"2x/swe": FACTS, "2x/multi": pd.concat([FACTS, FACTS.assign(language="isl")])}, [SWE, MULTI])
    assert row(table, "2x/swe", "facts", "isl").n == 0
    assert row(table, "2x/multi", "facts", "isl").value == 0.5


def test_what_nobody_asked_for_is_no_hole(tmp_path: Path) -> None:
    swedish = replace(SWE, scored_in=("eng", "swe"))
    table = summarise({MULTI.id: pd.concat([FACTS, ACCEPTABILITY])}, [swedish, MULTI], NOTHING, 10, 0)
    assert set(table.loc[table["id"] == SWE.id, ["measure", "language"]].itertuples(index=False, name=None)) == {
        ("facts", "swe")
    }
    assert row(table, SWE.id, "facts", "swe")["n"] == 0, "a hole"
    assert set(table.loc[table["id"] == MULTI.id, "language"]) == {"swe", "isl"}
    write_scores(tmp_path / MULTI.id, pd.concat([FACTS, ACCEPTABILITY]))
    parquet = tmp_path / "tables/scores.parquet"
    about = {"resamples": 10, "seed": 0, "parity": "mean_of_ratios", "measured": {}}
    write_table([swedish, MULTI], tmp_path, [], parquet, **about)
    left_out = len(table[(table["id"] == MULTI.id) & (table["language"] == "isl")])
    assert read_manifest(parquet).facts["rows_not_asked_for"] == left_out > 0
    write_table([SWE, MULTI], tmp_path, [], parquet, **about)
    assert "rows_not_asked_for" not in read_manifest(parquet).facts


def write_scores(folder: Path, scores: pd.DataFrame) -> None:
    """The scores of a model as they are in its folder."""
    folder.mkdir(parents=True)
    scores.to_parquet(folder / "items.parquet")
    write_manifest(folder / "manifest.json", ["items.parquet"])


def test_members_counts_languages() -> None:
    table = summary_of({model.id: FACTS for model in (BASE, SWE, MULTI, MERGE)}, [BASE, SWE, MULTI, MERGE])
    assert table.drop_duplicates("id").set_index("id")["members"].to_dict() == {
        "base-2x": 0,
        "2x/swe": 1,
        "2x/multi": 3,
        "2x/isl+swe/ties": 2,
    }


def test_a_cell_does_not_depend_on_the_other_cells() -> None:
    alone = summary_of({"2x/swe": FACTS}, [SWE])
    among = summary_of({"2x/multi": ACCEPTABILITY, "2x/swe": pd.concat([ACCEPTABILITY, FACTS])}, [MULTI, SWE])
    mine = among[(among["id"] == "2x/swe") & (among["measure"] == "facts")].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, mine)


def test_nan_scores_make_their_cell_nan_and_not_wrong() -> None:
    for candidate in (0, 1):
        broken = FACTS.copy()
        broken.loc[(broken["item"] == "a") & (broken["candidate"] == candidate), "logprob"] = np.nan
        table = summary_of({"2x/swe": broken}, [SWE])
        got = row(table, "2x/swe", "facts", "swe")
        assert np.isnan(got.value)
        assert got.n == 4
        assert row(table, "2x/swe", "facts", "swe", "language").value == 1.0


def test_a_benchmark_of_another_name_is_a_pair_measure() -> None:
    table = summary_of({"2x/swe": pd.concat([FACTS.assign(benchmark="cloze"), ACCEPTABILITY])}, [SWE])
    assert row(table, "2x/swe", "cloze", "swe").value == 0.5
    assert list(table["measure"].unique()) == ["acceptability", "cloze"]


BLIMP = score_rows("blimp", "isl", {"a": ("x", [-1.0, -2.0]), "b": ("y", [-1.0, -2.0]), "c": ("y", [-3.0, -2.0])})
MULTIBLIMP = score_rows("multiblimp", "isl", {"a": ("", [-3.0, -2.0]), "b": ("", [-3.0, -2.0])})
MEASURED = {"blimp": ("acceptability", "sum"), "multiblimp": ("acceptability", "sum")}


def test_benchmarks_of_one_measure_weigh_the_same_and_are_its_subsets() -> None:
    scores = {SWE.id: pd.concat([BLIMP, MULTIBLIMP])}
    table = summarise(scores, [SWE], NOTHING, resamples=200, seed=0, measured=MEASURED)
    assert row(table, SWE.id, "acceptability", "isl").value == pytest.approx((2 / 3 + 0) / 2)
    assert row(table, SWE.id, "acceptability", "isl", "blimp").value == pytest.approx(2 / 3)
    assert row(table, SWE.id, "acceptability", "isl", "multiblimp").n == 2
    assert set(table["subset"]) == {ALL, "blimp", "multiblimp"}


def test_no_mean_over_another_set_of_benchmarks() -> None:
    scores = {SWE.id: pd.concat([BLIMP, MULTIBLIMP]), MULTI.id: BLIMP}
    table = summarise(scores, [SWE, MULTI], NOTHING, resamples=200, seed=0, measured=MEASURED)
    assert np.isnan(row(table, MULTI.id, "acceptability", "isl").value)
    assert not np.isnan(row(table, SWE.id, "acceptability", "isl").value)


@pytest.mark.parametrize(("by", "right"), [("sum", 0.0), ("token", 1.0), ("character", 0.0)])
def test_log_probabilities_are_normalised_as_the_benchmark_asks(by: str, right: float) -> None:
    rows = score_rows("belebele", "isl", {"a": ("", [-6.0, -5.0])})
    rows["tokens"], rows["characters"] = [6, 4], [10, 20]  # -1 and -1.25 a token, -0.6 and -0.25 a character
    measured = {"belebele": ("belebele", by)}
    table = summarise({SWE.id: rows}, [SWE], NOTHING, resamples=200, seed=0, measured=measured)
    assert row(table, SWE.id, "belebele", "isl").value == right


def test_nothing_scored_is_an_empty_table() -> None:
    table = summary_of({}, [SWE])
    assert table.empty
    assert list(table.columns) == list(SUMMARY_COLUMNS)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (FACTS.drop(columns="logprob"), "the scores of 2x/swe: no column 'logprob'"),
        (pd.concat([FACTS, FACTS.head(3)]), "3 rows repeat a benchmark"),
        (FACTS[FACTS["candidate"] == 0], "facts in swe: 4 items lack candidate 0 or have nothing beside it"),
        (FACTS.drop(index=0), "facts in swe: 1 items lack candidate 0"),
        (score_rows("parity", "swe", {"a": ("", [0.0])}), "1 log-probabilities are not negative"),
    ],
)
def test_damaged_scores_are_named(scores: pd.DataFrame, message: str) -> None:
    reference = score_rows("parity_reference", "swe", {"a": ("", [-1.0])})
    with pytest.raises(GrowmergeError, match=message):
        summary_of({"2x/swe": scores}, [SWE], reference)


def test_unreadable_files_and_wrong_ids_are_named(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(GrowmergeError, match=r"items\.parquet: not a readable Parquet file"):
        summary_of({"2x/swe": path}, [SWE])
    with pytest.raises(GrowmergeError, match="'2x/sve' is not among the 1 models"):
        summary_of({"2x/sve": FACTS}, [SWE])
    with pytest.raises(GrowmergeError, match="'2x/swe' stands there twice"):
        summary_of({}, [SWE, SWE])


outcome = st.tuples(st.sampled_from(["word_order", "morphology/a", "morphology/b"]), st.sampled_from([-2.0, -1.0, 0.0]))


@given(items=st.lists(outcome, min_size=1, max_size=12))
@settings(max_examples=40)
def test_acceptability_agrees_with_a_plain_loop(items: list[tuple[str, float]]) -> None:
    scores = score_rows("acceptability", "swe", {str(i): (s, [lp, -1.0]) for i, (s, lp) in enumerate(items)})
    groups: dict[str, list[bool]] = {}
    for subset, logprob in items:
        groups.setdefault(subset.split("/")[0], []).append(logprob > -1.0)
    table = summary_of({"2x/swe": scores}, [SWE])
    got = row(table, "2x/swe", "acceptability", "swe")
    assert got.value == pytest.approx(np.mean([logprob > -1.0 for _, logprob in items]))
    if len(groups) > 1:
        macro = row(table, "2x/swe", "acceptability", "swe", MACRO)
        assert macro.value == pytest.approx(np.mean([np.mean(group) for group in groups.values()]))
    assert got.ties == sum(logprob == -1.0 for _, logprob in items)


def test_rows_are_unique_and_sorted_within_a_model() -> None:
    scores = pd.concat([FACTS, ACCEPTABILITY, FACTS.assign(language="ekk")])
    table = summary_of({"2x/swe": scores, "2x/multi": scores}, [MULTI, SWE])
    keys = list(zip(table["id"], table["measure"], table["language"], table["subset"], strict=True))
    assert len(set(keys)) == len(keys)
    of_model = [
        *product(["acceptability"], ["isl"], [ALL, MACRO, "morphology", "word_order"]),
        *product(["facts"], ["ekk", "swe"], [ALL, MACRO, "currency", "language"]),
    ]
    assert [key[1:] for key in keys] == 2 * of_model
