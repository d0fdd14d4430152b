"""The grid holds exactly the models of the papers, each with its true parents and data."""

import json
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.config import load_files, validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.recipe import Recipe, Recipes
from growmerge.study.wildcards import constraints

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def full():
    return Grid(load_files(CONFIG / "config.yaml"))


@pytest.fixture(scope="module")
def miniature():
    return Grid(load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml"))


def test_the_paper_has_390_merges_18_models_and_3_trained_bases(full):
    assert len(full.merges) == 390
    assert len(full.models) == 18
    assert [base.name for base in full.study.bases if base.train] == ["seed", "base-1x", "base-2x"]
    assert len(full.combinations) == 26


def test_the_miniature_has_the_papers_methods_others_and_merges_of_all_languages_alone(miniature):
    finished = [m for m in miniature.merges if m.step is None and m.setup not in miniature.rounds]
    everywhere = [method.name for method in miniature.study.merging.methods if method.sizes is None]
    assert len(everywhere) == 6
    assert len([m for m in finished if m.method in everywhere]) == 11 * 6 * 4
    alone = [m for m in finished if m.method not in everywhere]
    assert {len(m.languages) for m in alone} == {4}
    assert len(alone) == 4 * len([method for method in miniature.study.merging.methods if method.sizes == "all"])
    assert {m.step for m in miniature.merges} == {None, 32, 64, 96}
    assert {m.method for m in miniature.merges if m.step} == set(everywhere)
    assert len([m for m in miniature.models if m.setup not in miniature.rounds]) == 4 * 5


def test_ids_are_unique_and_combinations_sorted(full):
    ids = [model.id for model in full]
    assert len(set(ids)) == len(ids)
    assert all(c.split("+") == sorted(c.split("+")) for c in full.combinations)


def test_parents_are_in_the_grid_and_come_first(full):
    seen = set()
    for model in full:
        assert seen.issuperset(model.parents), model
        seen.add(model.id)


def test_members_of_a_merge_belong_to_its_setup_and_languages(full):
    merge = full.model("2x/isl+swe/ties")
    assert merge.parents == ("2x/isl", "2x/swe")
    assert merge.languages == ("isl", "swe")
    assert merge.method == "ties"


def test_the_base_of_task_vectors_is_the_ancestor_unless_another_is_named(full):
    assert full.merge_base("1x_cloned", "isl+swe", "ties") == "base-1x-x2"
    assert full.merge_base("2x", "isl+swe", "ties") == "base-2x"
    assert with_base("base-1x-x2").merge_base("2x", "isl+swe", "ties") == "base-1x-x2"


def published_grid(base):
    overlay = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "published.yaml"))
    return Grid(validate(overlay | {"merging": overlay["merging"] | {"base": base}}))


def test_published_1x_cloned_starts_from_the_clone_of_the_published_180m_base():
    grid = published_grid("ancestor")
    clone = grid.model("base-1x-x2")
    assert (clone.parents, clone.width, grid.base(clone.id).clone.snr_db) == (("base-1x",), 2, None)
    assert clone.id not in grid.imported
    assert grid.imported["base-1x"] == "hub:liu-nlp/HyperLlama-180M-english-1x"
    assert {grid.merge_base(merge.setup, merge.combination, merge.method) for merge in grid.merges} == {
        "base-1x",
        "base-1x-x2",
        "base-2x",
    }
    assert grid.trained == []


def test_published_merges_as_published_take_the_checkpoint_that_their_files_name():
    """By hand from the mergekit files: 26 combinations by the three methods that have a base, in each setup."""
    grid = published_grid("as_published")
    with_base = [merge for merge in grid.merges if grid.method(merge.method).uses_base]
    named = Counter((m.setup, grid.merge_base(m.setup, m.combination, m.method)) for m in with_base)
    assert named == {
        ("1x", "base-1x"): 78,
        ("1x_cloned", "english-1x-cloned"): 78,
        ("2x", "english-1x-cloned"): 76,
        ("2x", "base-2x"): 2,
    }
    assert grid.imported["english-1x-cloned"] == "hub:liu-nlp/HyperLlama-572M-english-1x-cloned"


