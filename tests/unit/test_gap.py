"""The gap between base and joint training: candidates, shares, the figure."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from growmerge.config.analysis import Analysis
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.figures import FIGURES
from growmerge.figures.common.figure import Drawn
from growmerge.figures.common.selection import Selection
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.gap import Candidate, candidates
from growmerge.study.grid import Grid
from growmerge.study.shown import Shown
from growmerge.tables.gap import NO_GAP, gap
from growmerge.tables.summary import SCORE_COLUMNS

MINIATURE = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))
MEASURED = {"text": ("bits_per_byte", "sum"), "pairs": ("acceptability", "sum")}
NO_REFERENCE = pd.DataFrame(columns=list(SCORE_COLUMNS))
LANGUAGES = ("isl", "swe")


def text(nats, documents=40, seed=0):
    """Scores of running text in two languages: `nats` for each byte, varied by document, alike for every model."""
    rng = np.random.default_rng(seed)
    rows = [
        ("text", language, f"d{number}#0", "test", 0, -nats * length * rng.uniform(0.8, 1.2), length, length, length)
        for language in LANGUAGES
        for number in range(documents)
        for length in [20 + number]
    ]
    return pd.DataFrame(rows, columns=[*SCORE_COLUMNS, "tokens", "characters", "bytes"])


def pairs(right, items=60):
    """Scores of pairs, of which the first `right` are answered rightly in each language."""
    rows = [
        ("pairs", language, f"p{number}", "", candidate, -1.0 - (candidate == (number < right)), 5, 5, 5)
        for language in LANGUAGES
        for number in range(items)
        for candidate in (0, 1)
    ]
    return pd.DataFrame(rows, columns=[*SCORE_COLUMNS, "tokens", "characters", "bytes"])


def candidate(name="m", kind="merge", scored_by=None, **more):
    scored_by = scored_by or dict.fromkeys(LANGUAGES, name)
    return Candidate(name, kind, "1x", more.pop("method", "linear"), 1, "base", "multi", LANGUAGES, scored_by, 0.0)


def shares(scores, *chosen, resamples=500):
    return gap(scores, chosen, NO_REFERENCE, resamples, 7, MEASURED).set_index(["measure", "id"])


def test_a_share_is_what_is_won_back_between_base_and_joint_training():
    found = shares({"base": text(3.0), "multi": text(1.0), "m": text(2.5)}, candidate()).loc["bits_per_byte", "m"]
    assert found["share"] == pytest.approx(0.25)
    assert found["base"] == pytest.approx(3 * found["mixed"])
    assert found["low"] == pytest.approx(0.25), "all three vary alike, and are resampled together"
    assert (found["n"], found["reason"]) == (80, "")


def test_its_interval_is_a_bootstrap_over_documents():
    scores = {"base": text(3.0), "multi": text(1.0, seed=1), "m": text(2.0, seed=2)}
    found = shares(scores, candidate(), resamples=2000).loc["bits_per_byte", "m"]
    assert found["low"] < found["share"] < found["high"]

    def bits(frame, rows):
        return -frame["logprob"].to_numpy()[rows]

    rng = np.random.default_rng(0)
    lengths, drawn = text(1.0)["bytes"].to_numpy().reshape(2, -1), []
    for _ in range(2000):
        rows = np.concatenate([40 * language + rng.integers(40, size=40) for language in range(2)])
        means = [
            np.mean(bits(scores[name], rows).reshape(2, -1).mean(1) / lengths.mean(1))
            for name in ("base", "m", "multi")
        ]
        drawn.append((means[0] - means[1]) / (means[0] - means[2]))
    np.testing.assert_allclose([found["low"], found["high"]], np.percentile(drawn, [2.5, 97.5]), atol=0.02)


def test_higher_is_better_in_pairs_and_below_the_base_a_share_is_negative():
    scores = {"base": pairs(30), "multi": pairs(50), "m": pairs(45), "worse": pairs(20)}
    found = shares(scores, candidate(), candidate("worse"))
    assert found.loc[("acceptability", "m"), "share"] == pytest.approx(0.75)
    assert found.loc[("acceptability", "worse"), "share"] == pytest.approx(-0.5)


def test_experts_count_each_in_its_own_language():
    scores = {"base": text(3.0), "multi": text(1.0), "1x/isl": text(2.0), "1x/swe": text(1.0)}
    experts = candidate("1x/experts", "experts", {"isl": "1x/isl", "swe": "1x/swe"}, method="")
    assert shares(scores, experts).loc[("bits_per_byte", "1x/experts"), "share"] == pytest.approx(0.75, rel=0.01)


def test_where_joint_training_is_no_better_there_is_no_gap_to_share():
    found = shares({"base": pairs(30), "multi": pairs(31), "m": pairs(40)}, candidate()).loc["acceptability", "m"]
    assert np.isnan(found["share"])
    assert found["reason"] == NO_GAP


def test_a_missing_score_is_named():
    found = shares({"base": text(3.0), "multi": text(1.0), "other": text(2.0)}, candidate(), candidate("other"))
    assert found.loc[("bits_per_byte", "m"), "reason"] == "no score of m in isl"
    assert found.loc[("bits_per_byte", "other"), "share"] == pytest.approx(0.5)


def test_few_items_have_a_share_without_an_interval():
    scores = {name: text(nats, documents=10) for name, nats in (("base", 3.0), ("multi", 1.0), ("m", 2.0))}
    found = shares(scores, candidate()).loc["bits_per_byte", "m"]
    assert found["share"] == pytest.approx(0.5)
    assert np.isnan(found["low"])


# --- candidates and the figure --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def costs():
    study = validate(MINIATURE)
    return Costs(Grid(study), stated_counts(study))


def test_candidates_are_everything_that_is_made_of_the_experts(costs):
    found = {candidate.id: candidate for candidate in candidates(costs)}
    merge = found["1x/ekk+fas+isl+swe/linear"]
    assert (merge.kind, merge.base, merge.mixed, merge.cost) == ("merge", "base-1x", "1x/multi", 0.0)
    # 60 steps of 16 texts of 40 tokens in four languages, and 16,384 tokens forward in each expert, of which a training
    # takes three times the FLOPs; both beside the tokens of the joint training (attention costs less in short texts).
    trained = costs.tokens(costs.steps("1x/multi"))
    tuned, regmean = (found[f"1x/ekk+fas+isl+swe/{method}_rows"].cost for method in ("tuned", "regmean"))
    assert tuned == pytest.approx(60 * 16 * 40 * 4 / trained, rel=0.1)
    assert regmean == pytest.approx(16_384 * 4 / 3 / trained, rel=0.01)
    assert found["2x/experts"].scored_by["isl"] == "2x/isl"
    assert found["1x/ekk+fas+isl+swe/ensemble"].kind == "ensemble"
    healed, control = (found[f"1x/ekk+fas+isl+swe/{method}~10"] for method in ("linear", "base"))
    assert (healed.kind, control.kind, control.method) == ("healed", "control", "")
    assert healed.cost == control.cost == pytest.approx(0.1, rel=0.1)
    rounds = found["1x-rounds-2/ekk+fas+isl+swe/linear_rows"]
    assert (rounds.kind, rounds.setup, rounds.rounds, rounds.base) == ("rounds", "1x", 2, "base-1x")
    assert not [name for name in found if "@" in name], "merges of checkpoints are none"


def test_what_a_method_computes_first_is_a_cost_of_all_that_begins_with_its_merge(costs):
    merging = MINIATURE["merging"]
    own = {
        "healing": merging["healing"] | {"methods": ["tuned_rows"]},
        "rounds": {"methods": ["tuned_rows"], "counts": [3]},
    }
    study = validate(MINIATURE | {"merging": merging | own})
    found = {candidate.id: candidate for candidate in candidates(Costs(Grid(study), stated_counts(study)))}
    everything = "ekk+fas+isl+swe"
    merge, healed, control = (
        found[f"1x/{everything}/{end}"].cost for end in ("tuned_rows", "tuned_rows~10", "base~10")
    )
    assert merge > 0
    assert healed == pytest.approx(merge + control)
    assert found[f"1x-rounds-3/{everything}/tuned_rows"].cost == pytest.approx(3 * merge)


def test_a_study_of_one_language_has_none():
    one = MINIATURE | {"languages": MINIATURE["languages"][:1], "replay": {"reference": "swe", "corpora": {}}}
    merging = {"series": {}, "over_training": None, "healing": None, "rounds": None, "ensemble": None}
    study = validate(one | {"merging": MINIATURE["merging"] | merging | {"methods": []}, "comparison": {}})
    assert candidates(Costs(Grid(study), stated_counts(study))) == []


def made_up(costs):
    """A table as `gap` makes it: shares that grow with what was trained."""
    rng, rows = np.random.default_rng(0), []
    for measure in ("bits_per_byte", "parity"):
        for c in candidates(costs):
            share = rng.uniform(0.2, 0.8) + c.cost
            about = (
                measure,
                c.kind,
                c.setup,
                c.method,
                c.rounds,
                c.id,
                "+".join(c.languages),
                len(c.languages),
                c.cost,
            )
            rows.append((*about, share, share - 0.1, share + 0.1, 2.0, 4.0, 1.0, 100, ""))
    columns = ["measure", "kind", "setup", "method", "rounds", "id", "target", "members", "cost"]
    return pd.DataFrame(rows, columns=[*columns, "share", "low", "high", "value", "base", "mixed", "n", "reason"])


def selection(costs):
    figure = FIGURES["gap"]
    return Selection.of(figure.selected(Shown(costs, [])), Analysis())


def test_the_figure_has_every_candidate_of_all_languages(costs):
    table, chosen = made_up(costs), selection(costs)
    data = FIGURES["gap"].data(table, chosen)
    whole = [c.id for c in candidates(costs) if len(c.languages) == 4]
    assert set(whole) <= set(data["id"])
    line = data[(data["part"] == "cost") & (data["method"] == "linear") & (data["measure"] == "parity")]
    assert line["cost"].iloc[0] == 0.0
    assert list(line["kind"]) == ["merge", "healed", "healed"]
    control = data[(data["part"] == "cost") & (data["method"] == "base") & (data["measure"] == "parity")]
    assert (control["share"].iloc[0], control["cost"].iloc[0]) == (0.0, 0.0)
    members = data[(data["part"] == "members") & (data["setup"] == "2x") & (data["measure"] == "parity")]
    assert list(members.loc[members["method"] == "linear", "n_merges"]) == [6, 4, 1]


def test_it_draws_what_its_data_say_with_and_without_trained_merges(costs):
    figure, chosen = FIGURES["gap"], selection(costs)
    data = figure.data(made_up(costs), chosen)
    drawing = figure.drawn(data)
    assert len(drawing.axes) == 6
    middle = drawing.axes[1]
    (line,) = [line for line in middle.lines if line.get_gid() == "linear"]
    expected = data[(data["part"] == "cost") & (data["method"] == "linear") & (data["measure"] == "bits_per_byte")]
    np.testing.assert_allclose(line.get_ydata(), expected["share"])
    assert len(figure.drawn(data[data["part"] != "cost"]).axes) == 4
    assert figure.drawn(data.iloc[:0]).axes


def over_seeds(costs):
    """The same table over three seeds: of each setup, method and size with several merges, a line for their mean."""
    table = made_up(costs).assign(seeds=3)
    merges = table[table["kind"] == "merge"]
    means = merges.groupby(["measure", "setup", "method", "members"], sort=False).filter(lambda group: len(group) > 1)
    means = means.drop_duplicates(["measure", "setup", "method", "members"])
    means = means.assign(kind="mean", id="", target="", share=0.5, low=0.4, high=0.65)
    return pd.concat([table, means], ignore_index=True)


def test_with_several_seeds_means_over_merges_have_intervals(costs):
    figure, chosen, table = FIGURES["gap"], selection(costs), over_seeds(costs)
    data = figure.data(table, chosen)
    of_panel = data[(data["measure"] == "parity") & (data["setup"] == "2x") & (data["method"] == "linear")]
    members = of_panel[of_panel["part"] == "members"]
    whole = of_panel.loc[of_panel["part"] == "method", ["share", "low", "high"]].to_numpy()
    expected = [[0.5, 0.4, 0.65], [0.5, 0.4, 0.65], *whole[:1]]
    np.testing.assert_allclose(members[["share", "interval_low", "interval_high"]], expected)
    drawn = data[(data["part"] == "members") & (data["measure"] == "bits_per_byte")]
    assert wide_bars(figure.drawn(data).axes[2]) == len(drawn)
    assert wide_bars(figure.drawn(figure.data(made_up(costs), chosen)).axes[2]) == 0, "of one seed"


def wide_bars(axes):
    return sum(collection.get_gid() == "interval" for collection in axes.collections)


def test_the_finding_names_the_best_merge_and_the_baseline(costs):
    table = made_up(costs)
    chosen = selection(costs)
    here = (table["measure"] == "bits_per_byte") & (table["setup"] == "1x") & (table["members"] == 4)
    table.loc[here & (table["kind"] == "merge"), ["share", "low", "high"]] = (0.2, 0.1, 0.3)
    table.loc[here & (table["method"] == "linear_rows") & (table["kind"] == "merge"), ["share", "low", "high"]] = (
        0.9,
        0.8,
        0.95,
    )
    table.loc[here & (table["method"] == "linear") & (table["kind"] == "merge"), ["share", "low", "high"]] = (
        0.4,
        0.3,
        0.5,
    )
    data = FIGURES["gap"].data(table, chosen)
    finding = FIGURES["gap"].finding(Drawn(data, None, chosen))
    assert (
        "1x: linear_rows wins back 0.90 (0.80 to 0.95) of the gap in bits per byte, linear 0.40 (0.30 to 0.50)"
        in finding
    )
    assert "with 10 % of the joint training, from" in finding
