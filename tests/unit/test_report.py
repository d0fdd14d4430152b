"""What the report shows is what the results hold: costs, curves, coverage, holes, and how to get the same."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jinja2 import UndefinedError
from made_up_scores import summary_of
from report_data import page_data

from growmerge.artifacts import publish, read_manifest, write_manifest
from growmerge.config import load_files, validate
from growmerge.report import samples
from growmerge.report.costs import costs, machines, planned
from growmerge.report.coverage import coverage
from growmerge.report.made import Made
from growmerge.report.missing import holes
from growmerge.report.models import curve, models
from growmerge.report.page import Coverage, Page, Recipe
from growmerge.report.recipe import recipe
from growmerge.report.write import rendered
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.matching import Match

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="module")
def study():
    return load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results with a model, its scores and a table."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/miniature")
    with publish(folder / "models/2x/swe") as draft:
        (draft.folder / "model.safetensors").write_bytes(b"weights")
        steps = [{"tokens": 10 * step, "loss": 5 - step / 100} for step in range(1, 201)]
        (draft.folder / "training_log.jsonl").write_text("\n".join(map(json.dumps, steps)) + "\n")
        draft.facts.update(steps=200, tokens=2000, flops=3.5e12)
    with publish(folder / "scores/2x/swe", inputs=[folder / "models/2x/swe"]) as draft:
        (draft.folder / "items.parquet").write_bytes(b"items")
    (folder / "tables").mkdir()
    (folder / "tables/a.b.csv").write_text("x\n1\n")
    write_manifest(folder / "tables/a.b.manifest.json", ["a.b.csv"])
    return folder


def test_manifests_are_found_and_damaged_ones_named(results):
    for unfinished in ("checkpoints/2x/swe/step-000010", "models/.x.partial"):
        (results / unfinished).mkdir(parents=True)
        (results / unfinished / "manifest.json").write_text("{}")
    (results / "models/2x/isl").mkdir()
    (results / "models/2x/isl/manifest.json").write_text("{")
    made = Made.under(results)
    assert list(made.manifests) == [
        "models/2x/swe/manifest.json",
        "scores/2x/swe/manifest.json",
        "tables/a.b.manifest.json",
    ]
    assert made.of("models/2x/swe").digest == read_manifest(results / "models/2x/swe").digest
    assert list(made.damaged) == ["models/2x/isl/manifest.json"]
    assert "is damaged" in made.damaged["models/2x/isl/manifest.json"]


def test_planned_cost_is_the_plan_and_spent_cost_is_in_manifests(study, results):
    grid = Grid(study)
    rows, unknown = planned(grid, Layout(study, grid))
    assert unknown == ""
    by_folder = {cost.kind: cost for cost in costs(rows, Made.under(results), grid)}
    trained = [row for row in rows if row.kind in ("base", "clone", "model", "healed")]
    assert by_folder["models"].planned == len(trained)
    assert by_folder["models"].planned_flops == pytest.approx(sum(row.flops for row in trained))
    assert (by_folder["models"].made, by_folder["models"].flops) == (1, 3.5e12)
    assert by_folder["models"].hours > 0
    assert by_folder["scores"].flops is None, "nobody records them"
    assert (by_folder["tables"].planned, by_folder["tables"].made, by_folder["tables"].disk) == (None, 1, 4)
    (machine,) = machines(Made.under(results))
    assert machine.artifacts == 3


def test_a_corpus_of_unknown_size_leaves_the_plan_empty_and_says_so(study):
    data = study.model_dump(mode="json", by_alias=True)
    for corpus in data["corpora"]:
        corpus["expected"] = None
    unknown = validate(data)
    rows, why = planned(Grid(unknown), Layout(unknown, Grid(unknown)))
    assert rows == []
    assert "has no `expected`" in why


def test_a_curve_is_thin_and_keeps_its_last_step(results):
    points = curve(results / "models/2x/swe/training_log.jsonl")
    assert points[0] == [10, 4.99]
    assert points[-1] == [2000, 3.0]
    assert 60 < len(points) <= 81
    (results / "log").write_text('{"tokens": 1, "loss": NaN}\n{"tokens": 2, "loss": 3.0}\n')
    assert curve(results / "log") == [[2, 3.0]]


def test_a_model_has_its_scores_and_the_mean_of_its_own_languages(study, results):
    grid = Grid(study)
    merge = "2x/isl+swe/linear"
    scores = summary_of(
        {
            "2x/swe": {"acceptability": {"swe": 0.8, "eng": 0.7}},
            merge: {"acceptability": {"swe": 0.6, "isl": 0.5, "eng": 0.9}},
            "2x/ekk+swe/linear": {"acceptability": {"swe": 0.6, "ekk": None}},
        }
    )
    shown = [grid.model(name) for name in ("2x/swe", merge, "2x/ekk+swe/linear")]
    rows, _ = planned(grid, Layout(study, grid))
    found = models(shown, grid, Layout(study, grid), Made.under(results), scores, rows)
    assert found["2x/swe"]["manifests"] == ["models/2x/swe/manifest.json", "scores/2x/swe/manifest.json"]
    of_expert = found["2x/swe"]["scores"]["acceptability"]
    assert of_expert["own"] == of_expert["swe"] == [0.8, 0.76, 0.84, 100, 0.5]
    assert found[merge]["scores"]["acceptability"]["own"] == [0.55, None, None, 2, 0.5]
    assert "own" not in found["2x/ekk+swe/linear"]["scores"]["acceptability"], "a mean over fewer does not compare"
    assert found["2x/swe"]["planned"]["flops"] == next(r.flops for r in rows if r.id == "2x/swe" and r.kind == "model")
    assert found["2x/swe"]["facts"]["tokens"] == 2000
    assert found["base-2x"]["manifests"] == []


def test_coverage_counts_the_models_above_chance(study):
    grid = Grid(study)
    scores = summary_of({"2x/swe": {"acceptability": {"swe": 0.8}}, "2x/multi": {"acceptability": {"swe": 0.52}}})
    found = coverage(grid, scores)
    row = next(cells for name, _, cells in found.rows if name == "acceptability")
    cell = row[list(found.languages).index("swe")]
    assert (cell.items, cell.models, cell.above, cell.worst, cell.best) == (100, 2, 1, 0.52, 0.8)
    assert row[list(found.languages).index("isl")].items == 0


def test_what_is_missing_is_named_with_its_reason(study, results):
    grid = Grid(study)
    names = ("2x/swe", "2x/isl")
    scores = summary_of({name: {"acceptability": {"swe": 0.8, "isl": None}} for name in names})
    match = Match("swe", "scratch", "2x", 10, 20, 2.0, True, False)
    shown = [grid.model(name) for name in names]
    found = {
        hole.what: hole
        for hole in holes(shown, grid, Layout(study, grid), Made.under(results), scores, ["baselines"], [match])
        if hole.names
    }
    assert "2x/isl" in found["Models that do not exist"].names
    assert "2x/swe" not in found["Models that do not exist"].names
    assert found["Models without scores"].names == ["2x/isl"]
    assert found["Scores without a number"].names == ["2x/swe: acceptability in isl"]
    assert found["Pairs of setups that are not compared at equal cost"].names == ["swe: scratch and 2x"]
    assert "methods" in found["Figures that are not drawn"].names
    assert "Damaged artifacts" not in found


def test_the_configuration_of_the_page_is_the_study(study, results):
    shown = recipe(study, Made.under(results))
    assert validate(yaml.safe_load(shown.configuration)) == study
    assert shown.commits[0].artifacts == 3
    assert "snakemake all --configfile miniature.yaml" in shown.commands


def empty_page(**changes):
    none = {name: () for name in ("summary", "counts", "costs", "hardware", "figures", "tables", "holes")}
    whole = none | {"study": "<s>", "gpu": "H100", "plan_unknown": "", "coverage": Coverage((), ()), "data": {}}
    return Page(**(whole | {"recipe": Recipe((), (), "", "")} | changes))


def test_the_page_lets_nothing_in_and_escapes_what_it_shows():
    html = rendered(empty_page(summary=["<img src=x>"], data={"</script>": float("nan")}))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert "<s>" not in html and "<img src=x>" not in html
    assert page_data(html) == {"</script>": None}
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html) == []
    assert html == rendered(empty_page(summary=["<img src=x>"], data={"</script>": float("nan")}))


def test_a_name_that_the_template_does_not_know_is_an_error(monkeypatch):
    with pytest.raises(UndefinedError):
        rendered(empty_page(coverage=None))


def test_without_any_benchmark_no_answers_are_shown(study, small_results):
    """Their folders may be gone, for room: scores and tables are still there."""
    score = next((small_results / "small/scores").rglob("items.parquet"))
    assert samples.results(study, score, {}) == {}
