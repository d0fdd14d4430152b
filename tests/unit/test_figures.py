"""Figures and their data, on a made-up study of known scores."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from made_up_scores import selection
from matplotlib.colors import to_hex, to_rgb

from growmerge import figures
from growmerge.comparing.places import TENSOR_KINDS
from growmerge.config.analysis import Analysis
from growmerge.config.merging import Method
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.figures.common.palette import BASE_COLOURS, LANGUAGE_COLOURS, LIGHT, interlaced
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.style import save_figure
from growmerge.study.matching import Match
from growmerge.study.sweeps import density_sweeps, main_methods
from growmerge.tables.drops import SIMILARITIES, drops, similarity_and_drop
from growmerge.tables.summary import SUMMARY_COLUMNS

LANGUAGES = ("swe", "isl", "ekk", "fas")
NAMES = {"swe": "Swedish", "isl": "Icelandic", "ekk": "Estonian", "fas": "فارسی", "eng": "English"}
SETUPS = ("1x", "1x_cloned", "2x", "scratch")
METHODS = ("linear", "task_arithmetic", "ties", "dare_ties", "multislerp")
SETTINGS = (
    Method(name="linear"),
    Method(name="task_arithmetic", uses_base=True, parameters={"density": 0.5}),
    Method(name="ties", uses_base=True, parameters={"density": 0.5, "weight": 1.0}),
    Method(name="dare_ties", method="ties", uses_base=True, parameters={"density": 0.9, "weight": 1.0}),
    Method(name="multislerp", method="ties", uses_base=True, parameters={"density": 0.9, "weight": 0.5}),
)
MATCHES = tuple(
    Match(target, cheaper, dearer, 900, 500, 0.02, excluded=target == "isl" and cheaper == "1x", final=False)
    for cheaper, dearer in combinations(SETUPS, 2)
    for target in (*LANGUAGES, "multi")
)
SECOND = {
    "orders": (LANGUAGES,),
    "steps": {f"{setup}/{target}": 900 for setup in SETUPS for target in (*LANGUAGES, "multi")},
    "tokens_per_step": 1024,
    "shares": {"scratch": 0.0, "2x": 0.2},
}
SELECTION = selection(LANGUAGES, SETUPS, METHODS, matches=MATCHES, settings=SETTINGS, **SECOND)
MEASURES = ("acceptability", "parity", "facts")


def made_up_summary(languages=LANGUAGES, setups=SETUPS, methods=METHODS, measures=MEASURES, seed=0):
    """A summary such as `summarise` makes: scores fall with the number of merged languages and rise with the setup."""
    rng = np.random.default_rng(seed)
    models = [("base-1x", "base", "", "", "", ()), ("base-2x", "base", "", "", "", ())]
    models.append(("external/other", "external", "", "", "", ()))
    everything = "+".join(sorted(languages))
    for setup in setups:
        models += [(f"{setup}/{language}", "model", setup, language, "", (language,)) for language in languages]
        models.append((f"{setup}/multi", "model", setup, "multi", "", languages))
        models += [(f"{i}@500", "checkpoint", setup, *rest) for i, _, s, *rest in models if s == setup]
        if len(languages) > 1:
            models += [(f"{setup}/{everything}@500/{m}", "merge", setup, everything, m, languages) for m in methods]
        for size in range(2, len(languages) + 1):
            for members in combinations(sorted(languages), size):
                target = "+".join(members)
                models += [(f"{setup}/{target}/{m}", "merge", setup, target, m, members) for m in methods]
    rows = []
    for identifier, kind, setup, target, method, members in models:
        for measure in measures:
            for language in (*languages, "eng"):
                skill = 0.08 if language == "eng" else 0.0
                if language in members:
                    skill = 0.3 / (1 + len(members)) - 0.03 * METHODS.index(method) if method else 0.22
                skill += 0.03 * (SETUPS.index(setup) if setup in SETUPS else 1) + 0.01 * rng.standard_normal()
                value = 0.5 + skill
                about = (identifier, kind, setup, target, method, len(members), 500 if "@" in identifier else None)
                chance = np.nan if measure == "parity" else 0.5
                rows.append((*about, measure, language, "all", value, value - 0.04, value + 0.04, 100, 0, chance))
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)).astype({"step": "Int64"})


FULL = made_up_summary()
SMALL = made_up_summary(LANGUAGES[:2], SETUPS[:2], METHODS[:2], MEASURES[:2])
IN_SMALL = selection(LANGUAGES[:2], SETUPS[:2], METHODS[:2], matches=MATCHES, settings=SETTINGS)


def made_up_comparisons(languages=LANGUAGES, setups=SETUPS, seed=1) -> pd.DataFrame:
    """Comparisons such as `compare_weights` and `compare_states` make, of three layers."""
    rng = np.random.default_rng(seed)
    rows = []
    places = [(pd.NA, "all"), *((layer, "all") for layer in range(3)), *((pd.NA, kind) for kind in TENSOR_KINDS[:-1])]
    for setup, (layer, kind) in ((setup, place) for setup in setups for place in places):
        about = (layer, kind)
        rows += [(setup, language, "", "relative_norm", *about, rng.uniform(0.2, 2)) for language in languages]
        for pair in combinations(languages, 2):
            rows += [(setup, *pair, measure, *about, rng.uniform(0, 0.6)) for measure in SIMILARITIES[:10]]
    columns = ["setup", "first", "second", "measure", "layer", "kind", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"layer": "Int64"})


def made_up_gap(summary: pd.DataFrame, seed=2) -> pd.DataFrame:
    """Shares such as `growmerge.tables.gap` gives, of the merges of a summary, and of what is trained on from them."""
    rng = np.random.default_rng(seed)
    rows = []
    merges = summary[(summary["kind"] == "merge") & summary["step"].isna()]
    for (setup, measure), part in merges.groupby(["setup", "measure"], sort=False):
        known = part.groupby("id", sort=False)["value"].agg(lambda values: values.notna().all())
        whole = part["members"].max()
        candidates = [
            ("merge", row.method, 1, row.id, row.members, 0.0, known[row.id])
            for row in part.drop_duplicates("id").itertuples()
        ]
        candidates += [("experts", "", 1, f"{setup}/experts", whole, 0.0, True)]
        candidates += [("ensemble", "", 1, f"{setup}/all/ensemble", whole, 0.0, True)]
        candidates += [("rounds", "linear", 4, f"{setup}-rounds-4/all/linear", whole, 0.0, True)]
        for cost in (0.05, 0.1) if setup == "1x" else ():
            candidates += [("healed", "linear", 1, f"{setup}/all/linear~{100 * cost:g}", whole, cost, True)]
            candidates += [("control", "", 1, f"{setup}/all/base~{100 * cost:g}", whole, cost, True)]
        for kind, method, rounds, identifier, members, cost, there in candidates:
            share = rng.uniform(0.1, 0.7) + cost if there else np.nan
            numbers = (share, share - 0.1, share + 0.1, 2.0, 3.0, 1.0, 100)
            reason = "" if there else "no score of a model"
            rows.append((measure, kind, setup, method, rounds, identifier, "", members, cost, *numbers, reason))
    columns = [*("measure", "kind", "setup", "method", "rounds", "id", "target", "members", "cost")]
    table = pd.DataFrame(rows, columns=[*columns, "share", "low", "high", "value", "base", "mixed", "n", "reason"])
    return table[table["measure"] != "facts"]


def made_up_tokenizer(languages: Sequence[str], seed=3) -> pd.DataFrame:
    """A table such as `growmerge.tables.tokenizer` writes; nothing is held out in the last language of several."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"language": ["eng", *languages]})
    for column, least, most in (("bytes_per_token", 1, 5), ("tokens_per_word", 1, 4), ("fragments", 0, 0.2)):
        table[column] = rng.uniform(least, most, len(table))
    table["vocabulary"] = rng.uniform(0.1, 0.5, len(table))
    table["times_english"] = table["bytes_per_token"].iloc[0] / table["bytes_per_token"]
    if len(languages) > 1:
        table.loc[len(table) - 1, table.columns[1:]] = np.nan
    return table


