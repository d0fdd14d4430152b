"""Replicates: which models further seeds make, with which random choices, and that one seed changes nothing."""

from pathlib import Path

import pytest

from growmerge import ids
from growmerge.config import validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.figures.common.selection import Selection
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.recipe import Recipes
from growmerge.study.shown import Shown

CONFIG = Path(__file__).parents[2] / "config"
SHARING = {"sharing": {"base": "init", "shares": [0.2]}}


def study(*overlays):
    plain = read_yaml(CONFIG / "config.yaml")
    for overlay in (read_yaml(CONFIG / "miniature.yaml"), *overlays):
        plain = merge_mappings(plain, overlay)
    return validate(plain)


def grid_of(*overlays):
    return Grid(study(*overlays))


@pytest.fixture(scope="module")
def one():
    return grid_of(SHARING)


@pytest.fixture(scope="module")
def three():
    return grid_of({"seeds": [42, 43, 44]}, SHARING)


def test_a_replicate_has_its_seed_after_the_name_of_its_base_or_setup():
    assert ids.replicate("base-2x", 43) == "base-2x#43"
    assert ids.replicate("2x/isl+swe/ties~5", 43) == "2x#43/isl+swe/ties~5"
    for model in ("base-2x", "2x/swe@250", "2x-rounds-4.1/swe"):
        assert ids.split_seed(model) == (model, None)
        assert ids.split_seed(ids.replicate(model, 7)) == (model, 7)
        assert ids.replicate(model, None) == model
    assert ids.repository("study", "2x#43/swe") == "study-2x.43-swe"
    assert "stands before the seed" in ids.fault_of("2x#43")


def test_the_first_seed_makes_the_models_of_a_study_with_one(one, three):
    first = [model for model in three if ids.split_seed(model.id)[1] is None]
    assert first == list(one)
    assert [vars(model) for model in first] == [vars(model) for model in one]
    assert Recipes(three).of("1x/swe").plain() == Recipes(one).of("1x/swe").plain()
    assert one.by_seed(one) == {} and one.with_replicates(one.models) == one.models


def test_every_seed_makes_the_same_models_from_its_own_parents(three):
    known = {model.id: model for model in [*three, *three.models, *three.kept.values()]}
    for model_id, model in known.items():
        plain, seed = ids.split_seed(model_id)
        if seed is not None:
            first = known[plain]
            assert model.parents == tuple(ids.replicate(parent, seed) for parent in first.parents)
            assert (model.kind, model.target, model.method) == (first.kind, first.target, first.method)
            assert (model.width, model.languages, model.scored_in) == (first.width, first.languages, first.scored_in)
    by_seed = three.by_seed(three)
    assert by_seed["1x/isl+swe/ties"] == {42: "1x/isl+swe/ties", 43: "1x#43/isl+swe/ties", 44: "1x#44/isl+swe/ties"}
    own = three.with_replicates([known["1x/swe"], known["1x#44/swe"]])
    assert [model.id for model in own] == ["1x/swe", "1x#44/swe", "1x#43/swe"], "each once"
    kinds = {known[name].kind for name in by_seed}
    assert kinds == {"base", "model", "merge", "healed", "ensemble"}
    assert known["1x-rounds-2#43/swe"].parents == ("1x-rounds-2.1#43/ekk+fas+isl+swe/linear_rows",)
    assert three.merge_base("1x-rounds-2#43", "ekk+fas+isl+swe", "ties") == known["1x-rounds-2#43/swe"].parents[0]
    assert three.merge_base("2x#43", "isl+swe", "ties") == "base-2x#43"


def test_a_base_of_merges_that_the_configuration_names_has_the_seed_of_the_members():
    named = grid_of({"seeds": [42, 43]}, {"merging": {"base": "base-1x"}})
    assert named.merge_base("2x#43", "isl+swe", "ties") == "base-1x#43"
    rule = {"setup": "2x", "base": "base-1x-x2", "methods": ["ties"]}
    published = grid_of({"seeds": [42, 43]}, {"merging": {"base": "as_published", "published_bases": [rule]}})
    assert published.merge_base("2x#43", "isl+swe", "ties") == "base-1x-x2#43"
    assert published.merge_base("2x#43", "isl+swe", "dare_ties") == "base-2x#43"


def test_what_one_figure_of_the_first_seed_needs_is_made_once(three):
    further = [model for model in [*three, *three.models] if ids.split_seed(model.id)[1] is not None]
    assert not any(model.setup.startswith("shared-") for model in further)
    assert not any(model.step for model in further)


def test_initialisation_order_and_clone_noise_take_the_seed_that_varies():
    both, order, weights = (
        grid_of({"seeds": [42, 43], "replicates": {"vary": vary}})
        for vary in (["initialisation", "order"], ["order"], ["initialisation"])
    )
    for grid, seed in ((both, 43), (order, 43), (weights, 42)):
        assert Recipes(grid).of("2x#43/swe").seed == Recipes(grid).of("base-2x#43").seed == seed
    for grid, seed in ((both, 43), (order, 42), (weights, 43)):
        assert grid.replicates.initialisation_seed("seed-x2#43") == seed
    assert both.replicates.merging_seed("2x#43") == order.replicates.merging_seed("2x#43") == 43
    assert {m.id for m in both.bases} - {m.id for m in order.bases} == {"init#43"}, "equal weights are drawn once"
    assert order.model("scratch#43/swe").parents == ("init",)


