"""Which models are held against which, and their differences on the same items."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from growmerge.artifacts import verify, write_manifest
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.tables.contrasts import COLUMNS, Contrast, compare, contrasts, write_contrasts

CONFIG = Path(__file__).parents[2] / "config"
MINIATURE = validate(merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml")))
MODELS = [model for model in Grid(MINIATURE) if "rounds" not in model.setup]
MEASURED = {"pairs": ("acceptability", "sum"), "questions": ("qa", "character"), "parity": ("parity", "sum")}
ITEMS = [f"item-{n:02}" for n in range(24)]


def cell(benchmark, language, logprobs, characters=None, items=ITEMS):
    """Rows of a benchmark: an item's candidates have these log-probabilities, 10 characters if nothing is said."""
    return pd.DataFrame(
        {
            "benchmark": benchmark, "language": language, "item": item, "subset": "a/b", "candidate": candidate,
            "logprob": logprob, "tokens": 1, "characters": characters[candidate] if characters else 10, "bytes": 10,
        }
        for item, candidates in zip(items, logprobs, strict=False)
        for candidate, logprob in enumerate(candidates)
    )  # fmt: skip


def right(*answers):
    """Candidates of items that are answered right (1) or wrong (0)."""
    return [(-1.0, -2.0) if answer else (-2.0, -1.0) for answer in answers]


def table(scores, wanted, reference=None, measured=MEASURED):
    nothing = pd.DataFrame(columns=["benchmark", "language", "item", "logprob"])
    return compare(scores, wanted, nothing if reference is None else reference, 200, 1, measured)


def test_models_are_held_against_what_they_are_to_be_better_than():
    found = contrasts(MODELS, "linear", "eng", [("2x/swe", "1x/swe")])
    of = {kind: [c for c in found if c.kind == kind] for kind in ("method", "expert", "mixed", "setup", "compute")}
    assert sum(map(len, of.values())) == len(found)
    assert {c.first for c in of["method"]} == {m.id for m in MODELS if m.kind == "merge" and m.method != "linear"}
    assert Contrast("method", "2x/isl+swe/ties", "2x/isl+swe/linear", ("isl", "swe", "eng")) in of["method"]
    assert Contrast("expert", "2x/isl+swe/ties", "2x/isl", ("isl",)) in of["expert"]
    assert Contrast("expert", "2x/isl+swe/ties", "2x/swe", ("swe",)) in of["expert"]
    everything = "+".join(sorted(MINIATURE.language_codes))
    assert {(c.first, c.second) for c in of["mixed"]} >= {(f"2x/{everything}/linear", "2x/multi")}
    assert {c.first.split("/")[1] for c in of["mixed"]} == {everything}
    setups = [setup.name for setup in MINIATURE.setups]
    assert Contrast("setup", "2x/swe", "1x/swe", ("swe", "eng")) in of["setup"]
    assert all(setups.index(c.first.split("/")[0]) > setups.index(c.second.split("/")[0]) for c in of["setup"])
    assert of["compute"] == [Contrast("compute", "2x/swe", "1x/swe", ("swe", "eng"))]


def test_a_difference_is_over_the_items_of_a_cell_and_tested_as_pairs():
    first = cell("pairs", "swe", right(*[1, 1, 1, 1, 1, 0, 0, 1] * 3))
    second = cell("pairs", "swe", right(*[1, 0, 0, 0, 0, 0, 1, 1] * 3)).iloc[::-1]  # in another order
    found = table({"a": first, "b": second}, [Contrast("method", "a", "b", ("swe",))])
    assert list(found.columns) == list(COLUMNS)
    (row,) = found.to_dict("records")
    assert (row["measure"], row["benchmark"], row["language"]) == ("acceptability", "pairs", "swe")
    assert (row["difference"], row["better"], row["worse"], row["n"]) == (3 / 8, 12, 3, 24)
    assert row["p"] == row["p_holm"] == pytest.approx(stats.binomtest(3, 15).pvalue)
    # Bonett and Price: 13 and 4 of 26, so 9/26 and its error sqrt((17 - 81 / 26) / 26) / sqrt(26).
    reach = 1.959964 * np.sqrt((17 - 81 / 26) / 26 / 26)
    assert (row["low"], row["high"]) == pytest.approx((9 / 26 - reach, 9 / 26 + reach))