def material(name: str, summary: pd.DataFrame) -> pd.DataFrame:
    """The table that a figure is drawn from, for the models that the summary knows."""
    if name == "gap":
        return made_up_gap(summary)
    if name == "tokenizer":
        return made_up_tokenizer([language for language in LANGUAGES if (summary["target"] == language).any()])
    if name not in ("language_vectors", "similarity_and_drop"):
        return summary
    experts = summary[(summary["kind"] == "model") & (summary["target"] != "multi")]
    languages, setups = list(experts["target"].unique()), list(experts["setup"].unique())
    comparisons = made_up_comparisons(languages, setups)
    if name == "language_vectors":
        return comparisons
    return similarity_and_drop(comparisons, drops(summary, setups, languages, "linear"), None)


def erase(summary: pd.DataFrame, **where: str) -> pd.DataFrame:
    """The summary with holes where the columns have these values."""
    chosen = np.logical_and.reduce([summary[column] == value for column, value in where.items()])
    return summary.assign(
        n=summary["n"].where(~chosen, 0),
        **{column: summary[column].where(~chosen) for column in ("value", "low", "high")},
    )


def score(summary: pd.DataFrame, identifier: str, measure: str, language: str) -> float:
    chosen = (summary["id"] == identifier) & (summary["measure"] == measure) & (summary["language"] == language)
    return summary.loc[chosen, "value"].item()


