"""Grids and tables of many thousand merges: the work grows with their number, not with its square."""

import re
from itertools import combinations
from weakref import WeakSet

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from snakemake.io import regex_from_filepattern
from work import lines_of

from growmerge.config import validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid, Model
from growmerge.study.layout import Layout
from growmerge.study.matching import match_compute
from growmerge.study.shown import Shown
from growmerge.study.wildcards import combination_of, constraints
from growmerge.tables.contrasts import contrasts, models_in_turn

CODES = ["swe", "isl", "ekk", "fas", "dan", "nob", "fao", "fin", "lav", "lit", "pol", "ces"]
MORE = 2.0  # a combination has more members in a larger grid, and may cost twice as much


def layout(languages: int, **merging) -> Layout:
    """The miniature with so many languages, and merges of all their combinations in four setups."""
    data = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))
    listed = [{"code": code, "name": code, "corpus": "swe", "epochs": 1} for code in CODES[:languages]]
    study = validate(data | {"languages": listed, "merging": merge_mappings(data["merging"], merging)})
    return Layout(study, Grid(study))


def parse(languages: int) -> int:
    """Merges in the grid that the rules are parsed with."""
    grid = layout(languages).grid
    constraints(grid)
    costs = Costs(grid, stated_counts(grid.study))
    shown = Shown(costs, match_compute(costs, grid.study.analysis.matching_bound))
    assert shown.pairs()
    assert shown.main_merges
    return len(grid.merges)


def ask(of: Layout) -> None:
    """Everything that the rules ask for about the merges."""
    methods = of.study.merging.methods
    for setup, combination in dict.fromkeys((merge.setup, merge.combination) for merge in of.grid.merges):
        of.members(setup, combination)
        of.merge_bases(setup, combination, methods)
        of.merge_statistics(setup, combination, methods)
        of.kept_of(setup, combination, methods)


@pytest.mark.parametrize("keep", [False, True])
def test_what_rules_ask_about_a_merge_costs_the_same_in_a_large_grid(keep):
    small, large = (layout(languages, keep=keep) for languages in (6, 9))
    assert len(large.grid.merges) > 6 * len(small.grid.merges)
    work = [lines_of(lambda of=of: ask(of)) / len(of.grid.merges) for of in (small, large)]
    assert work[1] < MORE * work[0]


def test_parsing_costs_the_same_for_each_merge_of_a_large_grid():
    merges: dict[int, int] = {}
    work = {n: lines_of(lambda n=n: merges.update({n: parse(n)})) / merges[n] for n in (6, 9)}
    assert work[9] < MORE * work[6]


@given(
    sizes=st.sets(st.integers(2, 6)),
    others=st.sets(st.sampled_from(["ekk+isl", "ekk+fas+isl", "ekk+swe@40", "dan+ekk+fas+isl+nob+swe"])),
)
def test_the_wildcard_of_combinations_matches_those_of_the_grid_and_nothing_else(sizes, others):
    codes = ["swe", "isl", "ekk", "fas", "dan", "nob"]
    everything = {size: ["+".join(c) for c in combinations(sorted(codes), size)] for size in range(1, 7)}
    wanted = {combination for size in sizes for combination in everything[size]} | others
    # As Snakemake embeds it into the paths of scores and logs.
    pattern = f"scores/{{setup,1x|2x}}/{{combination,{combination_of(codes, wanted)}}}"
    wrong = [
        "",
        "swe+isl",
        "ekk+",
        "+ekk",
        "ekkfas",
        "ekk+ekk",
        "ekk+fas+",
        "ekk+xyz",
        "ekk+fas@40",
        "ekk+fas@",
        "ek+fas",
    ]
    for behind in ("/ties/items.parquet", ".log", ".ties.log"):
        matches = re.compile(regex_from_filepattern(pattern + behind)).match
        for combination in {x for of_size in everything.values() for x in of_size} | others | set(wrong):
            found = matches(f"scores/2x/{combination}{behind}")
            assert (found and found["combination"]) == (combination if combination in wanted else None)


def test_the_wildcard_of_combinations_stays_short():
    assert len(constraints(layout(9).grid)["combination"]) < 1000
    assert len(constraints(layout(9, ensemble={"sizes": [3, 4, 5]}).grid)["ensemble"]) < 2000


def merge(setup: str, target: str, method: str) -> Model:
    languages = tuple(target.split("+"))
    kind = "merge" if method else "model"
    return Model("/".join(filter(None, (setup, target, method))), kind, (), 1, setup, target, method, languages)


def test_contrasts_keep_few_models_in_memory_at_a_time():
    targets = ["swe", "isl", *(f"isl+{chr(a)}{chr(b)}a" for a in range(97, 117) for b in range(97, 107))]
    models = [
        merge(setup, target, method)
        for setup in ("1x", "2x", "scratch")
        for target in targets
        for method in (("linear", "ties") if "+" in target else ("",))
    ]
    wanted = contrasts(models, "linear", "eng")
    assert {contrast.kind for contrast in wanted} == {"method", "expert", "setup"}
    alive: WeakSet = WeakSet()
    most, read = 0, []

    class Values(dict):
        __hash__ = object.__hash__

    def values(name: str) -> Values:
        read.append(name)
        found = Values()
        alive.add(found)
        return found

    places = []
    for place, *_ in models_in_turn(wanted, values):
        most = max(most, len(alive))
        places.append(place)
    assert sorted(places) == list(range(len(wanted)))
    assert sorted(read) == sorted({name for contrast in wanted for name in contrast[1:3]}), "each is read once"
    assert most <= 3 * (2 + 2) + 1, "two experts and two merges of each setup"


def test_contrasts_are_found_in_one_pass():
    def of(targets: int) -> list[Model]:
        return [merge(f"s{n}", f"isl+{t:03}", "ties") for n in range(4) for t in range(targets)]

    work = [lines_of(lambda n=n: contrasts(of(n), "linear", "eng")) / n for n in (10, 400)]
    assert work[1] < MORE * work[0]


def test_merges_of_the_same_members_share_what_they_know_of_them():
    merges: dict[str, list[Model]] = {}
    for found in layout(4).grid.merges:
        merges.setdefault(f"{found.setup}/{found.combination}", []).append(found)
    first, *others = merges["2x/ekk+isl"]
    assert others
    for shared in ("parents", "languages", "scored_in"):
        assert all(getattr(other, shared) is getattr(first, shared) for other in others)