def test_the_base_as_published_is_that_of_the_390_files():
    """1x: base 1x. 1x_cloned and 2x: the cloned base 1x; but base 2x in the five-language ties and dare_ties of 2x."""
    published = with_base("as_published")
    bases = {
        (m.setup, len(m.languages), m.method): published.merge_base(m.setup, m.target, m.method)
        for m in published.merges
    }
    assert {base for (setup, _, _), base in bases.items() if setup == "1x"} == {"base-1x"}
    assert {base for (setup, _, _), base in bases.items() if setup == "1x_cloned"} == {"base-1x-x2"}
    two = {cell for cell, base in bases.items() if cell[0] == "2x" and base == "base-2x"}
    assert two == {("2x", 5, "ties"), ("2x", 5, "dare_ties")}
    assert {bases[cell] for cell in bases if cell[0] == "2x" and cell not in two} == {"base-1x-x2"}


def with_base(base):
    return Grid(validate(merge_mappings(read_yaml(CONFIG / "config.yaml"), {"merging": {"base": base}})))


def test_widths_multiply_along_the_ancestry(full):
    widths = {model.id: model.width for model in full}
    assert widths["seed"] == widths["1x/swe"] == 1
    assert widths["base-2x"] == widths["1x_cloned/swe"] == widths["2x/multi"] == 2


def test_scratch_models_share_the_one_initialisation(miniature):
    assert {m.parents for m in miniature.models if m.setup == "scratch"} == {("init",)}


def test_a_model_reads_its_own_text_its_replay_and_the_replay_reference(full):
    assert Recipes(full).corpora_of("1x/isl") == ["swe", "isl", "eng80", "code"]
    assert Recipes(full).corpora_of("seed") == ["code", "eng80"]
    assert set(Recipes(full).corpora_of("1x/multi")) == {"swe", "isl", "fao", "ekk", "fas", "eng80", "code"}


def test_a_stage_can_have_a_checkpoint_interval_of_its_own(full):
    assert Recipes(full).checkpoint_every("seed") == 2500
    assert Recipes(full).checkpoint_every("1x/fao") == 24
    assert Recipes(full).checkpoint_every("1x/swe") == Recipes(full).checkpoint_every("1x/multi") == 250


def test_a_new_language_changes_no_finished_recipe_but_multi(miniature):
    data = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))
    kept = [language for language in data["languages"] if language["code"] != "ekk"]
    smaller = Grid(validate(data | {"languages": kept}))
    for model in [*smaller.bases, *smaller.models]:
        if model.id == "init" or (model.kind == "base" and not smaller.base(model.id).train):
            continue
        same = Recipes(smaller).of(model.id) == Recipes(miniature).of(model.id)
        assert same == (model.target != "multi"), model.id


def test_the_order_of_the_languages_changes_no_recipe(miniature):
    data = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))
    reordered = Grid(validate(data | {"languages": data["languages"][::-1]}))
    for model in miniature.models:
        assert Recipes(reordered).of(model.id) == Recipes(miniature).of(model.id)
    assert reordered.combinations == miniature.combinations


def test_wildcards_match_the_grid_and_nothing_else(full):
    patterns = constraints(full)
    assert all(re.fullmatch(patterns["model"], m.id) for m in [*full.bases, *full.models])
    assert not any(re.fullmatch(patterns["model"], m.id) for m in full.merges)
    assert re.fullmatch(patterns["combination"], "isl+swe")
    assert not re.fullmatch(patterns["combination"], "swe+isl")
    assert not re.fullmatch(patterns["setup"], "3x")
    assert not re.fullmatch(patterns["model"], "reference")


def test_published_checkpoints_take_the_places_of_bases_and_models():
    data = read_yaml(CONFIG / "config.yaml")
    bases = [
        {"name": "base-1x", "from": "hub:liu-nlp/HyperLlama-180M-english-1x"},
        {"name": "base-1x-x2", "from": "base-1x", "clone": {"factor": 2}},
        {"name": "base-2x", "from": "hub:liu-nlp/HyperLlama-572M-english-2x@main", "width": 2},
    ]
    setups = [
        {"name": "1x", "base": "base-1x", "from": {"swe": "folder:checkpoints/swe"}},
        {"name": "2x", "base": "base-2x"},
    ]
    grid = Grid(
        validate(data | {"bases": bases, "setups": setups, "merging": data["merging"] | {"published_bases": []}})
    )
    assert grid.imported["base-2x"] == "hub:liu-nlp/HyperLlama-572M-english-2x@main"
    assert grid.imported["1x/swe"] == "folder:checkpoints/swe"
    assert grid.model("1x/swe").parents == grid.model("base-1x").parents == ()
    assert (grid.model("base-2x").width, grid.model("2x/swe").width, grid.model("base-1x-x2").width) == (2, 2, 2)
    patterns = constraints(grid)
    assert re.fullmatch(patterns["imported"], "1x/swe")
    assert not re.fullmatch(patterns["adapted"], "1x/swe")
    assert re.fullmatch(patterns["adapted"], "2x/swe")
    assert "1x/swe" not in {model.id for model in grid.trained}
    assert grid.model("1x/isl+swe/ties").parents == ("1x/isl", "1x/swe"), "an imported model is merged as the others"