def artists(figure, gid: str) -> list:
    """The artists marked `gid`, in all panels."""
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


# --- data ---------------------------------------------------------------------------------------------------------


def test_baselines_hold_every_model_in_its_language_and_in_english() -> None:
    table = FIGURES["baselines"].data(FULL, SELECTION)
    assert table.groupby(["row", "series"]).size().to_dict() == {
        ("target", "expert"): 3 * 4 * 4,
        ("target", "multi"): 3 * 4 * 4,
        ("english", "expert"): 3 * 4 * 4,
        ("english", "multi"): 3 * 4,
        ("english", "base"): 3 * 2,
        ("target", "external"): 3 * 4,
        ("english", "external"): 3,
    }
    assert table["value"].notna().all()
    lines = {(line.row, line.measure, line.id, line.language): line.value for line in table.itertuples()}
    for key in [("target", "facts", "2x/isl", "isl"), ("target", "parity", "1x/multi", "ekk")]:
        assert lines[key] == score(FULL, *key[2:3], key[1], key[3])
    for key in [("english", "facts", "2x/isl", "eng"), ("english", "parity", "base-1x", "eng")]:
        assert lines[key] == score(FULL, *key[2:3], key[1], key[3])


def test_baselines_show_the_bases_that_are_asked_for() -> None:
    for bases, ids in ((None, {"base-1x", "base-2x"}), (("base-2x",), {"base-2x"}), ((), set())):
        table = FIGURES["baselines"].data(FULL, selection(LANGUAGES, SETUPS, METHODS, bases=bases))
        assert set(table.loc[table["series"] == "base", "id"]) == ids


def test_pairwise_finds_the_merge_whatever_the_order_of_its_languages() -> None:
    table = FIGURES["pairwise"].data(FULL, selection(LANGUAGES, SETUPS, METHODS, method="ties"))
    cells = table.set_index(["measure", "setup", "language", "partner"])["value"]
    assert cells["facts", "2x", "swe", "isl"] == score(FULL, "2x/isl+swe/ties", "facts", "swe")
    assert cells["facts", "2x", "isl", "swe"] == score(FULL, "2x/isl+swe/ties", "facts", "isl")
    assert cells["facts", "2x", "isl", "isl"] == score(FULL, "2x/isl", "facts", "isl")
    assert len(table) == 3 * 4 * 16
    assert table["value"].notna().all()


def test_methods_average_member_languages_only() -> None:
    table = FIGURES["methods"].data(FULL, SELECTION)
    merges = FULL[(FULL["kind"] == "merge") & (FULL["setup"] == "2x") & (FULL["measure"] == "facts")]
    merges = merges[merges["step"].isna()]
    merges = merges[[language in target for language, target in zip(merges["language"], merges["target"], strict=True)]]
    of_merge = merges.groupby(["method", "members", "id"])["value"].mean()
    ours = table[(table["setup"] == "2x") & (table["measure"] == "facts")]

    by_method = ours[ours["part"] == "method"].set_index("method")
    for method in METHODS:
        line = by_method.loc[method]
        assert line[["value", "low", "high"]].tolist() == pytest.approx(of_merge[method].agg(["mean", "min", "max"]))
        assert (line["n_cells"], line["n_expected"]) == (28, 28)  # 6 pairs, 4 triples, 1 quadruple

    by_size = ours[ours["part"] == "members"].set_index(["series", "members"])
    best = of_merge.groupby("method").mean().idxmax()
    for size in (2, 3, 4):
        assert by_size.loc[("mean", size), "value"] == pytest.approx(of_merge[:, size].mean())
        assert by_size.loc[("best", size), "value"] == pytest.approx(of_merge[best, size].mean())
        assert by_size.loc[("best", size), "method"] == best
    expert = ours[ours["part"] == "expert"].iloc[0]
    assert expert["value"] == pytest.approx(np.mean([score(FULL, f"2x/{x}", "facts", x) for x in LANGUAGES]))


