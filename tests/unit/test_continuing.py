"""Training that goes on after a merge: merges that are trained on, and experts that restart from their merge."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_runs import RECIPE, finish, logged, make_inputs, said, start, train, wait_for_state, weights

from growmerge.artifacts import read_manifest
from growmerge.config import load_files
from growmerge.data.mixture import Mixture
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs, check_continued, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.phases import Component, Phase, part_of
from growmerge.study.plan_report import peak_disk, plan_markdown
from growmerge.study.plan_rows import plan_rows
from growmerge.study.recipe import Recipe, Recipes
from growmerge.study.wildcards import constraints, setups_merged_by_all

CONFIG = Path(__file__).parents[2] / "config"
ALL = "ekk+fas+isl+swe"
HEALING = "healing: {methods: [linear, ties], shares: [0.05, 0.1], setups: [1x, 2x], learning_rate: null}"
ROUNDS = "rounds: {methods: [linear, ties], counts: [2, 4], setups: [1x]}"


class Planned:
    def __init__(self, folder, *keys, files=("config.yaml", "miniature.yaml")):
        overlay = folder / "overlay.yaml"
        said = {key.split(":")[0] for key in keys}
        none = [f"{key}: null" for key in ("healing", "rounds") if key not in said]  # the miniature has both
        overlay.write_text("merging:\n" + "".join(f"  {key}\n" for key in [*keys, *none]), encoding="utf-8")
        self.study = load_files(*(CONFIG / file for file in files), overlay)
        self.grid = Grid(self.study)
        self.recipes = Recipes(self.grid)
        self.layout = Layout(self.study, self.grid)
        self.costs = Costs(self.grid, stated_counts(self.study))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Planned(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def continued(tmp_path_factory):
    return Planned(tmp_path_factory.mktemp("continued"), HEALING, ROUNDS)


# --- the grid ---------------------------------------------------------------------------------------------------------


def test_without_the_keys_nothing_is_there(plain):
    assert (plain.grid.healed, plain.grid.rounds, plain.grid.kept) == ([], {}, {})
    assert not any("~" in pattern for pattern in constraints(plain.grid).values())


def test_what_was_there_before_stays_as_it_was(plain, continued):
    """The same models, recipes, inputs and costs: nothing finished is made again."""
    old = list(plain.grid)
    assert set(old) < set(continued.grid)
    for model in plain.grid.trained:
        assert continued.recipes.of(model.id).plain() == plain.recipes.of(model.id).plain()
        assert continued.layout.parent(model.id) == plain.layout.parent(model.id)
        assert continued.costs.total_flops(model.id) == plain.costs.total_flops(model.id)
    methods = plain.study.merging.methods
    for merge in plain.grid.merges:
        assert continued.layout.kept_of(merge.setup, merge.combination, methods) == []
        bases = plain.layout.merge_bases(merge.setup, merge.combination, methods)
        assert continued.layout.merge_bases(merge.setup, merge.combination, methods) == bases


def test_a_merge_of_all_languages_is_trained_on_by_every_method_and_share_with_controls(continued):
    assert [model.id for model in continued.grid.healed if model.setup == "2x"] == [
        f"2x/{ALL}/{method}~{percent}" for method in ("linear", "ties", "base") for percent in (5, 10)
    ]
    healed = continued.grid.model(f"2x/{ALL}/ties~5")
    assert (healed.kind, healed.method, healed.width, healed.languages) == ("healed", "ties", 2, tuple(ALL.split("+")))
    assert continued.layout.parent(healed.id) == f"results/miniature/merges/2x/{ALL}/ties"
    assert continued.layout.parent(f"2x/{ALL}/base~5") == "results/miniature/models/base-2x"
    assert {healed, continued.grid.model(f"2x/{ALL}/base~5")} < set(continued.grid), "they are scored"


def test_controls_can_be_left_out_and_default_setups_are_all(tmp_path):
    grid = Planned(tmp_path, "healing: {methods: [linear], shares: [0.1], control: false, setups: null}").grid
    assert [model.id for model in grid.healed] == [f"{s}/{ALL}/linear~10" for s in ("1x", "1x_cloned", "2x", "scratch")]


def test_each_round_starts_from_the_merge_of_the_round_before(continued):
    grid = continued.grid
    assert list(grid.rounds) == [
        *("1x-rounds-2.1", "1x-rounds-2", "1x-rounds-2-ties", "1x-rounds-4.1", "1x-rounds-4.2", "1x-rounds-4.3"),
        *("1x-rounds-4", "1x-rounds-4-ties.2", "1x-rounds-4-ties.3", "1x-rounds-4-ties"),
    ]
    assert grid.parent("1x-rounds-4.1/swe") == "base-1x"
    assert grid.parent("1x-rounds-4.2/swe") == f"1x-rounds-4.1/{ALL}/linear"
    assert grid.parent("1x-rounds-4/isl") == f"1x-rounds-4.3/{ALL}/linear"
    assert grid.parent("1x-rounds-4-ties.2/swe") == f"1x-rounds-4.1/{ALL}/ties", "the first round is shared"
    assert grid.parent("1x-rounds-4-ties/swe") == f"1x-rounds-4-ties.3/{ALL}/ties"
    for setup in grid.rounds:
        assert grid.width_of_setup(setup) == 1
        assert grid.merge_base(setup, ALL, "ties") == grid.parent(f"{setup}/swe"), "task vectors are those of the round"
    assert continued.layout.members("1x-rounds-4.2", ALL)[0] == "results/miniature/models/1x-rounds-4.2/ekk"
    assert (
        continued.layout.merge_base("1x-rounds-2", ALL, "ties")
        == f"results/miniature/merges/1x-rounds-2.1/{ALL}/linear"
    )


def test_a_base_that_is_named_is_that_of_the_first_round_alone(tmp_path):
    grid = Planned(tmp_path, "base: seed", ROUNDS).grid
    assert grid.merge_base("1x", ALL, "ties") == grid.merge_base("1x-rounds-2.1", ALL, "ties") == "seed"
    assert grid.merge_base("1x-rounds-2", ALL, "ties") == f"1x-rounds-2.1/{ALL}/linear"


def test_of_rounds_the_last_is_scored_by_its_own_method_and_all_are_kept(continued):
    grid = continued.grid
    scored = {model.id for model in grid if "rounds" in model.setup}
    last = {"1x-rounds-2": "linear", "1x-rounds-2-ties": "ties", "1x-rounds-4": "linear", "1x-rounds-4-ties": "ties"}
    experts = {f"{setup}/{code}" for setup in last for code in grid.study.language_codes}
    assert scored == experts | {f"{setup}/{ALL}/{method}" for setup, method in last.items()}
    made = {merge.id for merge in grid.merges if merge.setup in grid.rounds}
    assert made < grid.kept.keys() and len(made) == len(grid.rounds) + 2
    assert all(f"results/miniature/merges/{merge}" in continued.layout.models() for merge in grid.kept)


def test_wildcards_match_what_is_trained_and_scored(continued):
    patterns = constraints(continued.grid)

    def matches(name, value):
        return bool(re.fullmatch(patterns[name], value))

    assert matches("adapted", f"1x/{ALL}/ties~5") and matches("adapted", "1x-rounds-4.2/swe")
    assert matches("model", f"1x/{ALL}/base~5") and matches("model", f"1x-rounds-4/{ALL}/linear")
    assert not matches("model", f"1x/{ALL}/ties"), "merges of setups are scored where they are made"
    assert matches("setup", "1x-rounds-4.1"), "any statistic of its models can be asked for"
    assert "1x-rounds-4" not in setups_merged_by_all(continued.grid)
    assert not matches("adapted", f"1x/{ALL}/ties")


def test_combinations_of_all_languages_are_made_if_only_pairs_are_configured(tmp_path):
    grid = Planned(tmp_path, "sizes: [2]", "series: {drawn: 0}", "over_training: null", HEALING).grid
    assert f"1x/{ALL}/linear" not in {merge.id for merge in grid}
    assert grid.model(f"1x/{ALL}/linear").kind == "merge"
    assert re.fullmatch(constraints(grid)["combination"], ALL)


# --- recipes ----------------------------------------------------------------------------------------------------------


def test_a_healed_merge_trains_on_the_mixture_of_multi_for_its_share(continued):
    whole, healed = (continued.recipes.of(i) for i in ("1x/multi", f"1x/{ALL}/linear~5"))
    assert continued.recipes.of(f"1x/{ALL}/base~5") == healed
    for one, other in zip(healed.data.languages, whole.data.languages, strict=True):
        assert one == replace(other, epochs=0.05 * other.epochs)
    assert (healed.data.replay, healed.training, healed.seed) == (whole.data.replay, whole.training, whole.seed)
    steps = continued.costs.steps("1x/multi")
    assert continued.costs.steps(f"1x/{ALL}/linear~10") == pytest.approx(steps / 10, abs=1)
    assert continued.recipes.corpora_of(f"1x/{ALL}/linear~10") == continued.recipes.corpora_of("1x/multi")


def test_the_share_is_of_what_multi_of_the_setup_trains_on(tmp_path):
    planned = Planned(tmp_path, "healing: {methods: [linear], shares: [0.1]}")
    halved = planned.study.model_copy(
        update={"setups": [s.model_copy(update={"multi_share": 0.5}) for s in planned.study.setups]}
    )
    text = Recipes(Grid(halved)).of(f"1x/{ALL}/linear~10").data.languages[0]
    assert text.epochs == pytest.approx(planned.recipes.of(f"1x/{ALL}/linear~10").data.languages[0].epochs / 2)


def test_the_learning_rate_can_be_set_for_healing_alone(tmp_path):
    planned = Planned(tmp_path, "healing: {methods: [linear], shares: [0.1], learning_rate: 0.001}")
    assert planned.costs.schedule(f"1x/{ALL}/linear~10").peak == 0.001
    assert planned.recipes.of(f"1x/{ALL}/linear~10").training["learning_rate"] == 0.001
    assert planned.costs.schedule("1x/multi").peak == planned.study.training.learning_rate != 0.001


def test_a_few_steps_warm_up_for_at_most_a_tenth_of_them(continued):
    for model in continued.grid.healed:
        s = continued.costs.schedule(model.id)
        assert 1 <= s.warmup <= -(-s.steps // 10), model.id
        assert max(map(s.learning_rate, range(s.steps))) == pytest.approx(s.peak)


def test_recipes_of_rounds_name_their_part_and_are_read_back(continued):
    recipe = continued.recipes.of("1x-rounds-4.3/swe")
    assert recipe.part == (3, 4)
    assert Recipe.read(json.loads(json.dumps(recipe.plain()))) == recipe
    assert recipe.plain() == continued.recipes.of("1x/swe").plain() | {"part": [3, 4]}


def test_stated_steps_of_the_schedule_are_divided_by_the_rounds(continued):
    languages = [
        x.model_copy(update={"warmup_steps": 6, "decay_steps": 41} if x.code == "swe" else {})
        for x in continued.study.languages
    ]
    recipes = Recipes(Grid(continued.study.model_copy(update={"languages": languages})))
    assert (recipes.of("1x/swe").warmup_steps, recipes.of("1x/swe").decay_steps) == (6, 41)
    assert (recipes.of("1x-rounds-4.1/swe").warmup_steps, recipes.of("1x-rounds-4.1/swe").decay_steps) == (2, 11)


# --- steps and costs --------------------------------------------------------------------------------------------------


@given(st.integers(0, 500), st.integers(1, 20))
def test_parts_are_all_steps_once_in_order(steps, count):
    parts = [part_of(steps, (number, count)) for number in range(1, count + 1)]
    assert [step for part in parts for step in part] == list(range(steps))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert part_of(steps, (1, 1)) == part_of(steps, None) == range(steps)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.floats(0.4, 3.5), st.booleans(), st.integers(1, 6))
def test_parts_of_a_mixture_are_its_sequences_in_their_order(a, b, batch, epochs, once, count):
    phases = [Phase((Component("a", epochs), Component("b", 2)), once), Phase((Component("b"),))]
    sizes = {"a": a, "b": b}
    if round(a * min(1.0, epochs)) == 0:
        return
    whole = Mixture(phases, sizes, 3, batch)
    parts = [Mixture(phases, sizes, 3, batch, (number, count)) for number in range(1, count + 1)]
    assert [x for p in parts for x in p.span(0, p.steps * batch)] == whole.span(0, whole.steps * batch)
    assert sum((Counter(part.counts()) for part in parts), Counter()) == Counter(whole.counts())
    for part in parts:
        with pytest.raises(IndexError):
            part.at(part.steps * batch)


def test_the_counts_of_a_part_are_its_sequences_without_those_that_fill_up_a_step():
    phases = [Phase((Component("a", 2), Component("b", 2)))]
    for number in (1, 2, 3):
        part = Mixture(phases, {"a": 7, "b": 4}, 5, 4, (number, 3))
        # An epoch is 11 sequences: three steps of four, the last filled up by one; positions 11 and 23 of the whole.
        first = (number - 1) * 8
        own = [part.at(i) for i in range(8) if first + i not in (11, 23)]
        assert part.counts() == Counter(corpus for corpus, _ in own)


def test_rounds_take_as_many_steps_and_flops_as_the_experts(continued):
    costs = continued.costs
    for code in continued.grid.study.language_codes:
        setups = ["1x-rounds-4.1", "1x-rounds-4.2", "1x-rounds-4.3", "1x-rounds-4"]
        assert sum(costs.steps(f"{setup}/{code}") for setup in setups) == costs.steps(f"1x/{code}")
    in_rounds, once = (costs.total_flops(f"{setup}/{ALL}/linear") for setup in ("1x-rounds-4", "1x"))
    assert in_rounds == pytest.approx(once, rel=1e-12)


def test_flops_of_a_healed_merge_are_its_own_all_experts_and_their_common_ancestors_once(continued):
    costs = continued.costs
    own = {i: costs.flops(i, costs.steps(i)) for i in ("seed", "base-1x", *(f"1x/{c}" for c in ALL.split("+")))}
    healed = f"1x/{ALL}/ties~5"
    steps = costs.steps(healed)
    assert costs.total_flops(healed) == pytest.approx(costs.flops(healed, steps) + sum(own.values()), rel=1e-12)
    control = costs.flops(healed, steps) + own["seed"] + own["base-1x"]
    assert costs.total_flops(f"1x/{ALL}/base~5") == pytest.approx(control, rel=1e-12)
    assert costs.total_flops(f"1x-rounds-2-ties/{ALL}/ties") == pytest.approx(sum(own.values()), rel=1e-12)


def test_the_plan_lists_what_is_trained_on_and_keeps_what_it_starts_from(plain, continued):
    rows = plan_rows(continued.grid, continued.layout, continued.costs, [])
    before = plan_rows(plain.grid, plain.layout, plain.costs, [])
    assert set(before) - set(rows) == {row for row in before if row.kind == "merge" and row.id in continued.grid.kept}
    healed = [row for row in rows if row.kind == "healed"]
    assert [row.id for row in healed] == [model.id for model in continued.grid.healed]
    assert all(row.flops and row.tokens and row.path == f"results/miniature/models/{row.id}" for row in healed)
    kept = {row.id: row for row in rows if row.kept}
    assert kept.keys() == continued.grid.kept.keys()
    assert all(row.path == f"results/miniature/merges/{row.id}" for row in kept.values())
    assert len({(row.kind, row.id) for row in rows}) == len(rows)
    further = [row for row in rows if row not in before and row.kind not in ("merge",)]
    stays = sum(row.disk_bytes for row in [*further, *kept.values()])
    assert peak_disk(rows, keep_merges=False) - peak_disk(before, keep_merges=False) == stays
    assert f"| 1x/{ALL}/ties~5 |" in plan_markdown(rows, continued.costs, [], 10**12)
    assert "healed" not in plan_markdown(before, plain.costs, [], 10**12)


def test_models_of_text_of_unknown_size_are_not_told(tmp_path):
    planned = Planned(tmp_path, HEALING, ROUNDS)
    counts = stated_counts(planned.study)
    del counts["swe"]
    costs = Costs(planned.grid, counts)
    assert not costs.can_tell(f"1x/{ALL}/ties~5") and not costs.can_tell("1x-rounds-2/isl")
    check_continued(costs)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("healing: {methods: [lineer], shares: [0.1]}", "merging.healing.methods.0 = 'lineer': no such merge method"),
        ("healing: {methods: [linear], shares: [0]}", "merging.healing.shares.0 = 0: "),
        ("healing: {methods: [linear], shares: [1.5]}", "merging.healing.shares.0 = 1.5: "),
        ("healing: {methods: [linear], shares: []}", "merging.healing.shares = []: "),
        ("healing: {methods: [], shares: [0.1]}", "merging.healing.methods = []: "),
        ("healing: {methods: [linear], shares: [0.1, 0.1]}", "merging.healing.shares.1 = '10': occurs twice"),
        ("healing: {methods: [linear, linear], shares: [0.1]}", "merging.healing.methods.1 = 'linear': occurs twice"),
        ("healing: {methods: [linear], shares: [0.1], setups: [3x]}", "merging.healing.setups.0 = '3x': no such setup"),
        ("healing: {methods: [linear], shares: [0.1], setups: []}", "merging.healing.setups = []: is empty"),
        ("healing: {methods: [linear], shares: [0.1], learning_rate: 2}", "merging.healing.learning_rate = 2: "),
        ("rounds: {methods: [lineer], counts: [2]}", "merging.rounds.methods.0 = 'lineer': no such merge method"),
        ("rounds: {methods: [linear], counts: [1]}", "merging.rounds.counts.0 = 1: "),
        ("rounds: {methods: [linear], counts: []}", "merging.rounds.counts = []: "),
        ("rounds: {methods: [linear], counts: [2, 2]}", "merging.rounds.counts.1 = 2: occurs twice"),
        ("rounds: {methods: [linear], counts: [2], setups: [3x]}", "merging.rounds.setups.0 = '3x': no such setup"),
    ],
)
def test_refused_with_key_and_value(tmp_path, key, message):
    with pytest.raises(GrowmergeError) as error:
        Planned(tmp_path, key)
    (line,) = str(error.value).splitlines()
    assert message in line and "overlay.yaml" in line


def refused(tmp_path, text):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError) as error:
        load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml", overlay)
    (line,) = str(error.value).splitlines()
    return line


@pytest.mark.parametrize(
    "key", ["healing: {methods: [linear], shares: [0.1]}", "rounds: {methods: [linear], counts: [2]}"]
)
def test_a_single_language_has_nothing_to_merge(tmp_path, key):
    one = "languages: [{code: swe, name: Swedish, corpus: swe, epochs: 1}]\nreplay: {reference: swe}\n"
    methods = "methods: [{name: linear, parameters: {weight: 1.0}}]"
    other = "rounds" if key.startswith("healing") else "healing"
    none = f"  over_training: null\n  ensemble: null\n  {other}: null\n"
    text = f"{one}benchmarks: [{{name: parity, limit: 9}}]\nmerging:\n  {methods}\n{none}  {key}\n"
    assert f"merging.{key.split(':')[0]} = " in refused(tmp_path, text)
    assert "there is only one language: nothing to merge; remove it" in refused(tmp_path, text)


def test_a_method_that_merges_two_models_cannot_merge_all_languages(tmp_path):
    methods = "methods: [{name: linear, parameters: {weight: 1.0}}, {name: nuslerp, parameters: {weight: 1.0}}]"
    line = refused(
        tmp_path,
        f"merging:\n  {methods}\n  sizes: [2]\n  series: {{drawn: 0}}\n  over_training: null\n"
        "  healing: {methods: [nuslerp], shares: [0.1]}\n",
    )
    assert "merging.healing.methods.0 = 'nuslerp': does not merge 4 models" in line


def test_experts_of_rounds_are_trained_here(tmp_path):
    setups = "setups: [{name: 1x, base: base-1x, from: {swe: 'folder:here'}}, {name: 2x, base: base-2x}]\n"
    over = "merging:\n  over_training: null\n  rounds: {methods: [linear], counts: [2]%s}\n"
    line = refused(tmp_path, setups + over % "")
    assert "merging.rounds.setups = '1x': takes swe from elsewhere" in line
    (tmp_path / "overlay.yaml").write_text(setups + over % ", setups: [2x]", encoding="utf-8")
    load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml", tmp_path / "overlay.yaml")


def test_names_of_rounds_must_be_free(tmp_path):
    setups = "setups: [{name: 1x, base: base-1x}, {name: 1x-rounds-2.1, base: base-1x}]\n"
    line = refused(tmp_path, setups + "merging: {over_training: null, rounds: {methods: [linear], counts: [2]}}\n")
    assert "merging.rounds.counts = [2]: makes a setup '1x-rounds-2.1', but that name is taken" in line


def test_more_rounds_than_steps_are_refused_before_any_job(tmp_path):
    planned = Planned(tmp_path, "rounds: {methods: [linear], counts: [107], setups: [1x]}")
    with pytest.raises(
        GrowmergeError, match=r"107 rounds of '1x/swe', which trains 106 steps in all; choose at most 106"
    ):
        check_continued(planned.costs)
    check_continued(Planned(tmp_path, "rounds: {methods: [linear], counts: [106], setups: [1x]}").costs)


def test_less_than_a_step_of_healing_is_refused_before_any_job(tmp_path):
    planned = Planned(tmp_path, "healing: {methods: [linear], shares: [0.001]}")
    with pytest.raises(
        GrowmergeError, match=r"0.1 % of what '1x/multi' trains on are 4 sequences, fewer than training"
    ):
        check_continued(planned.costs)


# --- training ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


def test_one_round_is_the_plain_training_byte_for_byte(inputs, tmp_path):
    assert train(inputs, tmp_path / "one", RECIPE | {"part": [1, 1]}) == train(inputs, tmp_path / "plain")


def test_a_round_trains_on_its_part_with_a_schedule_of_its_own(inputs, tmp_path):
    train(inputs, tmp_path / "whole")
    train(inputs, tmp_path / "first", RECIPE | {"part": [1, 2]})
    second = inputs | {"parent": tmp_path / "first/model"}
    train(second, tmp_path / "second", RECIPE | {"part": [2, 2]})
    facts = {name: read_manifest(tmp_path / name / "model").facts for name in ("whole", "first", "second")}
    assert facts["first"]["steps"] + facts["second"]["steps"] == facts["whole"]["steps"]
    both = Counter(facts["first"]["sequences"]) + Counter(facts["second"]["sequences"])
    assert both == Counter(facts["whole"]["sequences"])
    for name in ("first", "second"):
        rates = [entry["learning_rate"] for entry in logged(tmp_path / name)]
        assert rates[0] < RECIPE["training"]["learning_rate"] / 5 > rates[-1], "warm-up and decay"


@pytest.mark.slow
def test_a_round_that_is_killed_goes_on_within_its_part(inputs, tmp_path):
    recipe, out = RECIPE | {"part": [2, 3]}, tmp_path / "killed"
    whole = train(inputs, tmp_path / "whole", recipe)
    process = start(inputs, out, recipe)
    wait_for_state(process, out, 14)
    process.kill()
    process.wait()
    finish(start(inputs, out, recipe), out)
    assert "resuming after step" in said(out)
    assert weights(out) == whole
