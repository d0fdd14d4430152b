"""The figure of compute-matched checkpoints, on scores and medians computed by hand."""

from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from made_up_scores import selection

from growmerge.config.analysis import Analysis
from growmerge.figures import FIGURES
from growmerge.figures.common.selection import Selection
from growmerge.figures.compute_matched import BOX_FROM, compute_matched_data
from growmerge.study.matching import Match
from growmerge.tables.summary import ALL, MACRO, SUMMARY_COLUMNS

SWE = Match("swe", "1x", "2x", 900, 250, 0.018, excluded=False, final=False)
ISL = Match("isl", "1x", "2x", 300, 250, 1.3, excluded=True, final=False)
MULTI = Match("multi", "1x", "2x", 3000, 1000, -0.004, excluded=False, final=True)
SELECTION = selection(("swe", "isl"), ("1x", "2x"), matches=(MULTI, ISL, SWE))

# By model and benchmark, the scores in Swedish, Icelandic and English; Icelandic has its acceptability in two groups.
SCORES = {
    "1x/swe": {"acceptability": (0.8, None, 0.6), "parity": (0.7, 0.5, 0.9), "facts": (0.6, 0.5, 0.4)},
    "2x/swe@250": {"acceptability": (0.75, None, 0.7), "parity": (0.72, 0.5, 0.8), "facts": (0.9, 0.5, 0.75)},
    "1x/multi": {
        "acceptability": (0.6, None, 0.5),
        "acceptability/morphology": (None, 0.3, None),
        "acceptability/word_order": (None, 0.5, None),
        "parity": (0.6, 0.8, 0.7),
        "facts": (0.4, 0.6, 0.6),
    },
    "2x/multi": {
        "acceptability": (0.7, None, 0.5),
        "acceptability/morphology": (None, 0.4, None),
        "acceptability/word_order": (None, 0.7, None),
        "parity": (0.7, 0.9, 0.7),
        "facts": (0.5, 0.8, 0.6),
    },
}


def summary_of(scores: dict[str, dict[str, tuple[float | None, ...]]] = SCORES) -> pd.DataFrame:
    """A summary such as `summarise` makes: every model has a row for every cell that any model has."""
    values = {
        (model, *(*benchmark.split("/"), "all")[:2], language): value
        for model, of_model in scores.items()
        for benchmark, by_language in of_model.items()
        for language, value in zip(("swe", "isl", "eng"), by_language, strict=True)
        if value is not None
    }
    # Overall scores stand beside those of the groups; 0.99 shows up in the figure only if one is taken for a group.
    grouped = [(model, measure, language) for model, measure, group, language in values if group != "all"]
    values |= {(model, measure, mean, language): 0.99 for model, measure, language in grouped for mean in (ALL, MACRO)}
    rows = []
    for model in scores:
        setup, target = model.partition("@")[0].split("/")
        kind, members = "checkpoint" if "@" in model else "model", 2 if target == "multi" else 1
        about = (model, kind, setup, target, "", members, None)
        for key in sorted({key[1:] for key in values}):
            value = values.get((model, *key), np.nan)
            rows.append((*about, key[0], key[2], key[1], value, value, value, 100, 0, 0.5))
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def without(summary: pd.DataFrame, **where: str) -> pd.DataFrame:
    chosen = np.logical_and.reduce([summary[column] == value for column, value in where.items()])
    return summary.assign(value=summary["value"].where(~chosen))


def marks(table: pd.DataFrame, row: str, target: str, role: str) -> pd.DataFrame:
    return table[(table["row"] == row) & (table["target"] == target) & (table["role"] == role)]


def artists(figure, gid: str) -> list:
    return figure.findobj(lambda artist: str(artist.get_gid()).startswith(gid))


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


# --- data ---------------------------------------------------------------------------------------------------------


def test_each_model_has_its_scores_in_the_target_and_in_english() -> None:
    table = compute_matched_data(summary_of(), SELECTION)
    cheaper, dearer = (marks(table, "target", "swe", role) for role in ("cheaper", "dearer"))
    assert list(zip(cheaper["measure"], cheaper["value"], strict=True)) == [
        ("acceptability", 0.8),
        ("parity", 0.7),
        ("facts", 0.6),
    ]
    assert set(cheaper["id"]) == {"1x/swe"}
    assert set(dearer["id"]) == {"2x/swe@250"}
    assert (cheaper["step"].unique(), dearer["step"].unique()) == (900, 250)
    assert set(table.loc[table["target"] == "swe", "relative_difference"]) == {0.018}
    assert marks(table, "english", "swe", "dearer")["value"].tolist() == [0.7, 0.8, 0.75]
    assert set(cheaper["languages"]) == {"swe"}