def test_an_incomplete_mean_says_so_and_is_not_the_best() -> None:
    holes = erase(erase(FULL, id="2x/isl+swe/linear", language="swe"), id="2x/ekk", language="ekk")
    table = FIGURES["methods"].data(holes, SELECTION)
    ours = table[(table["setup"] == "2x") & (table["measure"] == "facts")]
    linear = ours[(ours["part"] == "method") & (ours["method"] == "linear")].iloc[0]
    assert (linear["n_cells"], linear["n_expected"]) == (27, 28)
    pairs = ours[(ours["series"] == "mean") & (ours["members"] == 2)].iloc[0]
    assert (pairs["n_cells"], pairs["n_expected"]) == (59, 60)
    expert = ours[ours["part"] == "expert"].iloc[0]
    assert (expert["n_cells"], expert["n_expected"]) == (3, 4)
    assert set(ours.loc[ours["series"] == "best", "method"]) == {"task_arithmetic"}


def test_merges_beyond_the_selected_languages_are_left_out() -> None:
    table = FIGURES["methods"].data(FULL, selection(("swe", "isl"), ("2x",), ("linear",)))
    line = table[(table["part"] == "method") & (table["measure"] == "parity")].iloc[0]
    assert line["n_expected"] == 2
    both = [score(FULL, "2x/isl+swe/linear", "parity", language) for language in ("swe", "isl")]
    assert line["value"] == pytest.approx(np.mean(both))


def test_methods_that_differ_in_their_density_alone_are_a_sweep() -> None:
    assert density_sweeps(SETTINGS) == {"ties": {0.5: "ties", 0.9: "dare_ties"}}  # multislerp has another weight
    assert main_methods(SETTINGS) == ["linear", "task_arithmetic", "ties", "multislerp"]
    assert density_sweeps(SETTINGS[:3]) == {}
    by_layer = Method(
        name="ties-layers", method="ties", uses_base=True, parameters={"density": [0.5, 1.0], "weight": 1.0}
    )
    assert density_sweeps([*SETTINGS[:3], by_layer]) == {}


def test_density_averages_the_merges_of_each_density() -> None:
    table = FIGURES["density"].data(FULL, SELECTION)
    ours = table[(table["setup"] == "2x") & (table["measure"] == "facts")]
    by_method = FIGURES["methods"].data(FULL, SELECTION)
    by_method = by_method[
        (by_method["setup"] == "2x") & (by_method["measure"] == "facts") & (by_method["part"] == "method")
    ]
    sweep = ours[ours["part"] == "sweep"].set_index("density")
    assert sweep["name"].to_dict() == {0.5: "ties", 0.9: "dare_ties"}
    assert sweep.loc[0.9, "value"] == by_method.set_index("method").loc["dare_ties", "value"]
    assert sweep["n_cells"].tolist() == [28, 28]
    reference = ours[ours["part"] == "reference"].iloc[0]
    assert (reference["name"], reference["value"]) == ("linear", by_method.set_index("method").loc["linear", "value"])
    assert ours.loc[ours["part"] == "expert", "value"].item() == pytest.approx(
        np.mean([score(FULL, f"2x/{x}", "facts", x) for x in LANGUAGES])
    )


def test_language_vectors_hold_pairs_norms_and_profiles() -> None:
    comparisons = made_up_comparisons()
    table = FIGURES["language_vectors"].data(comparisons, SELECTION)
    assert table.groupby("part").size().to_dict() == {
        "pair": 4 * 6, "norm": 4 * 4, "layer": 4 * 3, "kind": 4 * 9, "conflict": 4 * 9,
    }  # fmt: skip
    cosines = comparisons[(comparisons["setup"] == "2x") & (comparisons["measure"] == "cosine")]
    of_layer = cosines[(cosines["layer"] == 1).fillna(False)]["value"]
    line = table[(table["setup"] == "2x") & (table["part"] == "layer") & (table["layer"] == 1).fillna(False)].iloc[0]
    assert line[["value", "low", "high", "n"]].tolist() == pytest.approx([*of_layer.agg(["mean", "min", "max"]), 6])
    assert list(dict.fromkeys(table.loc[table["part"] == "kind", "kind"])) == list(TENSOR_KINDS[:-1])