def test_over_few_items_a_difference_has_a_p_value_but_no_interval():
    scores = {"a": cell("pairs", "swe", right(*[1] * 19)), "b": cell("pairs", "swe", right(*[0] * 19))}
    (row,) = table(scores, [Contrast("method", "a", "b", ("swe",))]).to_dict("records")
    assert (row["difference"], row["p"]) == (1.0, pytest.approx(2 / 2**19))
    assert np.isnan([row["low"], row["high"]]).all()


def test_answers_are_normalised_as_the_benchmark_asks():
    long_right = [(-10.0, -6.0)] * 2
    scores = {
        "a": cell("questions", "swe", long_right, characters=(20, 3)),
        "b": cell("questions", "swe", [(-70.0, -6.0)] * 2, characters=(20, 3)),
    }
    assert table(scores, [Contrast("expert", "a", "b", ("swe",))])["difference"].tolist() == [1.0]


def test_parity_is_compared_by_its_ratios():
    reference = cell("parity_reference", "swe", [(-6.0,), (-8.0,)])
    scores = {"a": cell("parity", "swe", [(-6.0,), (-10.0,)]), "b": cell("parity", "swe", [(-12.0,), (-8.0,)])}
    (row,) = table(scores, [Contrast("setup", "a", "b", ("swe",))], reference).to_dict("records")
    assert row["difference"] == pytest.approx(((1 - 0.5) + (0.8 - 1)) / 2)
    assert (row["better"], row["worse"], row["p"]) == (1, 1, 1.0)


def test_each_benchmark_of_parity_is_compared_by_its_own_english_sides():
    english = {"parity_reference": [(-6.0,), (-8.0,)], "flores_reference": [(-3.0,), (-1.0,)]}
    reference = pd.concat([cell(name, "swe", sides) for name, sides in english.items()])
    first = pd.concat([cell("parity", "swe", [(-6.0,), (-10.0,)]), cell("flores", "swe", [(-4.0,), (-2.0,)])])
    second = pd.concat([cell("parity", "swe", [(-12.0,), (-8.0,)]), cell("flores", "swe", [(-6.0,), (-4.0,)])])
    measured = {"flores": ("parity", "sum"), "parity": ("parity", "sum")}
    wanted = [Contrast("setup", "a", "b", ("swe",))]
    rows = table({"a": first, "b": second}, wanted, reference, measured).set_index("benchmark")
    assert rows.loc["parity", "difference"] == pytest.approx(((1 - 0.5) + (0.8 - 1)) / 2)
    assert rows.loc["flores", "difference"] == pytest.approx(((3 / 4 - 3 / 6) + (1 / 2 - 1 / 4)) / 2)
    assert rows["p"].to_dict() == {"parity": 1.0, "flores": 0.5}
    assert rows["p_holm"].tolist() == [1.0, 1.0], "benchmarks of one measure are one family"


def test_only_cells_of_both_models_and_of_the_contrast_are_compared(tmp_path):
    wide = pd.concat([cell(b, lang, right(1, 0)) for b in ("pairs", "questions", "x") for lang in ("swe", "isl")])
    scores = {"a": wide, "b": wide[wide["benchmark"] != "questions"], "absent": tmp_path / "none.parquet"}
    wanted = [Contrast("expert", "a", "b", ("swe",)), Contrast("expert", "a", "absent", ("swe",))]
    assert table(scores, [*wanted, Contrast("method", "a", "unscored", ("swe",))])[["second", "benchmark"]].to_dict(
        "records"
    ) == [{"second": "b", "benchmark": "pairs"}]
    assert table({}, wanted).empty


