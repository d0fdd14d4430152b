"""Which tables and figures a study has, and which models are in each."""

import pytest
from conftest import ROOT

from growmerge.config.adding import merge_mappings
from growmerge.config.load import validate
from growmerge.config.yaml_files import read_yaml
from growmerge.figures import FIGURES
from growmerge.ids import split_seed
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.shown import Shown
from growmerge.study.tabulated import Tabulated

CONFIG = ROOT / "config"


def tabulated(*, compared=True, **overlay):
    plain = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))
    grid = Grid(validate(merge_mappings(plain, overlay)))
    return Tabulated(Shown(Costs(grid, stated_counts(grid.study)), ()), FIGURES, compared=compared)


@pytest.fixture(scope="module")
def one_seed():
    return tabulated()


@pytest.fixture(scope="module")
def two_seeds():
    return tabulated(seeds=[42, 43])


def ids(models):
    return [model.id for model in models]


def test_every_table_and_every_figure_is_there_once(one_seed):
    assert len(set(one_seed.tables)) == len(one_seed.tables)
    assert len(set(one_seed.figures)) == len(one_seed.figures)
    assert set(one_seed.figures) <= set(one_seed.tables), "each figure is drawn from a table of its name"
    assert {"scores", "contrasts", "signal", "trainings", "gap", "tokenizer", "pairwise"} <= set(one_seed.tables)


def test_a_figure_without_models_is_neither_drawn_nor_tabulated(one_seed):
    assert FIGURES["sharing"].models(one_seed.shown) == []
    assert "sharing" not in one_seed.figures and "sharing" not in one_seed.tables


def test_figures_of_comparisons_and_of_the_gap_need_what_they_are_drawn_from(one_seed):
    assert {"language_vectors", "similarity_and_drop"} <= set(one_seed.comparison_figures)
    without = tabulated(compared=False)
    assert without.comparison_figures == []
    assert set(one_seed.tables) - set(without.tables) == set(one_seed.comparison_figures)
    assert "gap" in one_seed.figures
    facts = tabulated(
        benchmarks=[{"name": "facts", "limit": 40}],
        merging={"methods": [{"name": "linear", "parameters": {"weight": 1.0}}], "healing": None, "rounds": None},
    )
    assert "gap" not in facts.figures, "no benchmark measures it"


def test_a_table_of_contrasts_is_made_for_each_figure_that_asks_for_some(one_seed):
    assert "pairwise" in one_seed.contrasted
    assert all(kinds and f"{figure}_contrasts" in one_seed.tables for figure, kinds in one_seed.contrasted.items())


def test_the_table_of_scores_has_all_that_is_scored_and_others_the_models_of_their_figure(one_seed):
    scored = ids(one_seed.shown.scored)
    assert ids(one_seed.models["scores"]) == scored
    assert ids(one_seed.models["pairwise"]) == ids(FIGURES["pairwise"].models(one_seed.shown))
    assert set(ids(one_seed.of_gap)) <= set(scored)


def test_with_one_seed_tables_hold_no_other_models(one_seed):
    assert one_seed.with_replicates == one_seed.models
    assert one_seed.first == one_seed.shown.scored


def test_tables_have_the_replicates_that_they_average_over(two_seeds):
    for table, models in two_seeds.models.items():
        added = set(ids(two_seeds.with_replicates[table])) - set(ids(models))
        averages = table == "scores" or FIGURES[table].over_seeds
        assert bool(two_seeds.averaged[table]) == averages, table
        if not averages:
            assert added == set()
    assert "2x#43/swe" in ids(two_seeds.with_replicates["baselines"])
    assert "2x#43/swe" in ids(two_seeds.judged)
    assert any(not figure.over_seeds for figure in FIGURES.values()), "else the test shows nothing"


def test_contrasts_are_between_models_of_the_first_seed(two_seeds):
    assert two_seeds.first and all(split_seed(model.id)[1] is None for model in two_seeds.first)
    assert len(two_seeds.first) < len(two_seeds.models["scores"])


def test_groups_are_plain_data_and_all_scores_have_none(one_seed):
    assert {"setup", "method", "members", "models"} == set(one_seed.groups("methods")[0])
    assert one_seed.groups("scores") == []
