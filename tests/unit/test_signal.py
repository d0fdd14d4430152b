"""What a benchmark can tell: floors, spread over noise, and the order of checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from growmerge import ids
from growmerge.config import load_files
from growmerge.figures.common.blind import no_signal
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.matching import match_compute
from growmerge.study.shown import Shown
from growmerge.tables.signal import (
    AT_FLOOR,
    CHECKPOINTS,
    COLUMNS,
    NO_MODELS,
    NO_NOISE,
    NO_ORDER,
    NOISY,
    NOISY_SEEDS,
    SEEDS,
    needed_ratio,
    noise_between_seeds,
    noise_of,
    order_of,
)
from growmerge.tables.signal import signal as table_of

CONFIG = Path(__file__).parents[2] / "config"
STEPS = (100, 120, 140, 160, 180, 200)
# Around the line 0.5 + step / 1000: four of six are off by .01, so the noise is .02 / sqrt(4).
AROUND = (0.01, -0.01, 0.0, 0.0, -0.01, 0.01)
TRAININGS = {"1x/multi": {**{f"1x/multi@{step}": step for step in STEPS[:-1]}, "1x/multi": STEPS[-1]}}


def rows(values, *, measure="parity", language="swe", chance=np.nan, reach=0.02):
    """Rows of a summary: {id: value}; experts of one language, `multi`, checkpoints of it, and floors."""
    found = []
    for name, value in values.items():
        plain, _, step = name.partition("@")
        kind = "checkpoint" if step else {"init": "base", "unigram": "floor"}.get(name, "model")
        target = plain.partition("/")[2]
        about = {"id": name, "kind": kind, "target": target, "step": int(step) if step else pd.NA, "subset": "all"}
        ends = {"value": value, "low": value - reach, "high": value + reach, "n": 50, "chance": chance}
        found.append({"measure": measure, "language": language, **about, **ends})
    return pd.DataFrame(found).astype({"step": "Int64"})


def of_training(start=0.5, slope=0.001, around=AROUND, better=1):
    return {name: start + better * slope * step + off
            for (name, step), off in zip(TRAININGS["1x/multi"].items(), around, strict=True)}  # fmt: skip


def told(summary, *, late=tuple(TRAININGS["1x/multi"]), **changed):
    (row,) = table_of(summary, TRAININGS, late, untrained=["init"], english="eng", **changed).to_dict("records")
    return row


def test_noise_is_the_spread_around_a_straight_line():
    values = list(of_training().values())
    noise, degrees = noise_of(STEPS, values)
    x = np.array([STEPS, np.ones(6)]).T
    residual = np.linalg.lstsq(x, np.array(values), rcond=None)[1][0]  # the sum of squares, by another way
    assert (noise, degrees) == (pytest.approx((residual / 4) ** 0.5), 4)
    assert noise_of(STEPS, [value + step for value, step in zip(values, STEPS, strict=True)])[0] == pytest.approx(noise)
    assert np.isnan(noise_of(STEPS[:3], values[:3])[0])


def test_the_needed_ratio_holds_back_95_percent_of_equal_models():
    rng = np.random.default_rng(1)
    models, degrees = 8, 4
    scores = rng.standard_normal((20_000, models))
    noise = np.sqrt(rng.chisquare(degrees, 20_000) / degrees)
    assert (np.ptp(scores, axis=1) / noise > needed_ratio(models, degrees)).mean() == pytest.approx(0.05, abs=0.006)


def test_order_is_that_of_progress():
    assert order_of(STEPS, [1, 2, 3, 4, 5, 6], 1) == 1
    assert order_of(STEPS, [6, 5, 4, 3, 2, 1], -1) == pytest.approx(1), "bits per byte fall"
    assert order_of(STEPS, [1, 2, 3, 4, 5, 6], -1) == pytest.approx(-1)
    assert order_of(STEPS, [1] * 6, 1) == 0, "no progress"
    assert np.isnan(order_of(STEPS[:3], [1, 2, 3], 1))


def test_a_benchmark_that_tells_is_above_the_floor_spread_and_in_order():
    row = told(rows({"init": 0.3, "unigram": 0.4, "1x/swe": 0.75, "2x/swe": 0.95, "2x/isl": 0.1, **of_training()}))
    assert row["tells"] and row["why"] == ""
    assert (row["floor"], row["of_floor"], row["above"]) == (0.4, "unigram", 1.0)
    assert row["models"] == 3, "of this language, with multi; the Icelandic model has not learned it"
    multi = 0.5 + 0.2 + 0.01
    assert (row["lowest"], row["highest"]) == (multi, 0.95)
    assert row["ratio"] == pytest.approx((0.95 - multi) / row["noise"]) and row["ratio"] > row["needed"]
    assert row["needed"] == needed_ratio(3, 4)
    assert row["order"] > 0.5 and row["trainings"] == 1


def test_lower_is_better_for_bits_per_byte():
    falling = of_training(start=3.0, better=-1)
    summary = rows({"init": 4.0, "unigram": 3.5, "1x/swe": 2.0, "2x/swe": 2.5, **falling}, measure="bits_per_byte")
    row = told(summary)
    assert (row["floor"], row["of_floor"], row["tells"]) == (3.5, "unigram", True)
    summary.loc[summary["id"] == "unigram", "value"] = 2.3
    assert told(summary)["above"] == pytest.approx(1 / 3), "only the first model is better than the floor"


@pytest.mark.parametrize(
    ("values", "chance", "why"),
    [
        ({"1x/swe": 0.51, "2x/swe": 0.9, **of_training(start=0.3)}, 0.5, AT_FLOOR),
        ({"1x/swe": 0.71, "2x/swe": 0.72, **of_training()}, 0.5, NOISY),
        ({"1x/swe": 0.5, "2x/swe": 0.95, **of_training(slope=-0.001, start=0.9)}, 0.25, NO_ORDER),
        ({"1x/swe": 0.6, "2x/swe": 0.95}, 0.25, NO_NOISE),
        ({"1x/swe": 0.9}, 0.25, NO_MODELS),
    ],
)
def test_what_speaks_against_a_benchmark_is_named(values, chance, why):
    row = told(rows(values, measure="acceptability", chance=chance))
    assert not row["tells"] and row["why"] == why


def test_in_english_models_of_all_targets_count():
    forgetting = of_training(start=0.9, slope=-0.001)
    row = told(rows({"init": 0.2, "1x/swe": 0.7, "2x/isl": 0.99, **forgetting}, language="eng"))
    assert row["models"] == 3 and row["of_floor"] == "init"
    assert row["tells"] and np.isnan(row["order"]), "English may be forgotten"


def test_benchmarks_of_a_measure_have_rows_of_their_own_and_phenomena_have_none():
    values = {"init": 0.3, "1x/swe": 0.75, "2x/swe": 0.95, **of_training()}
    parts = [rows(values).assign(subset=subset) for subset in ("all", "flores", "word_order")]
    table = table_of(pd.concat(parts), TRAININGS, [], untrained=["init"], english="eng", benchmarks=["flores", "x"])
    assert table["benchmark"].tolist() == ["", "flores"]


def test_the_caption_names_what_cannot_tell(tmp_path):
    cells = [
        ("parity", "", "swe", True, ""),
        ("parity", "", "isl", False, NOISY),
        ("facts", "", "swe", False, AT_FLOOR),
    ]
    cells += [("facts", "", "isl", False, AT_FLOOR), ("facts", "mkqa", "isl", False, NO_ORDER)]
    table = pd.DataFrame(cells, columns=["measure", "benchmark", "language", "tells", "why"])
    table.to_parquet(tmp_path / "signal.parquet")
    assert no_signal(tmp_path / "signal.parquet") == (
        "By the table signal, these cannot tell models apart: Information parity (isl: models differ no more than late "
        "checkpoints), Factual knowledge (swe and isl: at the floor)."
    )
    table[table["tells"]].to_parquet(tmp_path / "signal.parquet")
    assert "every measure can tell" in no_signal(tmp_path / "signal.parquet")


# --- several seeds ----------------------------------------------------------------------------------------------------

BY_SEED = {name: {42: name, 43: ids.replicate(name, 43), 44: ids.replicate(name, 44)} for name in ("1x/swe", "2x/swe")}
BY_SEED["1x/multi"] = {42: "1x/multi", 43: "1x#43/multi"}


def of_seeds(values):
    """Rows of a summary of models with these scores by seed: {id: values}; what has one value is made once."""
    parts = []
    for name, scores in values.items():
        parts.append(rows({name: float(np.mean(scores))}).assign(seed="all", seeds=len(scores)))
        by_seed = list(BY_SEED.get(name, {}).items())[: len(scores)]
        parts += [
            rows({one: x}).assign(seed=str(seed), seeds=1) for (seed, one), x in zip(by_seed, scores, strict=False)
        ]
    return pd.concat(parts, ignore_index=True)


def test_noise_between_seeds_is_that_of_a_mean_pooled_over_models():
    first, second = [0.70, 0.72, 0.77], [0.5, 0.6, 0.7]
    noise, degrees = noise_between_seeds([first, second])
    assert degrees == 4
    assert noise == pytest.approx(((np.var(first, ddof=1) + np.var(second, ddof=1)) / 2 / 3) ** 0.5)
    alone, two = noise_between_seeds([second, [0.9]]), noise_between_seeds([[0.5, 0.7]])
    assert alone == (pytest.approx((0.01 * (1 / 3 + 1) / 2) ** 0.5), 2), "a model that is made once says nothing of it"
    assert two == (pytest.approx((0.02 / 2) ** 0.5), 1)
    assert np.isnan(noise_between_seeds([[0.5], [0.7]])[0]) and noise_between_seeds([])[1] == 0


def test_the_range_of_means_over_seeds_exceeds_the_needed_ratio_in_5_percent_of_equal_models():
    rng = np.random.default_rng(2)
    exceeded = []
    for scores in rng.standard_normal((4000, 6, 3)):  # six models, three seeds
        noise, degrees = noise_between_seeds(list(scores))
        exceeded.append(np.ptp(scores.mean(axis=1)) / noise > needed_ratio(6, degrees))
    assert np.mean(exceeded) == pytest.approx(0.05, abs=0.011)


def test_with_seeds_the_noise_is_between_them_and_models_are_their_means():
    scores = {"init": [0.3], "1x/swe": [0.80, 0.82, 0.90], "2x/swe": [0.6, 0.7, 0.8]}
    calm = {name: [value] for name, value in of_training(around=(0,) * 6).items()} | {"1x/multi": [0.7, 0.9]}
    row = told(of_seeds(scores | calm), replicates=BY_SEED)
    assert (row["lowest"], row["highest"]) == (pytest.approx(0.7), pytest.approx(0.84))
    noise, degrees = noise_between_seeds([scores["1x/swe"], scores["2x/swe"], [0.7, 0.9]])
    assert (row["noise"], row["degrees"], row["of_noise"]) == (pytest.approx(noise), degrees, SEEDS)
    assert degrees == 5 and row["needed"] == needed_ratio(3, 5)
    assert row["why"] == NOISY_SEEDS, "late checkpoints of one training are on a line here, but seeds are apart"
    assert row["order"] == pytest.approx(1), "the last moment is that of the first seed, not the mean, which is 0.8"
    moved = of_seeds(scores | calm | {"1x/multi": [0.55, 0.9]})
    assert told(moved, replicates=BY_SEED)["order"] < 1


def test_where_only_one_seed_has_scores_the_noise_is_that_of_late_checkpoints():
    scores = {"init": 0.3, "1x/swe": 0.75, "2x/swe": 0.95, **of_training()}
    one = told(rows(scores))
    found = told(of_seeds({name: [value] for name, value in scores.items()}), replicates=BY_SEED)
    assert found.pop("of_noise") == CHECKPOINTS
    assert found == one and tuple(one) == COLUMNS
    unknown = told(of_seeds({"1x/swe": [0.6], "2x/swe": [0.95]}), replicates=BY_SEED)
    assert unknown["of_noise"] == "" and NO_NOISE in unknown["why"]


def shown(*overlays: str) -> Shown:
    grid = Grid(load_files(CONFIG / "config.yaml", *(CONFIG / name for name in overlays)))
    costs = Costs(grid, stated_counts(grid.study))
    return Shown(costs, match_compute(costs, grid.study.analysis.matching_bound))


def test_late_checkpoints_are_the_last_of_one_training():
    chosen = shown("miniature.yaml")
    steps = chosen.costs.steps("1x/multi")
    assert [model.id for model in chosen.late] == [f"1x/multi@{step}" for step in range(16, steps, 16)[-5:]]
    moments = chosen.moments["1x/multi"]
    assert list(moments.values()) == sorted(moments.values()) and moments["1x/multi"] == steps
    assert {model.id for model in chosen.late} <= moments.keys() <= {model.id for model in chosen.judged}
    assert {model.id for model in chosen.late} <= chosen.checkpoints.keys()


def test_without_a_training_here_the_noise_is_not_known():
    assert shown("published.yaml").late == []
