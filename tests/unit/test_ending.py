"""A run says at its end where its outcome is, what has no scores, and what failed."""

from pathlib import Path

import pytest

from growmerge.config import load_files
from growmerge.study.ending import Failed, failures, outcome, without_scores
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout

CONFIG = Path(__file__).parents[2] / "config"
RESULTS = "results/miniature"


@pytest.fixture
def layout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml")
    return Layout(study, Grid(study))


def partial(layout):
    analysis = layout.study.analysis.model_copy(update={"partial": True})
    return Layout(layout.study.model_copy(update={"analysis": analysis}), layout.grid)


def test_figures_and_tables_of_this_run_and_the_report(layout):
    assert list(outcome(layout, [f"{RESULTS}/models/2x/swe"])) == []
    made = [f"{RESULTS}/figures/baselines.pdf"]
    assert list(outcome(layout, made)) == [f"Figures: {RESULTS}/figures/"]
    Path(RESULTS).mkdir(parents=True)
    Path(RESULTS, "report.html").touch()
    assert list(outcome(layout, made))[-1] == f"Report: {RESULTS}/report.html"
    assert list(outcome(layout, [])) == [], "a run that made neither, such as a plan, says nothing of them"


def test_cells_without_scores_are_named_if_they_may_be_missing(layout):
    for model in layout.grid:
        if model.id not in ("2x/swe", "1x/isl+swe/ties"):
            path = Path(layout.score(model.id))
            path.parent.mkdir(parents=True)
            path.touch()
    assert list(without_scores(layout, layout.grid)) == [], "else they would have been made"
    assert list(without_scores(partial(layout), layout.grid)) == [
        "2 without scores, left out as analysis.partial says: 2x/swe, 1x/isl+swe/ties"
    ]


def test_of_a_large_grid_a_hundred_are_named(layout):
    (line,) = without_scores(partial(layout), layout.grid)
    assert line.count(",") == 100 + 1
    assert line.endswith(f", and {len(list(layout.grid)) - 100} more")


def test_failed_jobs_are_listed_with_their_logs():
    failed = [Failed("plan", (), ("plan.log",)), Failed("adapt_model", ("2x/swe",), ())]
    first, *rest = failures(failed)
    assert first.startswith("2 jobs failed; ")
    assert rest == ["  adapt_model 2x/swe", "  plan: see plan.log"]
    assert list(failures([])) == []