def test_other_items_are_refused():
    scores = {
        "a": cell("pairs", "swe", right(1, 0)),
        "b": cell("pairs", "swe", right(1, 0), items=["item-00", "item-99"]),
    }
    with pytest.raises(GrowmergeError, match="b: was scored on other items of pairs in swe"):
        table(scores, [Contrast("method", "a", "b", ("swe",))])


def test_what_is_not_known_stays_unknown_and_is_no_test():
    broken = cell("pairs", "swe", [(-1.0, np.nan), (-1.0, -2.0)])
    scores = {"a": cell("pairs", "swe", right(1, 0)), "b": broken, "c": cell("pairs", "swe", right(0, 1))}
    found = table(scores, [Contrast("method", "a", "b", ("swe",)), Contrast("method", "a", "c", ("swe",))])
    assert np.isnan(found.loc[0, ["difference", "low", "high", "p", "p_holm"]].astype(float)).all()
    assert found.loc[1, "p_holm"] == found.loc[1, "p"] == 1.0


def test_p_values_are_adjusted_within_a_kind_measure_and_language():
    scores = {name: cell("pairs", "swe", right(*answers)) for name, answers in
              {"a": [1] * 8, "b": [0] * 8, "c": [0] * 7 + [1]}.items()}  # fmt: skip
    methods = [Contrast("method", "a", "b", ("swe",)), Contrast("method", "a", "c", ("swe",))]
    found = table(scores, [*methods, Contrast("setup", "b", "c", ("swe",))])
    assert found["p"].tolist() == pytest.approx([2 / 2**8, 2 / 2**7, 1.0])
    assert found["p_holm"].tolist() == pytest.approx([4 / 2**8, 2 / 2**7, 1.0])


@pytest.mark.parametrize(
    ("cells", "factors"),
    [
        ([("pairs", "swe"), ("questions", "swe")], [1, 1]),  # another measure
        ([("pairs", "swe"), ("pairs", "isl")], [1, 1]),
        ([("pairs", "swe"), ("more_pairs", "swe")], [2, 2]),  # the same measure
    ],
)
def test_p_values_are_adjusted_together_within_a_measure_and_language_only(cells, factors):
    wins, losses = right(*[1] * 8), right(*[0] * 8)
    scores = {
        name: pd.concat([cell(*of, answers) for of in cells]) for name, answers in {"a": wins, "b": losses}.items()
    }
    measured = MEASURED | {"more_pairs": MEASURED["pairs"]}
    found = table(scores, [Contrast("method", "a", "b", ("swe", "isl"))], measured=measured)
    assert found["p"].tolist() == pytest.approx([2 / 2**8] * 2)
    assert (found["p_holm"] / found["p"]).tolist() == pytest.approx(factors)


def test_the_table_is_written_with_its_manifest(tmp_path):
    chosen = [model for model in MODELS if model.id in ("2x/swe", "1x/swe", "1x/isl")]
    for model, answers in zip(chosen, ([1, 0, 1], [0, 0, 1], [1, 1, 1]), strict=True):
        folder = tmp_path / "scores" / model.id
        folder.mkdir(parents=True)
        cell("pairs", "swe", right(*answers)).to_parquet(folder / "items.parquet", index=False)
        write_manifest(folder / "manifest.json", ["items.parquet"], inputs=[], config=None, facts={}, seconds=0.0)
    options = {"baseline": "linear", "english": "eng", "same_cost": [], "resamples": 50, "seed": 1}
    path = tmp_path / "tables" / "contrasts.parquet"
    write_contrasts(chosen, tmp_path / "scores", [], path, **options, measured=MEASURED)
    (row,) = pd.read_csv(path.with_suffix(".csv")).to_dict("records")
    assert (row["contrast"], row["first"], row["second"], row["n"]) == ("setup", "2x/swe", "1x/swe", 3)
    assert len(verify(path).inputs) == 3