def test_replicates_may_share_their_bases():
    grid = grid_of({"seeds": [42, 43], "replicates": {"bases": "shared"}})
    assert [base.id for base in grid.bases] == [base.name for base in grid.study.bases]
    assert grid.model("2x#43/swe").parents == ("base-2x",)
    assert Recipes(grid).of("2x#43/swe").seed == 43
    assert grid.merge_base("2x#43", "isl+swe", "ties") == "base-2x"
    assert "base-2x" not in grid.by_seed(grid)


def test_a_setup_whose_models_are_from_elsewhere_is_made_once():
    targets = ("swe", "isl", "ekk", "fas", "multi")
    taken = {"name": "2x", "base": "base-2x", "from": {target: f"hub:owner/{target}" for target in targets}}
    setups = {"setups": [{"name": "1x", "base": "base-1x"}, taken], "merging": {"over_training": None}}
    assert list(grid_of({"seeds": [42, 43]}, setups).setups) == ["1x", "2x", "1x#43"]


def test_text_tokenizer_benchmarks_and_statistics_of_text_are_made_once(three):
    layout = Layout(three.study, three)
    assert layout.training_shards("1x#43/swe") == layout.training_shards("1x/swe")
    rows = next(method for method in three.study.merging.methods if method.name == "linear_rows")
    of_first, of_second = (layout.merge_statistics(setup, "isl+swe", [rows]) for setup in ("1x", "1x#43"))
    assert of_first == of_second
    assert layout.members("1x#43", "isl+swe") == [f"results/miniature/models/1x#43/{code}" for code in ("isl", "swe")]


def test_costs_of_replicates_are_those_of_the_first(three):
    costs = Costs(three, stated_counts(three.study))
    for model in three.trained:
        plain = ids.split_seed(model.id)[0]
        assert costs.total_flops(model.id) == costs.total_flops(plain)


def captions(grid):
    """By figure, the plain data of its selection and its caption."""
    shown, analysis = Shown(Costs(grid, stated_counts(grid.study)), ()), grid.study.analysis
    for name, figure in FIGURES.items():
        selected = figure.selected(shown)
        yield name, selected, figure.text(Selection.of(selected, analysis), analysis, study="x", measures=["parity"])


def test_captions_say_which_seeds_are_shown_and_what_intervals_are_over(one, three):
    for name, selected, caption in captions(three):
        averaged = FIGURES[name].over_seeds
        assert ("means over 3 training runs, with the seeds 42, 43 and 44" in caption) == averaged
        assert ("Of the seeds 42, 43 and 44, it shows 42." in caption) == (not averaged)
        if averaged:
            assert (
                "training runs." not in caption and "trained once" not in caption and "(exact sign test" not in caption
            )
        assert not any("#" in setup for setup in selected["setups"])
    for _, selected, caption in captions(one):
        assert "seeds" not in selected and "over_seeds" not in selected and "seed" not in caption


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ({"seeds": []}, "seeds = []: is empty; leave it out for one run, with `seed`"),
        ({"seeds": [42, 43, 43]}, "seeds.2 = 43: occurs twice; keep one of the two"),
        ({"seeds": [42, 43.5]}, "seeds.1 = 43.5: "),
        ({"seeds": [42, "43"]}, "seeds.1 = '43': "),
        ({"seeds": [42, True]}, "seeds.1 = True: "),
        ({"seeds": [42, -1]}, "seeds.1 = -1: "),
        ({"seeds": 42}, "seeds = 42: "),
        ({"seeds": [43, 42]}, "seeds.0 = 43: is not `seed` = 42"),
        ({"seeds": [42, 43], "replicates": {"vary": []}}, "replicates.vary = []: is empty; leave it out for both"),
        ({"seeds": [42, 43], "replicates": {"vary": ["order", "order"]}}, "replicates.vary.1 = 'order': occurs twice"),
        ({"seeds": [42, 43], "replicates": {"vary": ["noise"]}}, "replicates.vary.0 = 'noise': "),
        (
            {"seeds": [42, 43], "replicates": {"vary": ["initialisation"], "bases": "shared"}},
            "no setup differs between `seeds`",
        ),
        (
            {"seeds": [42, 43], "setups": [{"name": "1x", "base": "base-1x", "from": {"swe": "hub:a/b"}}]},
            "setups.0.from = '1x': takes swe from elsewhere, of which there is one seed",
        ),
    ],
)
def test_wrong_seeds_are_named(overlay, said):
    if "setups" in overlay:
        overlay |= {"merging": {"healing": None, "rounds": None, "over_training": None}}
    with pytest.raises(GrowmergeError) as error:
        study(overlay)
    assert said in str(error.value)
    assert "\n" not in str(error.value).strip()
