"""The second study's parts of the grid: nested series, merges over training, partial sharing, one mixed model."""

import pytest
from conftest import ROOT

from growmerge.config import load_files, validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.figures import FIGURES
from growmerge.study.costs import Costs, check_saved_steps, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.recipe import Recipes
from growmerge.study.shown import Shown

LIMITS = [ROOT / "config/config.yaml", ROOT / "config/limits-of-merging.yaml"]
SHARES = {"base": "init", "shares": [0.01, 0.2, 1.0]}


@pytest.fixture(scope="module")
def limits():
    return Grid(load_files(*LIMITS))


@pytest.fixture(scope="module")
def published():
    return Grid(load_files(*LIMITS, ROOT / "config/limits-of-merging-published.yaml"))


def miniature(**changes):
    data = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))
    return Grid(validate(merge_mappings(data, changes)))


def costs(grid):
    return Costs(grid, stated_counts(grid.study))


def test_the_second_study_has_ten_experts_one_mixed_model_and_the_published_merges(limits):
    assert [model.id for model in limits.models] == [f"scratch/{code}" for code in limits.study.language_codes] + [
        "scratch/multi"
    ]
    finished = {merge.target for merge in limits.merges if merge.step is None}
    sizes = [combination.count("+") + 1 for combination in finished]
    assert {size: sizes.count(size) for size in set(sizes)} == {2: 45, 10: 1} | dict.fromkeys(range(3, 10), 1)
    assert {"eng+fra", "deu+eng+fra", "ara+deu+eng+fra"} <= finished, "in the published order"
    steps = [merge.step for merge in limits.merges if merge.step and merge.method == "linear"]
    assert steps == list(range(1000, 48000, 1000))


def test_its_models_have_the_published_size_and_length(limits):
    counted = costs(limits)
    assert counted.parameters(1) == 2_147_584_000
    assert counted.steps("scratch/tur") == counted.steps("scratch/multi") == 47_684
    schedule = counted.schedule("scratch/multi")
    assert schedule.warmup == round(0.1 * 47_684)
    assert schedule.decay == round(0.2 * 47_684)


def test_an_expert_without_replay_reads_its_own_text_alone(limits):
    assert Recipes(limits).corpora_of("scratch/tur") == ["tur"]


def test_english_is_scored_once_though_it_is_a_target(limits):
    assert limits.score_cells.count(("belebele", "eng")) == 1
    assert ("xcsqa", "tur") not in limits.score_cells
    assert ("multiblimp", "zho") not in limits.score_cells


def test_all_pairs_of_multiblimp_are_scored_and_1000_items_of_the_others(limits):
    """Public results of Aycock et al. 2026: 2,245 of 2,331 Dutch pairs are .9631, 3,746 of 3,832 Russian ones .9776."""
    sizes = {benchmark.name: benchmark.size("rus") for benchmark in limits.study.benchmarks}
    assert sizes == {"multiblimp": 3832, "belebele": 1000, "hellaswag": 1000, "xcsqa": 1000, "translation": 1000}
    (pairs,) = [benchmark for benchmark in limits.study.benchmarks if benchmark.name == "multiblimp"]
    assert pairs.entry.limit is None
    assert (pairs.size("nld"), pairs.size("eng"), pairs.size("ara")) == (2331, 770, 1215)


def test_merges_over_training_are_of_the_checkpoints_of_their_step(limits):
    everything = "+".join(sorted(limits.study.language_codes))
    merge = limits.model(f"scratch/{everything}@3000/ties")
    assert merge.parents[0] == "scratch/ara@3000"
    assert (merge.target, merge.step) == (everything, 3000)
    layout = Layout(limits.study, limits)
    assert layout.members("scratch", f"{everything}@3000")[0] == "results/limits-of-merging/checkpoints/scratch/ara"
    assert layout.members("scratch", "deu+eng")[1] == "results/limits-of-merging/models/scratch/eng"


def test_published_checkpoints_are_taken_branch_by_branch(published):
    assert published.imported["scratch/zho@3000"] == "hub:HPLT/hplt2c_zhos_checkpoints@checkpoint_0003000"
    assert published.imported["scratch/multi"] == "hub:sethjsa/mixed-10-checkpoints"
    assert len(published.imported_checkpoints) == 47 * 11
    assert not published.trained
    members = Layout(published.study, published).members("scratch", "eng+zho@3000")
    assert members[1] == "results/limits-of-merging-published/models/scratch/zho@3000"


def test_a_drawn_series_is_the_same_every_time_and_adds_its_combinations_only():
    drawn = miniature(merging={"sizes": [2], "series": {"drawn": 2}})
    assert drawn.series == miniature(merging={"sizes": [2], "series": {"drawn": 2}}).series
    assert drawn.series[0] != drawn.series[1]
    nested = {combination for order in drawn.series for combination in drawn.nested(order)}
    assert {c for c in drawn.combinations if c.count("+") > 1} == {c for c in nested if c.count("+") > 1}


