"""What figures say to "wider is better": by a rule, from hand-made contrasts, and from contrasts of real items."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from made_up_scores import selection, summary_of
from test_gap import MEASURED, NO_REFERENCE, pairs

from growmerge.config import load_files
from growmerge.config.analysis import Analysis
from growmerge.figures import FIGURES
from growmerge.figures.common.figure import Drawn
from growmerge.figures.common.wider import rule, verdict, wider_setups
from growmerge.figures.common.write import write_figure
from growmerge.frames import write_frame
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid, Model
from growmerge.study.shown import Shown
from growmerge.tables.contrasts import COLUMNS, compare, contrasts
from growmerge.tables.summary import summarise

LANGUAGES = ("ekk", "isl", "swe")
WIDER = [["2x", "1x", 2.6]]
SELECTION = selection(LANGUAGES, ("1x", "2x"), ("linear", "ties"), wider=WIDER)
BETTER, WORSE, FLAT = (0.1, 0.001), (-0.1, 0.001), (0.1, 0.6)  # difference and p; intervals reach 0.05 to either side


def contrast(first, second, language, what, measure="parity", kind="setup"):
    difference, p = what
    reach = 0.05 if p < 0.5 else 0.2
    ends = (difference - reach, difference + reach)
    return (kind, first, second, measure, measure, language, difference, *ends, p, p, 1, 0, 100)


def drawn(folder, name, rows, chosen=SELECTION, level=0.7):
    """The tables of a figure, on disk: contrasts, and scores of their models at `level`, 0.04 to either side."""
    contrasts = pd.DataFrame(rows, columns=list(COLUMNS))
    scores: dict = {}
    for row in contrasts.itertuples():
        for model in (row.first, row.second):
            scores.setdefault(model, {}).setdefault(row.measure, {})[row.language] = level
    table = folder / f"{name}.parquet"
    write_frame(summary_of(scores), table, [], None, {}, time.monotonic())
    write_frame(contrasts, folder / f"{name}_contrasts.parquet", [], None, {}, time.monotonic())
    return Drawn(pd.DataFrame(), table, chosen, folder / f"{name}_contrasts.parquet")


def experts(*outcomes, measure="parity"):
    return [contrast(f"2x/{x}", f"1x/{x}", x, what, measure) for x, what in zip(LANGUAGES, outcomes, strict=True)]


def finding(folder, name, rows, **more):
    return FIGURES[name].finding(drawn(folder, name, rows, **more))


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ((BETTER, BETTER, FLAT), "agrees"),
        ((BETTER, FLAT, FLAT), "cannot tell"),  # fewer than half
        ((BETTER, BETTER, WORSE), "cannot tell"),  # one way and the other
        ((WORSE, WORSE, FLAT), "contradicts"),
        ((FLAT, FLAT, FLAT), "cannot tell"),
    ],
)
def test_the_answer_follows_the_comparisons(tmp_path, outcomes, said):
    text = finding(tmp_path, "baselines", experts(*outcomes))
    assert text.startswith("Does a wider model adapt better (RQ1)? 2x minus 1x (an expert with all its ancestors ")
    assert " costs 2.6 times the FLOPs): " in text
    assert f"Information parity: {said} (" in text


def test_sure_differences_have_their_intervals_and_the_others_are_named(tmp_path):
    text = finding(tmp_path, "baselines", experts(WORSE, FLAT, WORSE))
    assert (
        "contradicts (worse ekk −0.100 (−0.150 to −0.050), swe −0.100 (−0.150 to −0.050); not sure isl; mean −0.033)"
    ) in text


def test_models_at_chance_tell_nothing(tmp_path):
    rows = experts(BETTER, BETTER, BETTER, measure="facts")
    assert "Factual knowledge: agrees (" in finding(tmp_path, "baselines", rows, level=0.55)
    assert "Factual knowledge: cannot tell (" in finding(tmp_path, "baselines", rows, level=0.53)  # 0.49 to 0.57
    apart = drawn(tmp_path, "baselines", rows, level=0.53)
    scores = pd.read_parquet(apart.table)
    scores.loc[scores["id"].str.startswith("2x"), ["value", "low", "high"]] += 0.1  # the wider model alone is above it
    write_frame(scores, apart.table, [], None, {}, time.monotonic())
    assert "Factual knowledge: agrees (" in FIGURES["baselines"].finding(apart)


def test_p_values_are_adjusted_for_the_comparisons_of_the_measure_in_the_figure(tmp_path):
    barely = (0.1, 0.02)  # by Holm, 0.06 for the first of three
    assert "cannot tell" in finding(tmp_path, "baselines", experts(barely, barely, barely))
    alone = finding(tmp_path, "baselines", experts(barely, (np.nan, np.nan), (np.nan, np.nan)))
    assert "Information parity: agrees (better ekk" in alone


def test_fewer_bits_are_better_and_the_wider_setup_may_come_first(tmp_path):
    rows = experts(WORSE, WORSE, WORSE, measure="bits_per_byte")
    assert "agrees (better ekk +0.100 (+0.050 to +0.150)" in finding(tmp_path, "baselines", rows)
    turned = [contrast(f"1x/{x}", f"2x/{x}", x, BETTER) for x in LANGUAGES]
    assert "contradicts (worse ekk −0.100 (−0.150 to −0.050)" in finding(tmp_path, "baselines", turned)


def test_other_setups_languages_and_kinds_do_not_count(tmp_path):
    rows = [
        *experts(BETTER, BETTER, BETTER),
        *(contrast(f"2x/{x}", f"1x/{x}", "eng", WORSE) for x in LANGUAGES),
        contrast("2x/multi", "1x/multi", "ekk", WORSE),
        contrast("2x/fas", "1x/fas", "fas", WORSE),
        contrast("2x/ekk", "scratch/ekk", "ekk", WORSE),
        contrast("2x/ekk@30", "1x/ekk", "ekk", WORSE, kind="compute"),
    ]
    assert "worse" not in finding(tmp_path, "baselines", rows)
    matched = finding(tmp_path, "compute_matched", rows)
    assert "Information parity: contradicts (worse ekk −0.100 (−0.150 to −0.050); mean −0.100)" in matched


def test_merges_are_told_by_method_beside_their_experts(tmp_path):
    pair = ("isl", "swe")
    rows = experts(FLAT, FLAT, FLAT)
    for method, what in (("linear", WORSE), ("ties", BETTER)):
        rows += [contrast(f"2x/isl+swe/{method}", f"1x/isl+swe/{method}", language, what) for language in pair]
    text = finding(tmp_path, "methods", rows)
    assert text.startswith("Do wider models merge better (RQ2)? 2x minus 1x")
    assert "contradicts by linear (0 better and 2 worse of 2, mean −0.100, experts +0.100)" in text
    assert "agrees by ties (2 better and 0 worse of 2, mean +0.100, experts +0.100)" in text
    assert "by linear" in finding(tmp_path, "pairwise", rows)
    without_experts = finding(tmp_path, "methods", rows[len(LANGUAGES) :])
    assert "agrees by ties (2 better and 0 worse of 2, mean +0.100)" in without_experts


def test_without_a_wider_setup_no_question_is_posed(tmp_path):
    chosen = selection(LANGUAGES, ("1x", "2x"), ("linear",), wider=[])
    assert finding(tmp_path, "baselines", experts(BETTER, BETTER, BETTER), chosen=chosen) == ""
    assert rule(chosen) == ""


def test_a_wider_setup_without_scores_cannot_tell(tmp_path):
    assert "cannot tell, since no pair of models was scored" in finding(tmp_path, "baselines", [])


@pytest.mark.parametrize("name", ["baselines", "compute_matched", "pairwise", "methods"])
def test_captions_state_the_rule(name):
    text = FIGURES[name].text(SELECTION, Analysis(), study="s", measures=["parity"])
    for part in ("p < 0.05", "adjusted by Holm", "at least half", "at chance", "every model was trained once"):
        assert part in text


def test_the_answer_is_under_the_figure_and_rests_on_its_contrasts(tmp_path):
    whole = drawn(tmp_path, "pairwise", experts(BETTER, BETTER, BETTER))
    pdf = tmp_path / "figures/pairwise.pdf"
    write_figure("pairwise", whole.table, pdf, SELECTION, Analysis(), study="s", contrasts=whole.contrasts)
    assert "**What it shows.** Do wider models merge better" in pdf.with_suffix(".md").read_text(encoding="utf-8")
    assert "pairwise_contrasts.parquet" in pdf.with_suffix(".manifest.json").read_text(encoding="utf-8")


SEEDS = {seed: "" if seed == 42 else f"#{seed}" for seed in (42, 43, 44)}


def answers_over_seeds(folder, gains):
    """What `baselines` finds if, with each of three seeds, the wider experts answer so many items more of 60.

    The seeds themselves differ by four items each.
    """
    scores = {}
    for place, (sign, gain) in enumerate(zip(SEEDS.values(), gains, strict=True)):
        scores[f"1x{sign}/swe"], scores[f"2x{sign}/swe"] = pairs(40 + 4 * place), pairs(40 + 4 * place + gain)
    by_seed = {f"{setup}/swe": {s: f"{setup}{sign}/swe" for s, sign in SEEDS.items()} for setup in ("1x", "2x")}
    models = [Model(name, "model", (), 1, name.split("/")[0], "swe", languages=("swe",)) for name in scores]
    how = {"measured": MEASURED, "replicates": by_seed}
    table, beside = folder / "baselines.parquet", folder / "baselines_contrasts.parquet"
    write_frame(summarise(scores, models, NO_REFERENCE, 200, 1, **how), table, [], None, {}, time.monotonic())
    wanted = contrasts([model for model in models if "#" not in model.id], "linear", "eng")
    write_frame(compare(scores, wanted, NO_REFERENCE, 200, 1, **how), beside, [], None, {}, time.monotonic())
    chosen = replace(selection(("swe",), ("1x", "2x"), wider=WIDER), seeds=tuple(SEEDS), over_seeds=True)
    return FIGURES["baselines"].finding(Drawn(pd.DataFrame(), table, chosen, beside)), rule(chosen)


def test_with_several_seeds_the_answer_rests_on_contrasts_paired_by_seed(tmp_path):
    text, stated = answers_over_seeds(tmp_path, (9, 10, 11))
    assert text.startswith("Does a wider model adapt better (RQ1)? 2x minus 1x")
    assert "Linguistic acceptability: agrees (better swe +0.167 (" in text and text.endswith("mean +0.167).")
    assert "t test over seeds and items" in stated and "trained 3 times" in stated
    shuffled, _ = answers_over_seeds(tmp_path, (19, 10, 1))  # the same mean; seeds do not agree
    assert "Linguistic acceptability: cannot tell (not sure swe; mean +0.167)." in shuffled


def test_verdicts_need_half_of_the_comparisons():
    assert verdict(["better", "cannot tell"]) == "agrees"
    assert verdict([]) == "cannot tell"


def test_setups_from_random_weights_are_no_measure_of_width():
    grid = Grid(load_files(ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"))
    shown = Shown(Costs(grid, stated_counts(grid.study)), [])
    pairs = wider_setups(shown)["wider"]
    assert [pair[:2] for pair in pairs] == [["1x_cloned", "1x"], ["2x", "1x"]]
    assert [cost for *_, cost in pairs] == [1.3, 1.4], "Swedish: 2.42 and 2.63 against 1.85 TFLOPs, bases included"
    asked = {name: figure.contrasts(shown) for name, figure in FIGURES.items() if figure.contrasts(shown)}
    assert asked == {
        "baselines": ["setup"],
        "compute_matched": ["compute"],
        "pairwise": ["setup"],
        "methods": ["setup"],
    }
    assert [cost for *_, cost in wider_setups(shown, costs=False)["wider"]] == [None, None]