def test_similarity_and_drop_holds_every_pair_with_the_coefficients_of_its_panel() -> None:
    table = FIGURES["similarity_and_drop"].data(material("similarity_and_drop", FULL), SELECTION)
    panel = table[(table["measure"] == "facts") & (table["similarity"] == "cka")]
    assert len(panel) == 4 * 6
    assert set(panel["n"]) == {24}
    assert panel["pearson"].iloc[0] == pytest.approx(np.corrcoef(panel["x"], panel["delta"])[0, 1])
    assert panel["spearman"].iloc[0] == pytest.approx(panel["x"].rank().corr(panel["delta"].rank()))
    assert list(dict.fromkeys(table["measure"])) == [*MEASURES, "mean"]
    assert list(dict.fromkeys(table["setup"])) == list(SETUPS)


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(name: str, summary: pd.DataFrame, chosen: Selection = SELECTION):
    figure = FIGURES[name]
    return figure.drawn(figure.data(material(name, summary), chosen), chosen.names)


def test_baselines_draw_every_score_once() -> None:
    figure = draw("baselines", FULL)
    assert len(artists(figure, "expert")) == 2 * 48
    assert len(artists(figure, "multi")) == 48 + 12
    assert len(artists(figure, "base")) == 6
    assert len(artists(figure, "chance")) == 4  # two pair measures in two rows; parity has no chance level
    assert not artists(figure, "missing")
    assert "no score" not in legend(figure)
    assert {line.get_markerfacecolor() for line in artists(figure, "multi")} == {"white"}
    assert {"1×", "1× cloned", "2×", "scratch", "base-1x", "base-2x"} <= set(legend(figure))


def test_external_models_stand_beside_the_targets_under_their_own_letters() -> None:
    others = [FULL[FULL["kind"] == "external"].assign(id=f"external/{name}") for name in ("gemma", "qwen")]
    figure = draw("baselines", pd.concat([FULL[FULL["kind"] != "external"], *others]))
    marks = artists(figure, "external")
    assert len(marks) == 2 * 3 * (4 + 1)
    assert {mark.get_marker() for mark in marks} == {r"$\mathrm{A}$", r"$\mathrm{B}$"}
    assert {"gemma", "qwen"} <= set(legend(figure))
    assert "others" in texts(figure)
    rightmost = max(line.get_xdata()[0] for line in artists(figure.axes[0], "expert") if line.get_xdata()[0] < 0.5)
    first = min(mark.get_xdata()[0] for mark in artists(figure.axes[0], "external"))
    assert rightmost < first < 0.5

    without = draw("baselines", FULL[FULL["kind"] != "external"])
    assert not artists(without, "external")
    assert "others" not in texts(without)


def test_baselines_mark_what_is_missing() -> None:
    figure = draw("baselines", erase(erase(FULL, id="2x/isl"), id="base-1x"))
    assert len(artists(figure, "missing")) == 6
    assert len(artists(figure, "expert")) == 2 * 48 - 6
    assert {"no score", "base-1x (scores missing)", "base-2x"} <= set(legend(figure))
    assert len(artists(figure, "base")) == 3


def test_pairwise_prints_scores_and_hatches_holes() -> None:
    holes = erase(FULL, id="2x/isl+swe/linear")
    holes = holes[holes["id"] != "1x/ekk"]  # not even a row
    table = FIGURES["pairwise"].data(holes, SELECTION)
    figure = FIGURES["pairwise"].drawn(table)
    missing = artists(figure, "missing")
    assert len(missing) == 3 * 2 + 3
    assert all(patch.get_hatch() for patch in missing)
    assert len(artists(figure, "cell")) == len(table) - 9
    printed = sorted(text for axes in figure.axes for text in (t.get_text() for t in axes.texts))
    assert printed == sorted(f"{value:.2f}" for value in table["value"].dropna())
    assert "no score" in legend(figure)
    assert not draw("pairwise", FULL).legends


def test_pairwise_has_one_colour_scale_per_measure() -> None:
    table = FIGURES["pairwise"].data(FULL, SELECTION)
    figure = FIGURES["pairwise"].drawn(table)
    panels = [axes for axes in figure.axes if axes.texts]
    for measure, row in zip(MEASURES, np.reshape(panels, (3, 4)), strict=True):
        values = table.loc[table["measure"] == measure, "value"]
        highest = f"{values.max():.2f}"
        colours = [to_hex(p.get_facecolor()) for axes in row for p in axes.patches if p.get_gid() == "cell"]
        assert colours[int(values.argmax())] == to_hex(mpl.colormaps["cividis"](1.0)), highest
        assert colours.count(to_hex(mpl.colormaps["cividis"](1.0))) < 4