def test_experts_that_share_a_beginning_branch_off_one_common_model():
    grid = miniature(sharing=SHARES)
    assert list(grid.sharing_setups.items()) == [
        ("scratch", 0.0), ("shared-1", 0.01), ("shared-20", 0.2), ("shared-100", 1.0)
    ]  # fmt: skip
    assert grid.model("shared-20/common").parents == ("init",)
    assert grid.model("shared-20/isl").parents == ("shared-20/common",)
    assert grid.merge_base("shared-20", "isl+swe", "ties") == "shared-20/common", "the members' true ancestor"
    assert {m.target for m in grid.models if m.setup == "shared-100"} == {"common"}, "nothing is left to train apart"
    pairs = {m.target for m in grid.merges if m.setup == "shared-20"}
    assert len(pairs) == 6
    assert not [m for m in grid.merges if m.setup == "shared-100"]


def test_sharing_costs_what_training_apart_costs():
    grid = miniature(sharing=SHARES)
    alone = [costs(grid).tokens(costs(grid).steps(f"scratch/{code}")) for code in grid.study.language_codes]
    common = costs(grid).tokens(costs(grid).steps("shared-20/common"))
    shared = [common + costs(grid).tokens(costs(grid).steps(f"shared-20/{c}")) for c in grid.study.language_codes]
    assert sum(shared) / sum(alone) == pytest.approx(1, rel=0.03), "but for whole steps"
    assert common == pytest.approx(0.2 * sum(alone) / 4, rel=0.05)


def test_sharing_changes_no_model_and_no_figure_of_the_other_setups():
    without, grid = miniature(), miniature(sharing=SHARES)
    assert all(Recipes(grid).of(model.id) == Recipes(without).of(model.id) for model in without.models)
    shown, before = (
        {name: figure.models(Shown(costs(g), [])) for name, figure in FIGURES.items()} for g in (grid, without)
    )
    assert before["sharing"] == []
    assert {figure: models for figure, models in shown.items() if models != before[figure]}.keys() == {"sharing"}
    assert {model.setup for model in shown["sharing"]} == {"scratch", "shared-1", "shared-20", "shared-100"}
    assert "scratch/multi" not in {model.id for model in shown["sharing"]}


def test_a_step_that_no_training_saves_is_named_before_any_job():
    grid = miniature(merging={"over_training": {"setups": ["scratch"], "every": 32, "until": 400}})
    with pytest.raises(GrowmergeError, match=r"no checkpoint of 'scratch/\w+' after 1\d\d steps: it trains 1\d\d and"):
        check_saved_steps(costs(grid))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"merging": {"over_training": {"setups": ["scratch"], "every": 30, "until": 90}}}, "every 16 steps"),
        ({"merging": {"over_training": {"setups": ["scrtch"], "every": 16, "until": 90}}}, "did you mean 'scratch'"),
        (
            {"merging": {"over_training": {"setups": ["scratch"], "every": 16, "until": 10}}},
            "smaller than the first step that is merged",
        ),
        ({"merging": {"series": {"orders": [["swe", "swe"]]}}}, "occurs twice"),
        ({"merging": {"series": {"orders": [["swe", "dan"]]}}}, "no such language"),
        ({"sharing": SHARES | {"base": "int"}}, "did you mean 'init'"),
        ({"sharing": SHARES | {"shares": [0.2, 0.2]}}, "occurs twice"),
        ({"sharing": SHARES | {"sizes": [5]}}, "there are only 4 languages"),
        ({"setups": [{"name": "shared-20", "base": "init"}], "sharing": SHARES}, "but that name is taken"),
        ({"setups": [{"name": "s", "base": "init", "branches": "step"}]}, "is the same at every step"),
        ({"setups": [{"name": "s", "base": "init", "branches": "{s}"}]}, "write the step as in"),
    ],
)
def test_what_cannot_be_is_named(changes, message):
    with pytest.raises(GrowmergeError, match=message):
        miniature(**changes)


def test_checkpoints_that_are_taken_need_their_branches():
    taken = [{"name": "scratch", "base": "init", "from": {"swe": "hub:owner/swe"}}]
    with pytest.raises(GrowmergeError, match="state in `setups` which `branches` hold their checkpoints"):
        miniature(setups=taken, merging={"over_training": {"setups": ["scratch"], "every": 20, "until": 40}})


def test_lang2vec_and_the_published_weight_are_named_as_in_the_paper() -> None:
    study = load_files(*LIMITS)
    assert study.comparison.typology.codes == {"ara": "arb", "zho": "cmn"}
    methods = {method.name: method.parameters for method in study.merging.methods}
    assert methods["linear"] == {"weight": 0.1, "normalize": True}
