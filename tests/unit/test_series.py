"""The figure of nested series of merges, on scores worked out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_scores import artists, clashes, legend, selection, summary_of, without

from growmerge.config import load_files
from growmerge.figures import FIGURES
from growmerge.figures.series import series_data, series_finding

draw_series = FIGURES["series"].drawn

CONFIG = Path(__file__).parents[2] / "config"
ORDER = ("swe", "fas", "isl")
SELECTION = selection(("isl", "swe", "fas"), ("scratch",), ("linear",))

# By model, the scores in Swedish, Persian and Icelandic.
GRAMMAR = {
    "scratch/swe": (0.9, 0.5, 0.6),
    "scratch/fas": (0.4, 0.8, 0.5),
    "scratch/isl": (0.6, 0.5, 0.7),
    "scratch/fas+swe/linear": (0.6, 0.55, 0.5),
    "scratch/fas+isl+swe/linear": (0.52, 0.54, 0.56),
    "scratch/isl+swe/linear": (0.65, 0.45, 0.58),
    "scratch/fas+isl+swe@20/linear": (0.99, 0.99, 0.99),
    "scratch/swe@20": (0.99, 0.99, 0.99),
}
SUMMARY = summary_of(
    {
        model: {"grammar": dict(zip(ORDER, values, strict=True)), "reading": {"swe": 0.4, "isl": 0.5}}
        for model, values in GRAMMAR.items()
    }
)


def data(summary=SUMMARY, chosen=SELECTION, orders=(ORDER,), **own):
    return series_data(summary, replace(chosen, own={"orders": orders} | own))


def line(table, language, measure="grammar", part="series"):
    chosen = (table["language"] == language) & (table["measure"] == measure) & (table["part"] == part)
    return table[chosen]


def test_each_size_is_the_merge_of_the_first_languages() -> None:
    swedish = line(data(), "swe")
    assert swedish["id"].tolist() == ["scratch/swe", "scratch/fas+swe/linear", "scratch/fas+isl+swe/linear"]
    assert swedish["value"].tolist() == [0.9, 0.6, 0.52]
    assert swedish["added"].tolist() == list(ORDER)
    icelandic = line(data(), "isl")
    assert icelandic["value"].tolist() == [0.6, 0.5, 0.56]
    assert icelandic["member"].tolist() == [False, False, True]
    assert line(data(), "isl", part="expert")["value"].tolist() == [0.7]


def test_another_order_asks_for_other_merges() -> None:
    table = data(orders=(ORDER, ("isl", "swe", "fas")))
    second = table[table["order"] == "isl+swe+fas"]
    assert line(second, "swe")["value"].tolist() == [0.6, 0.65, 0.52]
    assert line(second, "swe")["member"].tolist() == [False, True, True]


def test_the_mean_runs_over_all_languages_at_every_size() -> None:
    mean = line(data(), "mean")
    assert mean["value"].tolist() == pytest.approx([2.0 / 3, 1.65 / 3, 1.62 / 3])
    assert (mean["value"] - mean["low"]).tolist() == pytest.approx([np.sqrt(3) * 0.04 / 3] * 3)
    assert set(mean["averaged"]) == {"swe+fas+isl"}
    assert line(data(), "mean", part="expert")["value"].item() == pytest.approx(0.8)  # 0.9, 0.8, 0.7
    assert set(line(data(), "mean", "reading")["averaged"]) == {"swe+isl"}  # reading has no Persian
    holes = data(without(SUMMARY, id="scratch/fas+swe/linear", language="isl", measure="grammar"))
    assert line(holes, "mean")["value"].isna().tolist() == [False, True, False]


def test_merges_that_nobody_made_are_holes() -> None:
    table = data(chosen=selection(ORDER, ("scratch",), ("ties",)))
    assert line(table, "swe")["value"].isna().tolist() == [False, True, True]


def test_the_finding_gives_the_smallest_and_the_largest_merge() -> None:
    text = series_finding(data())
    assert "grammar: scratch, linear 0.55 (0.53 to 0.57) of 2, 0.54 (0.52 to 0.56) of 3, experts 0.80." in text
    two = series_finding(data(orders=(ORDER, ("isl", "swe", "fas"))))
    assert "scratch, linear, order 2 0.56" in two  # (0.65 + 0.45 + 0.58) / 3
    assert series_finding(data(chosen=selection(ORDER, ("scratch",), ("ties",)))) == ""


def test_a_line_is_pale_until_its_language_is_merged() -> None:
    figure = draw_series(data())
    panel = figure.axes[0]
    before = {artist.get_color(): np.isfinite(artist.get_ydata()).tolist() for artist in artists(panel, "before")}
    member = {artist.get_color(): np.isfinite(artist.get_ydata()).tolist() for artist in artists(panel, "member")}
    # In the order of the series; the pale line reaches the point at which the full one begins.
    assert list(before.values()) == [[True, False, False], [True, True, False], [True, True, True]]
    assert list(member.values()) == [[True, True, True], [False, True, True], [False, False, True]]
    assert len(artists(panel, "expert")) == 3
    (mean,) = artists(panel, "mean")
    assert mean.get_ydata().tolist() == pytest.approx([2.0 / 3, 1.65 / 3, 1.62 / 3])
    assert "no score" not in legend(figure)


def test_holes_are_crossed() -> None:
    holes = draw_series(data(without(SUMMARY, id="scratch/fas+swe/linear", language="isl", measure="grammar")))
    assert len(artists(holes, "missing")) == 2  # the language and the mean
    assert "no score" in legend(holes)


def test_languages_that_merges_are_not_scored_in_are_left_out_and_counted() -> None:
    own = SUMMARY[[row.language in row.target.split("@")[0].split("+") for row in SUMMARY.itertuples()]]
    table = data(own, members_only=True)
    assert line(table, "fas")["value"].tolist() == [0.55, 0.54]
    assert line(table, "fas")["size"].tolist() == [2, 3]
    assert line(table, "mean")["size"].tolist() == [3], "where all are merged: over fewer it would not compare"
    assert line(table, "mean")["value"].tolist() == pytest.approx([1.62 / 3])
    # grammar: of 9 scores those of fas and isl at the size 1, of isl at 2; reading: of 6, isl at 1 and 2.
    left_out = "Left out: 5 of 15 scores, in languages that are not merged yet (`scoring.languages: own`)"
    assert left_out in series_finding(table)
    assert "scratch, linear 0.54 (0.52 to 0.56) of 3, experts 0.80." in series_finding(table)
    assert "Left out" not in series_finding(data())

    figure = draw_series(table)
    before = [artist.get_ydata().tolist() for artist in artists(figure.axes[0], "before")]
    assert [len([value for value in values if np.isfinite(value)]) for values in before] == [1, 1, 1], "no pale line"
    assert artists(figure, "missing") == []
    assert {"no score", "not merged yet"}.isdisjoint(legend(figure))
    assert "not merged yet" in legend(draw_series(data()))
    holes = draw_series(data(without(own, id="scratch/fas+swe/linear", language="swe"), members_only=True))
    assert len(artists(holes.axes[0], "missing")) == 1


def test_the_caption_says_which_languages_have_lines() -> None:
    caption = FIGURES["series"].caption
    analysis = load_files(CONFIG / "config.yaml").analysis
    assert "pale and hollow until its expert is merged" in caption(SELECTION, analysis)
    own = caption(replace(SELECTION, own={"members_only": True}), analysis)
    assert "from its first merge on" in own
    assert "mean over all languages of the panel, where all of them are merged" in own


def test_setups_methods_and_orders_have_panels_of_their_own() -> None:
    chosen = selection(ORDER, ("scratch", "2x"), ("linear", "ties"))
    figure = draw_series(data(chosen=chosen, orders=(ORDER, ("isl", "swe", "fas"))))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == 8
    assert titles[:2] == ["scratch, order 1\nLinear", "scratch, order 2\nLinear"]
    assert len([axes for axes in figure.axes if artists(axes, "mean")]) == 2 * 8


@pytest.mark.parametrize("languages", [4, 10])
def test_labels_do_not_overlap(languages: int) -> None:
    codes = tuple(f"l{chr(97 + index)}n" for index in range(languages))
    ids = [f"{s}/{x}" for s in ("1x_cloned", "scratch") for x in codes]
    ids += [f"{s}/{'+'.join(codes[:k])}/linear" for s in ("1x_cloned", "scratch") for k in range(2, languages + 1)]
    scores = {
        i: {m: dict.fromkeys(codes, 0.5 + 0.01 * n) for m in ("acceptability", "parity")} for n, i in enumerate(ids)
    }
    figure = draw_series(data(summary_of(scores), selection(codes, ("1x_cloned", "scratch"), ("linear",)), (codes,)))
    assert not clashes(figure)


def test_nothing_to_show_is_said() -> None:
    figure = draw_series(data(orders=()))
    assert "was scored" in figure.axes[0].texts[0].get_text()