def test_pairwise_is_brightest_where_bits_per_byte_are_fewest() -> None:
    table = FIGURES["pairwise"].data(FULL, SELECTION)
    table = table[table["measure"] == MEASURES[0]].assign(measure="bits_per_byte", chance=np.nan)
    figure = FIGURES["pairwise"].drawn(table)
    colours = [to_hex(p.get_facecolor()) for axes in figure.axes for p in axes.patches if p.get_gid() == "cell"]
    brightest = to_hex(mpl.colormaps["cividis"](1.0))
    assert colours[int(table["value"].argmin())] == brightest != colours[int(table["value"].argmax())]


def test_methods_annotate_incomplete_means() -> None:
    whole = draw("methods", FULL)
    assert not artists(whole, "incomplete")
    assert not any("k/n" in label for label in legend(whole))
    holes = erase(erase(FULL, id="2x/isl+swe/linear", language="swe"), setup="scratch", method="ties")
    figure = draw("methods", erase(holes, id="2x/ekk", language="ekk"))
    notes = [text.get_text() for text in artists(figure, "incomplete")]
    assert notes.count("27/28") == 3
    assert notes.count("59/60") == 3
    assert notes.count("3/4") == 6  # on the experts' line of both panels
    assert notes.count("48/60") == 6  # pairs, and triples, of scratch without one method in five
    assert len(artists(figure, "missing")) == 3  # TIES from scratch has no score at all
    assert {"no score", "k/n: mean over k of n scores"} <= set(legend(figure))


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_partial_studies_are_drawn(name: str) -> None:
    one = ("swe",)
    studies = {
        "one language, one setup": (made_up_summary(one, ("1x",)), selection(one, ("1x",), METHODS)),
        "languages, setups and methods that nobody trained": (
            SMALL,
            selection(LANGUAGES[:3], SETUPS[:3], METHODS[:3], matches=MATCHES),
        ),
        "a new setup and measure": (
            made_up_summary(LANGUAGES[:2], ("4x",), METHODS[:1], ("cloze",)),
            selection(LANGUAGES[:2], ("4x",), METHODS[:1]),
        ),
        "only holes": (erase(SMALL, subset="all"), IN_SMALL),
        "no merges, no multi": (SMALL[(SMALL["kind"] == "model") & (SMALL["target"] != "multi")], IN_SMALL),
        "no bases": (SMALL[SMALL["kind"] != "base"], IN_SMALL),
    }
    for summary, chosen in studies.values():
        draw(name, summary, chosen).draw_without_rendering()


def test_language_vectors_hatch_what_was_not_compared() -> None:
    comparisons = made_up_comparisons()
    figure = FIGURES["language_vectors"]
    whole = figure.drawn(figure.data(comparisons, SELECTION))
    assert len(artists(whole, "cell")) == 4 * 12
    assert not artists(whole, "missing")
    holes = figure.drawn(figure.data(comparisons[comparisons["setup"] != "2x"], SELECTION))
    assert len(artists(holes, "cell")) == 3 * 12
    assert len(artists(holes, "missing")) == 12 + 4  # the map, and a cross for each norm
    assert "not compared" in legend(holes)


def test_similarity_and_drop_draws_the_pairs_of_all_setups_in_every_panel() -> None:
    figure = draw("similarity_and_drop", FULL)
    panels = [axes for axes in figure.axes if artists(axes, "pairs")]
    assert len(panels) == 4 * 7
    assert all(len(artists(axes, "pairs")) == 4 for axes in panels)
    assert sum(text.startswith("ρ ") for text in texts(figure)) == 4 * 7


def test_density_draws_a_line_a_setup_and_marks_holes() -> None:
    whole = draw("density", FULL)
    assert len(artists(whole, "sweep")) == 3 * 4
    assert len(artists(whole, "reference")) == len(artists(whole, "expert")) == 3 * 4
    assert "linear merges" in [label.lower() for label in legend(whole)]
    figure = draw("density", erase(erase(FULL, setup="2x", method="ties"), id="1x/isl+swe/dare_ties"))
    assert len(artists(figure, "missing")) == 3
    assert {"no score", "some scores missing"} <= set(legend(figure))