def test_medians_and_their_difference() -> None:
    table = compute_matched_data(summary_of(), SELECTION)
    for row, cheaper, dearer in (("target", 0.7, 0.75), ("english", 0.6, 0.75)):
        for role, median in (("cheaper", cheaper), ("dearer", dearer)):
            lines = marks(table, row, "swe", role)
            assert set(lines["median"]) == {median}
            assert lines["median_difference"].tolist() == pytest.approx([dearer - cheaper] * 3)


def test_multi_is_averaged_by_benchmark_over_the_target_languages() -> None:
    table = compute_matched_data(summary_of(), SELECTION)
    cheaper = marks(table, "target", "multi", "cheaper")
    got = {(m.measure, m.subset): (pytest.approx(m.value), m.languages) for m in cheaper.itertuples()}
    assert got == {
        ("acceptability", "all"): (0.6, "swe"),
        ("acceptability", "morphology"): (0.3, "isl"),
        ("acceptability", "word_order"): (0.5, "isl"),
        ("parity", "all"): (0.7, "isl+swe"),
        ("facts", "all"): (0.5, "isl+swe"),
    }
    assert set(cheaper["median"]) == {0.5}
    dearer = marks(table, "target", "multi", "dearer")
    assert dearer["value"].tolist() == pytest.approx([0.7, 0.4, 0.7, 0.8, 0.65])
    assert dearer["median_difference"].tolist() == pytest.approx([0.2] * 5)
    assert set(dearer["id"]) == {"2x/multi"}  # its last checkpoint is the model itself


def test_multi_is_averaged_only_over_languages_that_both_models_have() -> None:
    holes = without(summary_of(), id="2x/multi", language="isl", measure="parity")
    table = compute_matched_data(holes, SELECTION)
    parity = table[(table["row"] == "target") & (table["target"] == "multi") & (table["measure"] == "parity")]
    assert dict(zip(parity["role"], parity["value"], strict=True)) == {"cheaper": 0.6, "dearer": 0.7}
    assert set(parity["languages"]) == {"swe"}
    assert parity["paired"].all()


def test_a_score_without_counterpart_is_kept_but_no_part_of_the_median() -> None:
    table = compute_matched_data(without(summary_of(), id="1x/swe", language="swe", measure="acceptability"), SELECTION)
    cheaper, dearer = (marks(table, "target", "swe", role) for role in ("cheaper", "dearer"))
    assert cheaper["value"].isna().tolist() == [True, False, False]
    assert dearer["value"].tolist() == [0.75, 0.72, 0.9]
    assert dearer["paired"].tolist() == [False, True, True]
    assert cheaper["median"].tolist() == pytest.approx([(0.7 + 0.6) / 2] * 3)
    assert dearer["median"].tolist() == pytest.approx([(0.72 + 0.9) / 2] * 3)


def test_an_excluded_match_is_one_line_a_row_without_scores() -> None:
    table = compute_matched_data(summary_of(), SELECTION)
    lines = table[table["excluded"]]
    assert lines["row"].tolist() == ["target", "english"]
    assert set(lines["id"]) == {"2x/isl@250"}
    assert set(lines["relative_difference"]) == {1.3}
    assert lines[["value", "median"]].isna().all(axis=None)
    assert (lines["role"] == "").all()


def test_targets_stand_in_the_order_of_the_study_and_pairs_in_that_of_the_setups() -> None:
    others = [replace(SWE, cheaper="2x", dearer="4x"), replace(SWE, cheaper="1x", dearer="4x")]
    chosen = selection(("swe", "isl"), ("1x", "2x", "4x"), matches=(*others, MULTI, ISL, SWE))
    table = compute_matched_data(summary_of(), chosen)
    assert table[["cheaper", "dearer"]].drop_duplicates().to_numpy().tolist() == [
        ["1x", "2x"],
        ["1x", "4x"],
        ["2x", "4x"],
    ]
    first = table[table["dearer"] == "2x"]
    assert list(dict.fromkeys(first["target"])) == ["swe", "isl", "multi"]


