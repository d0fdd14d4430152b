"""A target that no rule makes is told with the nearest that there is."""

import logging

import pytest

from growmerge.study.near_targets import NearTargets, nearest_target, no_such_target

RESULTS = "results/miniature"
KNOWN = [
    *("all", "figures", "models", "scores", "plan"),
    *(f"{RESULTS}/figures/{name}.pdf" for name in ("baselines", "methods", "pairwise")),
    *(
        f"{RESULTS}/merges/2x/{merge}"
        for merge in ("isl+swe/ties", "isl+swe/linear", "ekk+isl/ties", "ekk+swe@25/ties")
    ),
    f"{RESULTS}/models/2x/swe",
    f"{RESULTS}/scores/2x/isl+swe/ties/items.parquet",
]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("figures/baseline.pdf", f"{RESULTS}/figures/baselines.pdf"),
        ("figures/baselines.pdf", f"{RESULTS}/figures/baselines.pdf"),
        ("merges/2x/swe+isl/ties", f"{RESULTS}/merges/2x/isl+swe/ties"),
        (f"{RESULTS}/merges/2x/swe+isl/tiess", f"{RESULTS}/merges/2x/isl+swe/ties"),
        ("merges/2x/swe+ekk@25/ties", f"{RESULTS}/merges/2x/ekk+swe@25/ties"),
        (f"{RESULTS}/model/2x/swe", f"{RESULTS}/models/2x/swe"),
        (f"{RESULTS}/scores/2x/swe+isl/ties", f"{RESULTS}/scores/2x/isl+swe/ties/items.parquet"),
        ("figuers", "figures"),
        ("somewhere/else", ""),
    ],
)
def test_the_nearest_target(asked, meant):
    assert nearest_target(asked, KNOWN, RESULTS) == meant


def test_a_target_of_another_study_is_told_so():
    told = no_such_target("results/published/figures/methods.pdf", KNOWN, RESULTS)
    assert "it is of the study 'published', and this command is about 'miniature'" in told


def test_where_nothing_is_near_it_is_said_where_targets_are_listed():
    assert "`snakemake --list`" in no_such_target("somewhere/else", KNOWN, RESULTS)


def test_snakemakes_message_becomes_one_line_and_others_stay(caplog):
    from snakemake.exceptions import MissingRuleException, format_exception_to_string

    logger = logging.getLogger("test_near_targets")
    logger.addFilter(NearTargets(lambda: KNOWN, RESULTS))
    logger.error(format_exception_to_string(MissingRuleException("figures/baseline.pdf")))
    logger.error("100 % of another")
    told, other = (record.getMessage() for record in caplog.records)
    assert told.splitlines()[1:] == [
        f"'figures/baseline.pdf': no rule makes it; did you mean '{RESULTS}/figures/baselines.pdf'?"
    ]
    assert other == "100 % of another"
