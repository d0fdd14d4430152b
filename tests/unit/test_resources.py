"""What jobs ask for, at full size and in the miniature."""

import re

import pytest
from conftest import ROOT

from growmerge.config.load import load_files
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.resources import (
    DAY,
    MERGES_AT_ONCE,
    inference_memory,
    merging_memory,
    merging_minutes,
    scoring_minutes,
    training_gpus,
    training_memory,
    training_minutes,
)


@pytest.fixture(scope="module")
def full():
    study = load_files(ROOT / "config/config.yaml")
    return Costs(Grid(study), stated_counts(study))


def test_a_training_gets_as_few_gpus_as_make_it_take_a_day(full):
    # 6.5e18 FLOPs for Faroese on the 572M model, 9.9e20 for all languages: 4.5 and 692 hours on one H100 at 40 %.
    assert training_gpus(full, "2x/fao") == 1
    assert training_gpus(full, "1x/isl") == 2  # 28 hours
    assert training_gpus(full, "1x/swe") == 4  # 70 hours
    assert training_gpus(full, "2x/multi") == 8, "a node, though it takes longer"


def test_its_time_is_what_the_plan_says_and_a_margin(full):
    assert training_minutes(full, "2x/fao", attempt=1) == pytest.approx(1.5 * 4.54 * 60 + 30, rel=0.01)
    assert training_minutes(full, "2x/multi", attempt=1) == pytest.approx(1.5 * 692 / 8 * 60 + 30, rel=0.01)


def test_a_larger_model_and_a_later_attempt_get_more(full):
    assert training_memory(full, "2x/fao", 1) > training_memory(full, "1x/fao", 1)
    assert training_memory(full, "2x/swe", 1) > training_memory(full, "2x/fao", 1), "a process for every GPU"
    for ask in (training_memory, training_minutes):
        assert ask(full, "2x/fao", 2) == 2 * ask(full, "2x/fao", 1)
    study = full.grid.study
    assert inference_memory(study, 2, 7, 2) == 2 * inference_memory(study, 2, 7, 1) > inference_memory(study, 1, 7, 1)


def test_a_job_of_merges_gets_room_for_those_that_wait_and_for_the_one_that_is_scored(full):
    study = full.grid.study
    millions = full.parameters(2) / 1e6
    held = MERGES_AT_ONCE * 2 * millions
    assert held + 4 * millions < merging_memory(study, 2, 1) - 3000 < held + 4 * 4 * millions
    in_fp32 = study.model_copy(update={"merging": study.merging.model_copy(update={"dtype": "float32"})})
    assert merging_memory(in_fp32, 2, 1) - merging_memory(study, 2, 1) == pytest.approx(held, abs=1)
    assert merging_memory(study, 2, 2) == 2 * merging_memory(study, 2, 1)


def test_a_training_that_was_interrupted_often_still_fits_a_node(full):
    assert training_memory(full, "2x/multi", attempt=20) < 256_000


def test_where_the_tokens_are_not_known_it_is_a_day_on_one_gpu(full):
    counts = {name: size for name, size in stated_counts(full.grid.study).items() if name != "swe"}
    unknown = Costs(full.grid, counts)
    assert training_gpus(unknown, "2x/swe") == 1
    assert training_minutes(unknown, "2x/swe", attempt=1) == DAY


def test_later_attempts_ask_for_three_times_as_much_and_no_more():
    """They are due to interruptions: with five retries, a table would else ask for 48 GB."""
    assert [scoring_minutes(False, attempt) for attempt in range(1, 7)] == [30, 60, 90, 90, 90, 90]
    assert [merging_minutes(True, attempt) for attempt in range(1, 7)] == [480, 960, 1440, 1440, 1440, 1440]
    for file in (ROOT / "workflow/rules").glob("*.smk"):
        assert not re.search(r"\* attempt|attempt \*", file.read_text(encoding="utf-8")), file