def test_only_selected_setups_and_targets_are_compared() -> None:
    table = compute_matched_data(summary_of(), replace(SELECTION, languages=("swe",)))
    assert set(table["target"]) == {"swe", "multi"}
    assert set(table.loc[table["row"] == "target", "languages"]) == {"swe"}
    assert compute_matched_data(summary_of(), replace(SELECTION, setups=("1x",))).empty


def test_pairs_of_setups_without_any_comparison_are_left_out_and_named_in_the_caption() -> None:
    hopeless = replace(ISL, dearer="4x")
    chosen = selection(("swe", "isl"), ("1x", "2x", "4x"), matches=(SWE, ISL, hopeless))
    assert set(compute_matched_data(summary_of(), chosen)["dearer"]) == {"2x"}
    caption = FIGURES["compute_matched"].text(chosen, Analysis(matching_bound=0.25), study="s")
    assert "Not shown, since every target is excluded for the same reason: 1x vs. 4x." in caption
    assert "costs over 25 % more" in caption
    nothing = FIGURES["compute_matched"].text(replace(chosen, own={}), Analysis(), study="s")
    assert "No two setups are left to be compared." in nothing
    assert "Not shown" not in nothing


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(summary: pd.DataFrame, chosen: Selection = SELECTION):
    return FIGURES["compute_matched"].drawn(compute_matched_data(summary, chosen))


def test_every_score_is_drawn_once_at_its_value_left_and_right() -> None:
    table = compute_matched_data(summary_of(), SELECTION)
    figure = FIGURES["compute_matched"].drawn(table)
    for role in ("cheaper", "dearer"):
        drawn = sorted(line.get_ydata()[0] for line in artists(figure, role))
        assert drawn == sorted(table.loc[table["role"] == role, "value"])
    slots = [round(line.get_xdata()[0] - 0.21) for line in artists(figure, "dearer")]
    assert sorted(set(slots)) == [0, 2]
    assert all(line.get_xdata()[0] % 1 > 0.5 for line in artists(figure, "cheaper"))
    assert all(line.get_xdata()[0] % 1 < 0.5 for line in artists(figure, "dearer"))
    heights = sorted(bar.get_segments()[0][0][1] for bar in artists(figure, "median"))
    assert heights == pytest.approx(
        sorted(table.dropna(subset="median").groupby(["row", "target", "role"])["median"].first())
    )
    assert not artists(figure, "missing")
    assert {"1×", "2×", "median", "excluded: too costly"} <= set(legend(figure))
    assert "no score" not in legend(figure)


def test_differences_in_cost_stand_above_and_on_what_is_excluded() -> None:
    figure = draw(summary_of())
    assert [text.get_text() for text in artists(figure, "difference")] == ["+1.8\u2009%", "−0.4\u2009%"]
    hatched = artists(figure, "excluded")
    assert len(hatched) == 2  # in the target and in English
    assert all(patch.get_hatch() for patch in hatched)
    assert [t.get_text() for axes in figure.axes for t in axes.texts].count("+130\u2009%") == 2


def test_missing_scores_are_crosses_and_their_counterparts_hollow() -> None:
    figure = draw(without(summary_of(), id="1x/swe", language="swe", measure="acceptability"))
    assert len(artists(figure, "missing")) == 1
    hollow = [line for line in artists(figure, "dearer") if line.get_markerfacecolor() == "white"]
    assert [line.get_ydata()[0] for line in hollow] == [0.75]
    assert {"no score", "counterpart missing"} <= set(legend(figure))
    nothing = draw(summary_of().assign(value=np.nan))
    assert len(artists(nothing, "missing")) == 2 * (3 + 3 + 5 + 3)
    assert not artists(nothing, "median")