def test_a_study_of_holes_shows_no_number() -> None:
    holes = erase(FULL, subset="all")
    assert not artists(draw("baselines", holes), "expert")
    assert not artists(draw("pairwise", holes), "cell")
    assert not artists(draw("methods", holes), "expert")
    assert not artists(draw("compute_matched", holes), "median")


def shown_labels(figure) -> list[tuple[str, mpl.transforms.Bbox]]:
    """Tick labels within the panels, titles and entries of the legend, with where they stand."""
    found = [axes.title for axes in figure.axes] + [text for legend in figure.legends for text in legend.get_texts()]
    found += [legend.get_title() for legend in figure.legends]
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            ticks = [tick for tick in axis.get_major_ticks() if min(low, high) <= tick.get_loc() <= max(low, high)]
            found += [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
    return [(text.get_text(), text.get_window_extent()) for text in found if text.get_text()]


@pytest.mark.parametrize("name", FIGURES)
def test_labels_do_not_overlap(name: str) -> None:
    figure = draw(name, FULL, replace(SELECTION, names=NAMES))
    figure.draw_without_rendering()
    boxes = shown_labels(figure)
    assert len(boxes) > 15
    for index, (label, box) in enumerate(boxes):
        assert figure.bbox.contains(box.x0, box.y0), label
        assert figure.bbox.contains(box.x1, box.y1), label
        clashes = [other for other, its_box in boxes[index + 1 :] if box.overlaps(its_box)]
        assert not clashes, label


def title(figure) -> str:
    return figure.legends[0].get_title().get_text() if figure.legends else ""


def test_languages_that_are_shown_by_codes_are_named_above_the_legend() -> None:
    shown = {}
    few = made_up_summary(methods=METHODS[:2], measures=MEASURES[:1])  # names are the same above fewer panels
    assert title(draw("baselines", few)) == "", "a study without names"
    for name, figure in FIGURES.items():
        data = figure.data(material(name, few), SELECTION)
        shown[name] = title(figure.drawn(data, NAMES))
    targets = "swe Swedish   isl Icelandic   ekk Estonian   fas فارسی"
    without_codes = {"density", "gap", "methods", "sharing", "similarity_and_drop"}
    expected = {name: "" if name in without_codes else targets for name in FIGURES}
    assert shown == expected | {"tokenizer": f"{targets}   eng English"}


def test_many_languages_are_named_in_several_lines_and_none_is_torn() -> None:
    codes = tuple(f"l{chr(97 + index)}n" for index in range(12))
    names = {code: f"A language {code.upper()}" for code in codes}
    figure = draw("baselines", made_up_summary(codes, ("1x",), ()), replace(selection(codes, ("1x",)), names=names))
    lines = title(figure).split("\n")
    assert len(lines) > 1
    assert sorted("   ".join(lines).split("   ")) == [f"{code} A language {code.upper()}" for code in codes]


def test_a_legend_says_what_thin_bars_are() -> None:
    few = made_up_summary(methods=METHODS[:2], measures=MEASURES[:1])
    bars = {name: [text for text in legend(draw(name, few)) if text.startswith("bars: ")] for name in
            ("baselines", "methods", "density", "gap", "language_vectors", "series", "sharing")}  # fmt: skip
    assert bars == {
        "baselines": ["bars: 95 % interval"],
        "methods": ["bars: lowest to highest merge (left)"],
        "density": ["bars: lowest to highest merge"],
        "gap": ["bars: 95 % interval; right: lowest to highest merge"],
        "language_vectors": ["bars: lowest to highest pair"],
        "series": ["bars: 95 % interval"],
        "sharing": ["bars: 95 % interval of the mean (left)", "bars: lowest to highest (right)"],
    }


def test_bases_whose_scores_are_equal_are_both_seen() -> None:
    equal = FULL.assign(value=FULL["value"].where(FULL["kind"] != "base", 0.6))
    lines = artists(draw("baselines", equal).axes[1], "base")
    assert [line.get_ydata()[0] for line in lines] == [0.6, 0.6]
    assert len({line.get_color() for line in lines}) == 2
    for count in (1, 2, 4):
        dashes = interlaced(count)
        drawn = [{(offset + at) % sum(pattern) for at in range(int(pattern[0]))} for offset, pattern in dashes]
        assert sum(map(len, drawn)) == len(set.union(*drawn)), "no dash lies on another"


def test_colours_of_languages_stand_out_from_page_and_shaded_slots() -> None:
    """Contrast of at least 3 to 1, by the formula of WCAG 2.1."""

    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for colour in (*LANGUAGE_COLOURS, *BASE_COLOURS):
        assert (luminance(LIGHT) + 0.05) / (luminance(colour) + 0.05) >= 3, colour
    assert len(set(LANGUAGE_COLOURS)) == len(LANGUAGE_COLOURS)


def test_a_file_that_cannot_be_a_figure_is_named() -> None:
    with pytest.raises(GrowmergeError, match=r"figures/means\.py: 'tables/means\.csv' is another table"):
        figures._figure("means")
    with pytest.raises(GrowmergeError, match=r"figures/common\.py: defines no `FIGURE`"):
        figures._figure("common")


# --- files and captions -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_files_are_the_same_bytes_in_another_process_and_under_other_settings(tmp_path: Path) -> None:
    program = """
import sys; sys.path.insert(0, sys.argv[1])
import matplotlib; matplotlib.rcParams.update({"font.size": 20, "axes.grid": True, "pdf.fonttype": 3})
from test_figures import *
save_all(Path(sys.argv[2]))
"""
    here, there = tmp_path / "här", tmp_path / "där borta"
    for folder in (here, there):
        folder.mkdir()
    save_all(here)
    environment = os.environ | {"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1000000000"}
    arguments = [sys.executable, "-c", program, str(Path(__file__).parent), str(there)]
    subprocess.run(arguments, check=True, env=environment)
    files = sorted(path.name for path in here.iterdir())
    assert len(files) == 3 * len(FIGURES)
    for name in files:
        assert (here / name).read_bytes() == (there / name).read_bytes(), name
        if name.endswith(".pdf"):
            pdf = (here / name).read_bytes()
            assert b"/CIDFontType2" in pdf  # TrueType outlines
            assert b"/Type3" not in pdf
            assert b"CreationDate" not in pdf
        if name.endswith(".svg"):
            svg = (here / name).read_text(encoding="utf-8")
            assert "font-family" not in svg  # outlines: no font is asked for
            assert "<dc:date>" not in svg


def save_all(folder: Path) -> None:
    summary = erase(SMALL, id="1x/isl+swe/linear")
    for name in FIGURES:
        save_figure(draw(name, summary, IN_SMALL), folder / f"{name}.pdf", folder / f"{name}.png")


def test_drawing_leaves_the_callers_settings_alone() -> None:
    with mpl.rc_context({"font.size": 13}):
        draw("baselines", FULL)
        assert mpl.rcParams["font.size"] == 13


def test_data_survives_its_csv(tmp_path: Path) -> None:
    for name, figure in FIGURES.items():
        table = figure.data(material(name, erase(FULL, id="2x/isl")), SELECTION)
        table.to_csv(tmp_path / "data.csv", index=False)
        text = {column: str for column in table if table[column].dtype == "str"}
        empty_is_nan = {column: [""] for column in table if column not in text}
        back = pd.read_csv(tmp_path / "data.csv", dtype=text, keep_default_na=False, na_values=empty_is_nan)
        pd.testing.assert_frame_equal(table, back, check_dtype=False, obj=name)


def shown_in(name: str):
    """The measures of the scores in a figure; None where it shows no scores."""
    return None if name in ("language_vectors", "tokenizer") else MEASURES


@pytest.mark.parametrize("name", FIGURES)
def test_captions_say_what_from_what_and_how_far(name: str) -> None:
    note = "A miniature: it shows that the machinery works, not what the paper found."
    text = FIGURES[name].text(SELECTION, Analysis(note=note), study="miniature", measures=shown_in(name))
    assert text.endswith(f"Study: miniature. {note}")
    assert "swe, isl, ekk and fas" in text
    if name == "tokenizer":  # it is of text alone: no setup, no score
        assert "a cross where nothing is held out" in text
        return
    assert "1x, 1x_cloned, 2x and scratch" in text
    assert "no score" in text or "without a score" in text or "without any score" in text
    other = FIGURES[name].text(SELECTION, Analysis(parity="ratio_of_sums"), study="miniature", measures=shown_in(name))
    shows_scores = name != "language_vectors"
    assert ("mean over parallel sentences of NLL" in text) == shows_scores
    assert ("each summed over parallel sentences" in other) == shows_scores
    if name == "baselines":
        assert "1000 resamples" in text
    if name == "pairwise":
        assert "by linear" in text
    if name == "methods":
        assert "mean over its member languages" in text
        assert "k of n" in text
    if name == "similarity_and_drop":
        assert "4 languages make only 6 pairs a setup" in text
        assert "by linear" in text
