"""The figure of scores over training: mixed against merged, on scores worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_scores import artists, clashes, legend, selection, summary_of, without

from growmerge.figures import FIGURES
from growmerge.figures.over_training import over_training_data, over_training_finding

draw_over_training = FIGURES["over_training"].drawn

SELECTION = selection(("swe", "isl"), ("scratch",), ("linear",))
STEPS = {"scratch/multi": 50, "scratch/swe": 60, "scratch/isl": 50}
TOKENS = 1000  # a step

# By model, the scores in Swedish and Icelandic.
GRAMMAR = {
    "scratch/multi@20": (0.60, 0.58),
    "scratch/multi@40": (0.80, 0.70),
    "scratch/multi": (0.90, 0.80),
    "scratch/isl+swe@20/linear": (0.52, 0.50),
    "scratch/isl+swe@40/linear": (0.54, 0.50),
    "scratch/isl+swe/linear": (0.70, 0.60),
    "scratch/isl+swe/ties": (0.99, 0.99),  # another method
    "scratch/swe@40": (0.99, 0.99),  # matched by compute: no model of all languages
    "scratch/swe": (0.99, 0.99),
}
SUMMARY = summary_of(
    {
        model: {"grammar": {"swe": swe, "isl": isl, "eng": 0.1}, "parity": {"swe": swe - 0.1, "isl": isl - 0.1}}
        for model, (swe, isl) in GRAMMAR.items()
    }
)


def data(summary=SUMMARY, chosen=SELECTION, steps=STEPS):
    return over_training_data(summary, replace(chosen, own={"steps": steps, "tokens_per_step": TOKENS}))


def line(table, method, language, measure="grammar"):
    chosen = (table["method"] == method) & (table["language"] == language) & (table["measure"] == measure)
    return table[chosen]


def test_checkpoints_stand_at_the_tokens_that_each_model_has_seen() -> None:
    mixed, merged = (line(data(), method, "swe") for method in ("", "linear"))
    assert mixed["tokens"].tolist() == [20_000, 40_000, 50_000]
    assert mixed["value"].tolist() == [0.60, 0.80, 0.90]
    # Swedish ends after 60 steps, Icelandic after 50: the merge of the finished ones stands at the mean.
    assert merged["tokens"].tolist() == [20_000, 40_000, 55_000]
    assert merged["id"].tolist()[::2] == ["scratch/isl+swe@20/linear", "scratch/isl+swe/linear"]
    assert merged["step"].isna().tolist() == [False, False, True]


def test_the_mean_runs_over_the_same_languages_at_every_step() -> None:
    mean = line(data(), "", "mean")
    assert mean["value"].tolist() == pytest.approx([0.59, 0.75, 0.85])
    assert (mean["high"] - mean["value"]).tolist() == pytest.approx([np.sqrt(2) * 0.04 / 2] * 3)
    assert set(mean["averaged"]) == {"swe+isl"}
    hole = data(without(SUMMARY, id="scratch/multi@40", language="isl"))
    assert line(hole, "", "mean")["value"].isna().tolist() == [False, True, False]
    assert line(hole, "", "swe")["value"].notna().all()


def test_other_models_methods_and_languages_are_left_out() -> None:
    table = data()
    assert set(table["id"]) == {
        i for i in GRAMMAR if i not in ("scratch/isl+swe/ties", "scratch/swe@40", "scratch/swe")
    }
    assert set(table["language"]) == {"mean", "swe", "isl"}


def test_finished_models_of_unknown_length_are_kept_but_not_drawn() -> None:
    table = data(steps={"scratch/multi": 50, "scratch/swe": 60})
    assert line(table, "linear", "mean")["tokens"].isna().tolist() == [False, False, True]
    assert line(table, "linear", "mean")["value"].tolist()[-1] == pytest.approx(0.65)
    (drawn,) = artists(draw_over_training(line(table, "linear", "swe")), "merged")
    assert len(drawn.get_xdata()) == 2
    assert over_training_finding(table).endswith(
        "Not drawn, since the length of training is not known: scratch/isl+swe/linear."
    )


def test_the_finding_counts_steps_by_hand() -> None:
    # Means and half-widths of 0.028: mixed 0.59, 0.75, 0.85 against merged 0.51, 0.52, 0.65, chance 0.5.
    text = over_training_finding(data())
    assert text.startswith("Means over languages. ")
    assert (
        "grammar, scratch: mixed ends at 0.85 (0.82 to 0.88); linear at 0.65 (0.62 to 0.68), worse with intervals "
        "apart at 3 of 3 steps, with chance (0.50) in its own at 2 of 3." in text
    )
    assert "chance" not in text.split("grammar")[0]  # information parity has no level of guessing
    assert over_training_finding(data().iloc[:0]) == ""


def test_the_finding_counts_more_bits_as_worse() -> None:
    bits = data().replace({"measure": {"grammar": "bits_per_byte"}})
    # As scores, the merges are lower at all three steps; of bits per byte, fewer are better.
    assert "worse with intervals apart at 0 of 3 steps" in over_training_finding(
        bits[bits["measure"] == "bits_per_byte"]
    )
    values = ["value", "low", "high"]
    turned = bits.assign(
        **{name: 3 - bits[other] for name, other in zip(values, ["value", "high", "low"], strict=True)}
    )
    assert "worse with intervals apart at 3 of 3 steps" in over_training_finding(
        turned[turned["measure"] == "bits_per_byte"]
    )


def test_too_few_items_for_an_interval_are_said_and_nothing_is_counted() -> None:
    table = data(SUMMARY.assign(low=np.nan, high=np.nan))
    text = over_training_finding(table)
    assert "grammar, scratch: mixed ends at 0.85 (n too small); linear at 0.65 (n too small)." in text
    assert "intervals" not in text
    assert "no interval: n too small" in legend(draw_over_training(table))
    assert "no interval: n too small" not in legend(draw_over_training(data()))


def test_every_mark_is_drawn_and_holes_are_crossed() -> None:
    figure = draw_over_training(data())
    assert len(artists(figure, "mixed")) == len(artists(figure, "merged")) == 2 * 3  # measures x (mean, two languages)
    assert len(artists(figure, "chance")) == 3
    assert not artists(figure, "missing")
    holes = draw_over_training(data(without(SUMMARY, id="scratch/multi@40", language="isl")))
    assert len(artists(holes, "missing")) == 2 * 2
    assert "no score" in legend(holes)


def test_where_no_checkpoint_lies_between_two_marks_the_line_is_another() -> None:
    assert not artists(draw_over_training(data()), "unseen")
    assert "no checkpoint between" not in legend(draw_over_training(data()))
    far = draw_over_training(data(steps=STEPS | {"scratch/multi": 100}))  # 40 to 100 steps: 60 %
    panel = far.axes[0]
    (drawn,) = artists(panel, "unseen")
    assert drawn.get_xdata().tolist() == [40, 100]  # thousands of tokens
    assert [part.get_xdata().tolist() for part in artists(panel, "mixed")] == [[20, 40], [100]]
    assert drawn.get_linestyle() != artists(panel, "mixed")[0].get_linestyle()
    assert len(artists(panel, "merged")) == 1
    assert "no checkpoint between" in legend(far)


def test_several_setups_have_colours_and_methods_dashes() -> None:
    both = summary_of(
        {
            f"{setup}/{target}": {"grammar": {"swe": 0.6, "isl": 0.7}}
            for setup in ("scratch", "2x")
            for target in ("multi", "multi@20", "isl+swe/linear", "isl+swe@20/linear", "isl+swe/ties")
        }
    )
    chosen = selection(("swe", "isl"), ("scratch", "2x"), ("linear", "ties"))
    steps = {f"{setup}/{target}": 40 for setup in chosen.setups for target in ("swe", "isl", "multi")}
    figure = draw_over_training(data(both, chosen, steps))
    merged = artists(figure.axes[0], "merged")
    assert len({artist.get_color() for artist in merged}) == 2
    assert legend(figure) == ["scratch", "2×", "mixed (multi)", "merged: Linear", "merged: TIES", "chance"]
    one = draw_over_training(data(both, selection(("swe", "isl"), ("2x",), ("linear", "ties")), steps))
    assert len({artist.get_color() for artist in artists(one.axes[0], "merged")}) == 2
    assert legend(one)[0] == "mixed (multi)"


@pytest.mark.parametrize("languages", [4, 10])
def test_labels_do_not_overlap(languages: int) -> None:
    codes = tuple(f"l{chr(97 + index)}n" for index in range(languages))
    merge = "+".join(codes)
    ids = [f"scratch/{x}" for step in range(5, 50, 5) for x in (f"multi@{step}", f"{merge}@{step}/linear")]
    measures = ("acceptability", "parity")
    scores = {i: {m: {x: 0.5 + 0.01 * n for x in codes} for m in measures} for n, i in enumerate(ids)}
    figure = draw_over_training(data(summary_of(scores), selection(codes, ("scratch",), ("linear",)), {}))
    assert not clashes(figure)


def test_nothing_to_show_is_said() -> None:
    figure = draw_over_training(data(SUMMARY[SUMMARY["target"] == "swe"]))
    assert "was scored" in figure.axes[0].texts[0].get_text()