def test_few_values_are_points_and_many_have_a_box() -> None:
    def study(count: int) -> pd.DataFrame:
        names = [f"acceptability/p{i}" for i in range(count)]
        return summary_of(
            {m: {n: (0.5 + 0.01 * i, None, None) for i, n in enumerate(names)} for m in ("1x/swe", "2x/swe@250")}
        )

    selection = replace(SELECTION, own={"matches": [asdict(SWE)]})
    assert not artists(draw(study(BOX_FROM - 1), selection), "box")
    figure = draw(study(BOX_FROM), selection)
    (left, right) = artists(figure, "box")
    quartiles = np.quantile(0.5 + 0.01 * np.arange(BOX_FROM), [0.25, 0.75])
    for box in (left, right):
        assert sorted(set(np.round(box.get_ydata(), 9))) == pytest.approx(quartiles)
    assert len(artists(figure, "cheaper")) == BOX_FROM


def test_one_language_no_score_and_no_match_are_drawn_for_what_they_are() -> None:
    one = draw(summary_of(), selection(("swe",), ("1x", "2x"), matches=(SWE,)))
    assert [label.get_text() for label in one.axes[-1].get_xticklabels()] == ["swe"]
    for figure in (
        draw(summary_of(), replace(SELECTION, own={})),
        draw(summary_of(), replace(SELECTION, own={"matches": [asdict(ISL)]})),
    ):
        figure.draw_without_rendering()
        assert not figure.legends
        assert [t.get_text() for t in figure.axes[0].texts] == ["no two setups can be compared by compute"]


@pytest.mark.parametrize(("language", "crosses"), [("eng", 4), ("none", 8)])
def test_a_target_without_any_benchmark_keeps_its_place_and_is_missing(language: str, crosses: int) -> None:
    known = summary_of()
    figure = draw(known[known["language"] == language])
    figure.draw_without_rendering()
    assert len(artists(figure, "missing")) == crosses  # two targets, two models, one row of panels or both
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["swe", "isl", "multi"]
    for axes in figure.axes:
        assert (axes.get_xlim(), len(axes.get_xticks())) == ((-0.5, 2.5), 3)


@pytest.mark.slow
@pytest.mark.parametrize("languages", [("swe", "isl", "fao", "ekk", "fas"), tuple("abcdefghij")])
def test_six_pairs_of_setups_are_legible_at_text_width(languages: tuple[str, ...]) -> None:
    setups = ("1x", "1x_cloned", "2x", "scratch")
    matches = tuple(
        Match(target, cheaper, dearer, 900, 250, -0.021, excluded=target == languages[1], final=False)
        for cheaper, dearer in combinations(setups, 2)
        for target in (*languages, "multi")
    )
    cells = [
        (identifier, "model", "", "", "", 1, None, measure, language, "all", 0.5 + 0.01 * index, 0, 0, 10, 0, 0.5)
        for identifier in sorted({i for m in matches for i in (m.cheaper_id, m.matched_id)})
        for index, measure in enumerate(("acceptability", "parity", "facts"))
        for language in (*languages, "eng")
    ]
    summary = pd.DataFrame(cells, columns=list(SUMMARY_COLUMNS))
    figure = draw(summary, selection(languages, setups, matches=matches))
    figure.draw_without_rendering()
    labels = [*artists(figure, "difference"), *(axes.title for axes in figure.axes)]
    labels += [t for axes in figure.axes if axes.axison for t in axes.get_xticklabels() if t.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in labels if text.get_text()]
    assert len(boxes) > 6 * (1 + 2 * len(languages))
    for index, (label, box) in enumerate(boxes):
        assert figure.bbox.contains(box.x0, box.y0), label
        assert figure.bbox.contains(box.x1, box.y1), label
        assert not [other for other, its_box in boxes[index + 1 :] if box.overlaps(its_box)], label


def test_colours_belong_to_setups_and_markers_to_measures() -> None:
    figure = draw(summary_of())
    looks = {(line.get_gid().split()[0], line.get_markerfacecolor()) for line in artists(figure, "cheaper")}
    assert looks == {("cheaper", "#0072B2")}
    shapes = {line.get_gid().split()[1]: line.get_marker() for line in artists(figure, "dearer")}
    assert len(set(shapes.values())) == 3


def test_translation_is_left_out_as_its_scores_run_to_100() -> None:
    translated = {model: of | {"translation": (9.0, 8.0, 7.0)} for model, of in SCORES.items()}
    with_it, without_it = (compute_matched_data(summary_of(scores), SELECTION) for scores in (translated, SCORES))
    pd.testing.assert_frame_equal(with_it, without_it)
