"""Means over the models of a group with several seeds: intervals over seeds and items, in tables and in figures."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from made_up_scores import artists, legend, selection
from scipy import stats
from test_gap import text

from growmerge import ids
from growmerge.config import validate
from growmerge.config.analysis import Analysis
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid, Model
from growmerge.study.groups import Group, groups_of
from growmerge.study.shown import Shown
from growmerge.tables.cells import Cell, Key
from growmerge.tables.group_means import GroupMeans
from growmerge.tables.seeds import Items
from growmerge.tables.statistics import Interval
from growmerge.tables.summary import SCORE_COLUMNS, of_single_models, over_all_seeds, summarise

SEEDS = (42, 43, 44)
MEASURED = {"pairs": ("acceptability", "sum"), **dict.fromkeys(("text", "more"), ("bits_per_byte", "sum"))}
MERGES = ("1x/isl+swe/linear", "1x/ekk+swe/linear", "1x/isl+swe/ties", "1x/ekk+swe/ties")
EXPERTS = ("1x/isl", "1x/swe", "1x/ekk")
ITEMS = 40


def model(name):
    setup, target, *method = name.split("/")
    languages = tuple(ids.languages_of(target))
    return Model(name, "merge" if method else "model", (), 1, setup, target, "".join(method), languages)


def named(name, seed):
    return ids.replicate(name, None if seed == SEEDS[0] else seed)


def answers(right, language):
    """Scores of pairs in a language: `right` is 1 where the right side has the higher log-probability."""
    rows = [
        ("pairs", language, f"{language}{n:03}", "", candidate, -1.0 - (candidate == one), 5, 5, 5)
        for n, one in enumerate(right)
        for candidate in (0, 1)
    ]
    return pd.DataFrame(rows, columns=[*SCORE_COLUMNS, "tokens", "characters", "bytes"])


def drawn_answers(names, seed=0, items=ITEMS, of_seed=0.15):
    """By model and seed, {language: right answers}: items are hard or easy for all models, seeds good or bad."""
    rng = np.random.default_rng(seed)
    hard = {language: rng.uniform(0.2, 0.9, items) for language in ("isl", "swe", "ekk")}
    luck = rng.normal(0, of_seed, len(SEEDS))
    return {
        named(name, seed): {
            language: (rng.uniform(size=items) < hard[language] + luck[place]).astype(float)
            for language in model(name).languages
        }
        for name in names
        for place, seed in enumerate(SEEDS)
    }


def scored(right):
    return {name: pd.concat([answers(x, language) for language, x in of.items()]) for name, of in right.items()}


def summary_of(scores, names, groups=None, several=True):
    every = [model(named(name, seed)) for seed in SEEDS for name in names]
    replicates = {name: {seed: named(name, seed) for seed in SEEDS} for name in names}
    groups = groups_of(map(model, names)) if groups is None else groups
    reference = pd.DataFrame(columns=list(SCORE_COLUMNS))
    if not several:
        every, scores = [model(name) for name in names], {name: scores[name] for name in names}
    how = {"measured": MEASURED, "replicates": replicates if several else None, "groups": groups}
    return summarise(scores, every, reference, 200, 1, **how)


def means(summary):
    """{(setup, method, members): row} of the means over models."""
    rows = summary[summary["kind"] == "mean"]
    return {(row.setup, row.method, row.members): row for row in rows.itertuples()}


def test_experts_and_merges_are_grouped_by_what_figures_show():
    found = {group[:3]: group.models for group in groups_of(map(model, (*EXPERTS, *MERGES)))}
    assert found["1x", "", 1] == EXPERTS
    assert found["1x", "ties", 0] == found["1x", "ties", 2] == MERGES[2:]
    assert found["1x", "", 2] == MERGES
    assert set(found) == {("1x", "", 1), ("1x", "", 2), *(("1x", m, n) for m in ("linear", "ties") for n in (0, 2))}
    assert {group[:3] for group in groups_of(map(model, MERGES), sizes=False)} == {
        ("1x", "linear", 0),
        ("1x", "ties", 0),
    }


def test_the_mean_of_one_model_in_one_language_is_the_models_own():
    right = drawn_answers(["1x/isl"])
    table = summary_of(scored(right), ["1x/isl"])
    own, mean = table.iloc[0], means(table)["1x", "", 1]
    assert (own["seed"], own["subset"]) == ("all", "all")
    assert (mean.value, mean.low, mean.high) == pytest.approx(own[["value", "low", "high"]].tolist(), abs=1e-12)
    assert (mean.n, mean.seeds, mean.language) == (ITEMS, 3, "mean")


def test_a_mean_over_benchmarks_is_the_models_own_too():
    scores = {
        named("1x/isl", seed): pd.concat([text(2 + place / 10), text(1.5, 30, seed).assign(benchmark="more")])
        for place, seed in enumerate(SEEDS)
    }
    table = summary_of({name: frame.query("language == 'isl'") for name, frame in scores.items()}, ["1x/isl"])
    own, mean = table.iloc[0], means(table)["1x", "", 1]
    assert (own["seed"], own["measure"], own["subset"]) == ("all", "bits_per_byte", "all")
    assert (mean.value, mean.low, mean.high) == pytest.approx(own[["value", "low", "high"]].tolist(), abs=1e-12)
    assert mean.n == 70


def test_a_mean_over_models_has_the_variance_of_its_seeds_and_items():
    right = drawn_answers(MERGES[:2])
    found = means(summary_of(scored(right), MERGES[:2]))["1x", "linear", 0]
    by_seed = [
        np.mean([np.mean([x.mean() for x in right[named(name, seed)].values()]) for name in MERGES[:2]])
        for seed in SEEDS
    ]
    # Swedish is half of two merges, the others are half of one: weights of 1/2, 1/4 and 1/4.
    of = {
        language: np.mean([right[named(name, s)][language] for name in MERGES[:2] for s in SEEDS
                           if language in right[name]], axis=0)
        for language in ("isl", "swe", "ekk")
    }  # fmt: skip
    more, variance, middle = 2 / 3, 0.0, 0.0
    for language, weight in (("isl", 1 / 4), ("swe", 1 / 2), ("ekk", 1 / 4)):
        enlarged = np.append(of[language], [0.0, 1.0])
        counts = np.append(np.ones(ITEMS), [more, more])
        mean = np.average(enlarged, weights=counts)
        middle += weight * mean
        variance += weight**2 * np.average((enlarged - mean) ** 2, weights=counts) / counts.sum()
    parts = np.array([np.var(by_seed, ddof=1) / 3, variance])
    reach = parts @ stats.t.ppf(0.975, [2, 3 * (ITEMS - 1)]) / parts.sum() * np.sqrt(parts.sum())
    assert found.value == pytest.approx(np.mean(by_seed))
    assert (found.low, found.high) == pytest.approx((middle - reach, middle + reach))
    assert found.n == 3 * ITEMS


def test_merges_of_the_same_items_and_seeds_do_not_make_an_interval_narrower():
    right = drawn_answers(["1x/isl+swe/linear"])
    twins = right | {name.replace("linear", "ties"): of for name, of in right.items()}
    names = ("1x/isl+swe/linear", "1x/isl+swe/ties")
    found = means(summary_of(scored(twins), names))
    alone, both = found["1x", "linear", 0], found["1x", "", 2]
    assert (both.low, both.high) == pytest.approx((alone.low, alone.high), abs=1e-12)


def test_intervals_cover_the_mean_over_models():
    names, covered = (MERGES[0], MERGES[2]), 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        luck, skill = rng.normal(0, 0.05, 3), rng.uniform(0.5, 0.7, 100)
        group = GroupMeans([Group("1x", "", 2, names)])
        for name in names:
            by_seed = {
                named(name, s): {Key("x", code, "all"): cell(rng.uniform(size=100) < skill + luck[place])
                                 for code in ("isl", "swe")}
                for place, s in enumerate(SEEDS)
            }  # fmt: skip
            group.add(name, ("isl", "swe"), by_seed, by_seed[name])
        (found,) = group
        covered += found.interval.low <= 0.6 <= found.interval.high
    assert covered / 400 > 0.92  # three standard errors below 95 %


def cell(right):
    """What the answers to the items of a language come to."""
    right = right.astype(float)
    return Cell(Interval(right.mean(), 0.0, 1.0), right.size, 0, 0.5, Items([right], shares=True))


@pytest.mark.parametrize("lacking", ["a seed of one merge", "a language of one replicate", "items", "all but one seed"])
def test_a_mean_that_is_not_over_all_scores_has_no_interval(lacking):
    right = drawn_answers(MERGES[:2], items=15 if lacking == "items" else ITEMS)
    if lacking == "a seed of one merge":
        del right[named(MERGES[0], 44)]
    elif lacking == "a language of one replicate":
        del right[named(MERGES[1], 43)]["swe"]
        with pytest.raises(GrowmergeError, match="was scored on other items"):
            summary_of(scored(right), MERGES[:2])
        return
    elif lacking == "all but one seed":
        right = {name: right[name] for name in MERGES[:2]}
    found = means(summary_of(scored(right), MERGES[:2]))["1x", "linear", 0]
    assert np.isnan([found.value, found.low, found.high]).all()


def test_a_seed_that_no_model_has_yet_leaves_the_others():
    right = drawn_answers(MERGES[:2])
    two = {name: of for name, of in right.items() if "#44" not in name}
    found = means(summary_of(scored(two), MERGES[:2]))["1x", "linear", 0]
    assert found.seeds == 2 and found.low < found.value < found.high


def test_merges_that_were_scored_on_other_items_are_refused():
    scores = scored(drawn_answers(MERGES[:2]))
    for name in scores:
        if "ekk" in name:
            scores[name] = scores[name].assign(item=scores[name]["item"] + "x")
    with pytest.raises(GrowmergeError, match=r"1x/ekk\+swe/linear: was scored on other items than 1x/isl\+swe/linear"):
        summary_of(scores, MERGES[:2])


def test_rows_of_models_are_as_without_groups():
    scores = scored(drawn_answers(MERGES))
    table, without = summary_of(scores, MERGES), summary_of(scores, MERGES, [])
    assert table[table["kind"] != "mean"].equals(without)
    assert not (of_single_models(table)["kind"] == "mean").any()
    assert means(summary_of(scores, MERGES, several=False)) == {}


# --- figures ----------------------------------------------------------------------------------------------------------

NAMES = (*EXPERTS, *MERGES)
SELECTION = selection(("isl", "swe", "ekk"), ("1x",), ("linear", "ties"))


@pytest.fixture(scope="module")
def scores():
    return scored(drawn_answers(NAMES))


@pytest.fixture(scope="module")
def summary(scores):
    return summary_of(scores, NAMES)


def test_methods_draw_the_intervals_of_the_table_at_every_mean(summary):
    data = FIGURES["methods"].data(over_all_seeds(summary), SELECTION)
    found = means(summary)
    for mark in data.itertuples():
        row = found[mark.setup, mark.method, mark.members]
        assert (mark.interval_low, mark.interval_high) == (row.low, row.high)
        assert mark.value == pytest.approx(row.value), "the table and the figure average the same models"
    assert list(data["part"]) == ["method", "method", "members", "members", "expert"]
    figure = FIGURES["methods"].drawn(data)
    assert len(artists(figure, "interval")) == 4 and len(artists(figure, "at edge")) == 2  # experts, in both panels
    assert "95 % interval of a mean" in legend(figure)


def test_a_mean_that_lacks_a_score_is_drawn_without_an_interval(scores):
    some = {name: frame for name, frame in scores.items() if name != "1x#43/ekk+swe/ties"}
    some["1x#43/isl+swe/linear"] = scores["1x#43/isl+swe/linear"].assign(logprob=np.nan)
    data = FIGURES["methods"].data(over_all_seeds(summary_of(some, NAMES)), SELECTION)
    known = data.set_index(["part", "method", "series"])["interval_low"].notna()
    assert not known["method"].any() and not known["members"].any() and known["expert"].all()


def test_figures_of_one_seed_have_neither_intervals_nor_columns_of_seeds(scores):
    one = summary_of(scores, NAMES, several=False)
    for name in ("methods", "pairwise", "density"):
        data = FIGURES[name].data(one, SELECTION)
        assert not {"seeds", "interval_low", "interval_high"} & set(data.columns)
        figure = FIGURES[name].drawn(data)
        assert not artists(figure, "interval") and not artists(figure, "at edge")
        caption = FIGURES[name].text(SELECTION, Analysis(), study="s", measures=["acceptability"])
        assert "over seeds" not in caption


def test_pairwise_prints_half_the_width_of_each_interval(summary):
    data = FIGURES["pairwise"].data(over_all_seeds(summary), SELECTION)
    rows = over_all_seeds(summary).query("subset == 'all'").set_index(["id", "language"])
    printed = [text.get_text() for text in artists(FIGURES["pairwise"].drawn(data), "interval")]
    known = data.dropna(subset="value")
    assert printed == [f"±{(rows.loc[cell, 'high'] - rows.loc[cell, 'low']) / 2:.2f}" for cell in
                       zip(known["id"], known["language"], strict=True)]  # fmt: skip
    assert len(printed) == 3 + 4 and set(known["seeds"]) == {3}
    few = FIGURES["pairwise"].drawn(data.assign(low=np.nan, high=np.nan))
    assert not artists(few, "interval"), "too few items"


def test_density_draws_the_intervals_of_the_table_too(summary):
    dense = {"name": "ties", "method": "ties", "uses_base": True, "parameters": {"weight": 1.0, "density": 0.5}}
    settings = [{"name": "linear"}, dense, dense | {"name": "ties-9", "parameters": {"weight": 1.0, "density": 0.9}}]
    chosen = selection(("isl", "swe", "ekk"), ("1x",), ("linear", "ties"), settings=settings)
    data = FIGURES["density"].data(over_all_seeds(summary), chosen)
    found = {(mark.part, mark.name): mark.interval_low for mark in data.itertuples(index=False)}
    assert found["sweep", "ties"] == means(summary)["1x", "ties", 0].low
    assert found["reference", "linear"] == means(summary)["1x", "linear", 0].low
    assert found["expert", ""] == means(summary)["1x", "", 1].low
    assert np.isnan(found["sweep", "ties-9"])
    assert len(artists(FIGURES["density"].drawn(data), "interval")) == 1


def test_groups_are_of_the_models_and_methods_that_their_figure_shows():
    plain = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))
    grid = Grid(validate(merge_mappings(plain, {"seeds": [42, 43]})))
    shown = Shown(Costs(grid, stated_counts(grid.study)), ())
    groups = {group[:3]: group for group in FIGURES["methods"].groups(shown)}
    for setup in shown.setups:
        assert len(groups[setup, "", 1].models) == len(shown.study.languages)
        assert {method for s, method, size in groups if s == setup and size == 0} == set(shown.main_methods)
    assert not any("#" in model for group in groups.values() for model in group.models)
    assert len(groups["1x", "linear", 0].models) == len(grid.combinations)
