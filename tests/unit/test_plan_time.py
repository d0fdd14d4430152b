"""The plan states how long a study takes on a number of GPUs, what it downloads, and fails if it is told to."""

from pathlib import Path

import pytest

from growmerge.catalogue.gated import GATED
from growmerge.config import load_files, validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.study import plan_time
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.plan import write_plan
from growmerge.study.plan_downloads import download_lines, downloads, requests
from growmerge.study.plan_rows import TEXT_BYTES_A_TOKEN, plan_rows
from growmerge.study.plan_time import Task, tasks_of, timing

CONFIG = Path(__file__).parents[2] / "config"


def planned(*files):
    grid = Grid(load_files(*(CONFIG / file for file in files)))
    costs = Costs(grid, stated_counts(grid.study))
    return plan_rows(grid, Layout(grid.study, grid), costs, []), costs


@pytest.fixture
def paper(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where nothing is built
    return planned("config.yaml")


@pytest.mark.parametrize(("gpus", "hours"), [(1, 13.0), (2, 9.0), (3, 6.0), (8, 6.0)])
def test_jobs_wait_for_what_they_need_and_for_free_gpus(gpus, hours, monkeypatch):
    tasks = {
        "base": Task(1, 2),
        "swe": Task(1, 4, {"base"}),
        "isl": Task(1, 3, {"base"}),
        "fao": Task(1, 3, {"base"}),
        "score": Task(1, 1, {"isl", "fao"}),
    }
    monkeypatch.setattr(plan_time, "tasks_of", lambda *_: tasks)
    found = timing([], None, gpus)
    assert found.hours == hours
    assert found.chain_hours == 6
    assert found.work_hours == 13 / gpus
    assert found.chain in {("base", "swe"), ("base", "isl", "score"), ("base", "fao", "score")}


def test_a_job_of_several_gpus_waits_for_all_of_them_and_smaller_jobs_go_before(monkeypatch):
    tasks = {"a": Task(1, 2), "large": Task(2, 5), "b": Task(1, 1)}
    monkeypatch.setattr(plan_time, "tasks_of", lambda *_: tasks)
    assert timing([], None, 2).hours == 7, "large runs first, as its chain is the longest; a and b side by side"


def test_no_number_of_gpus_beats_the_longest_chain_or_the_work(paper):
    rows, costs = paper
    hours = [timing(rows, costs, gpus) for gpus in (1, 2, 8, 64, 1024)]
    assert [found.hours for found in hours] == sorted((found.hours for found in hours), reverse=True)
    for found in hours:
        assert found.hours >= max(found.chain_hours, found.work_hours) * (1 - 1e-9)
    assert hours[0].hours == pytest.approx(hours[0].work_hours), "one GPU is never idle"
    assert hours[-1].hours == pytest.approx(hours[-1].chain_hours), "of a thousand GPUs one is always free"
    assert hours[-1].chain[:2] == ("seed", "base-1x")


def test_the_work_is_that_of_the_rows(paper):
    rows, costs = paper
    flops = sum(row.flops for row in rows)
    assert timing(rows, costs, 1).work_hours == pytest.approx(flops / (989e12 * 0.4 * 3600))


def test_merges_of_a_combination_are_one_job_that_needs_its_members(paper):
    rows, costs = paper
    tasks = tasks_of(rows, costs, 8)
    assert tasks["score 2x/isl+swe"].needs == {"2x/isl", "2x/swe"}
    assert tasks["score 2x/swe"].needs == {"2x/swe", "base-2x"}
    assert "score 2x/isl+swe/ties" not in tasks


def test_healed_merges_and_fitted_coefficients_are_in_the_chain():
    rows, costs = planned("config.yaml", "miniature.yaml")
    tasks = tasks_of(rows, costs, 8)
    fitted = next(name for name in tasks if name.startswith("coefficients 2x/"))
    languages = fitted.split("/")[1].split("+")
    assert tasks[fitted].needs == {f"2x/{language}" for language in languages}
    assert fitted in tasks[fitted.replace("coefficients", "score")].needs
    healed = next(m for m in costs.grid.healed if m.parents[0] in costs.grid.kept)
    assert tasks[healed.id].needs == set(healed.parents)
    assert tasks[healed.parents[0]].hours == 0


def test_text_and_models_of_the_hub_are_downloaded_and_what_is_there_is_not(paper, tmp_path):
    rows, costs = paper
    shards = [row for row in rows if row.kind == "shards"]
    externals = [row for row in rows if row.kind == "external"]
    found = downloads(rows, costs)
    assert found.text == pytest.approx(sum(row.tokens for row in shards) * TEXT_BYTES_A_TOKEN, abs=10)
    assert found.models == sum(row.disk_bytes for row in externals) > 0
    Path(shards[0].path).mkdir(parents=True)
    assert found.text - downloads(rows, costs).text == round(shards[0].tokens * TEXT_BYTES_A_TOKEN)


def test_packages_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows, costs = planned("config.yaml", "miniature.yaml")
    packages = costs.grid.study.packages
    assert downloads(rows, costs) == (0, 0, len(packages))
    Path("results/downloads", f"{packages[0].name}-{packages[0].version}").mkdir(parents=True)
    assert downloads(rows, costs).packages == len(packages) - 1


def strict(tmp_path, monkeypatch, **plan):
    monkeypatch.chdir(tmp_path)
    data = merge_mappings(read_yaml(CONFIG / "config.yaml"), read_yaml(CONFIG / "miniature.yaml"))
    write_plan(validate(data | {"plan": {"strict": "true"} | plan}), tmp_path)  # as --config hands it over
    return (tmp_path / "plan.md").read_text(encoding="utf-8")


def test_a_strict_plan_that_fits_is_written(tmp_path, monkeypatch):
    report = strict(tmp_path, monkeypatch, hours="1", gpus="4")
    assert "## Time on 4 GPUs" in report
    assert "## Downloads" in report


def test_a_strict_plan_that_takes_too_long_fails_and_is_written(tmp_path, monkeypatch):
    with pytest.raises(
        GrowmergeError, match=r"does not fit: it takes .* hours on 8 GPUs, more than plan.hours = 1e-09"
    ):
        strict(tmp_path, monkeypatch, hours=1e-9)
    assert "## Time on 8 GPUs" in (tmp_path / "plan.md").read_text(encoding="utf-8")


def test_a_strict_plan_without_room_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("growmerge.study.plan.free_bytes", lambda folder: 1000)
    with pytest.raises(GrowmergeError, match=r"[GM]B of disk are missing"):
        strict(tmp_path, monkeypatch)


def test_files_that_are_fetched_one_by_one_are_counted_until_their_corpus_is_built(paper):
    rows, costs = paper
    assert requests(rows, costs) == {"code": 7_680_000}
    report = "\n".join(download_lines(rows, costs))
    assert (
        "Corpus `code`: 7,680,000 files of Software Heritage, a request each, in 8 jobs with 32 requests at a time; "
        "1 h 40 min a job at 0.2 seconds a request."
    ) in report
    (code,) = [row for row in rows if row.kind == "shards" and row.id == "code"]
    Path(code.path).mkdir(parents=True)
    assert requests(rows, costs) == {}
    assert "Software Heritage" not in "\n".join(download_lines(rows, costs))


def test_what_is_gated_is_named_and_readme_says_what_it_takes(paper):
    second = planned("config.yaml", "limits-of-merging.yaml")
    report = "\n".join(line for study in (paper, second) for line in download_lines(*study))
    readme = (CONFIG.parent / "README.md").read_text(encoding="utf-8")
    for name, licence in GATED.items():
        assert f"{name} ({licence})" in report
        assert f"huggingface.co/{name})" in readme or f"huggingface.co/datasets/{name})" in readme
    assert "nothing that is known" in "\n".join(download_lines(*planned("config.yaml", "miniature.yaml")))