def test_what_is_made_here_is_scored_in_what_it_has_learned_and_in_english(miniature):
    def languages(model):
        return miniature.model(model).scored_in

    assert languages("2x/swe") == languages("1x-rounds-2/swe") == ("eng", "swe")
    assert languages("2x/isl+swe/linear") == ("eng", "swe", "isl"), "in the order of the configuration"
    everything = ("eng", "swe", "isl", "ekk", "fas")
    of_all = ("2x/multi", "1x/ekk+fas+isl+swe/linear~5", "1x/ekk+fas+isl+swe/base~5", "2x/ekk+fas+isl+swe/ensemble")
    assert {languages(model) for model in of_all} == {everything}
    assert miniature.checkpoint("2x/swe", 40).scored_in == ("eng", "swe")
    assert languages("base-2x") is None, "in every language of the study"


def test_what_comes_from_elsewhere_is_scored_in_every_language():
    published = Grid(load_files(CONFIG / "config.yaml", CONFIG / "published.yaml"))
    assert {published.model(name).scored_in for name in ("base-1x", "1x/swe", "1x/multi", "external/smollm2-135m")} == {
        None
    }
    assert published.model("1x/isl+swe/linear").scored_in == ("eng", "swe", "isl"), "the merge is made here"


def test_everything_is_scored_in_every_language_if_the_study_asks_for_it():
    limits = Grid(load_files(CONFIG / "config.yaml", CONFIG / "limits-of-merging.yaml"))
    assert limits.study.scoring.languages == "all", "Figure 2 shows merges in languages that are not merged yet"
    assert {model.scored_in for model in limits} == {None}


@given(st.sets(st.sampled_from([a + b + c for a in "abc" for b in "def" for c in "ghi"]), min_size=1, max_size=6))
def test_combinations_are_all_subsets_of_two_and_more(codes):
    template = read_yaml(CONFIG / "config.yaml")
    language = template["languages"][0]
    data = template | {
        "languages": [language | {"code": code, "unscored": True} for code in sorted(codes, reverse=True)],
        "unimax": template["unimax"] | {"fixed": {}},
        "benchmarks": [{"name": "parity", "use": "flores"}],
        "replay": template["replay"] | {"reference": min(codes)},
    }
    grid = Grid(validate(data))
    expected = ["+".join(c) for k in range(2, len(codes) + 1) for c in combinations(sorted(codes), k)]
    assert grid.combinations == expected
    assert len(grid.combinations) == sum(comb(len(codes), k) for k in range(2, len(codes) + 1))
    assert grid.targets == [*sorted(codes, reverse=True), *(["multi"] if len(codes) > 1 else [])]


def test_the_grid_is_expanded_without_heavy_imports():
    heavy = {"torch", "transformers", "pandas", "numpy", "pyarrow", "mergekit", "datasets"}
    ours = "growmerge.study.layout, growmerge.study.matching, growmerge.study.resources, growmerge.study.plan_report"
    code = f"import sys, {ours}; print(sorted({heavy} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_recipe_is_read_back_from_its_plain_data(full):
    for model in full.trained:
        recipe = Recipes(full).of(model.id)
        assert Recipe.read(recipe.plain()) == Recipe.read(json.loads(json.dumps(recipe.plain()))) == recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "many"}, "recipe: seed: "),
        ({"languages": [{"code": "swe", "corpus": "swe"}]}, "recipe: languages.0.epochs: "),
        ({"phases": []}, "recipe: languages: "),
        ({"decay": 1}, "recipe: decay: "),
    ],
)
def test_a_damaged_recipe_is_refused_by_the_name_of_its_key(full, change, message):
    with pytest.raises(GrowmergeError) as error:
        Recipe.read(Recipes(full).of("1x/swe").plain() | change)
    assert str(error.value).startswith(message)
