"""The study for one GPU fits into a day and a disk, by the plan; and so does that with text of one's own."""

import json
import re

import pytest
from conftest import ROOT

from growmerge.config.load import load_files
from growmerge.study.coverage import languages_markdown
from growmerge.study.layout import Layout
from growmerge.study.plan import plan_of
from growmerge.study.plan_report import peak_disk
from growmerge.study.plan_time import timing

DAY, GB = 24, 10**9
CONFIG = ROOT / "config"


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """Writes text of both languages where the files say: documents of some length, and how often."""
    monkeypatch.chdir(tmp_path)

    def write(words, documents):
        line = json.dumps({"text": "den " * words}) + "\n"
        for name in ("ces/a", "slk/a", "try/ces", "try/slk"):
            file = tmp_path / "texts" / f"{name}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(line * documents, encoding="utf-8")

    return write


def planned(*names):
    study = load_files(CONFIG / "config.yaml", *(CONFIG / name for name in names))
    plan = plan_of(study)
    Layout(study, plan.costs.grid).check_sources()
    return plan.costs.grid, plan.costs, timing(plan.rows, plan.costs, 1).hours, peak_disk(plan.rows, keep_merges=False)


def test_five_languages_with_three_seeds_take_a_day_of_one_gpu():
    grid, costs, hours, disk = planned("one-gpu.yaml")
    assert hours < DAY and disk < 100 * GB
    said = re.search(r"([\d.]+) H100 hours and ([\d.]+) GB", (CONFIG / "one-gpu.yaml").read_text(encoding="utf-8"))
    assert said and float(said[1]) == pytest.approx(hours, abs=0.05)
    assert float(said[2]) == pytest.approx(disk / GB, abs=0.05)
    assert len(grid.study.languages) == 5 and grid.replicates.seeds == [42, 43, 44]
    assert [round(costs.parameters(width) / 1e6) for width in (1, 2)] == [31, 101]
    assert {"rows", "tuned", "regmean", "iso_c"} <= {
        part.registered for m in grid.study.merging.methods for part in m.parts
    }
    capped = [corpus for corpus in grid.study.corpora if corpus.name in ("eng", *grid.study.language_codes)]
    assert all(corpus.max_bytes for corpus in capped)


def test_its_rehearsal_has_the_same_models_and_merges_and_few_steps():
    whole, _, _, _ = planned("one-gpu.yaml")
    grid, costs, _, disk = planned("one-gpu.yaml", "one-gpu-capped.yaml")
    assert {model.id for model in grid} < {model.id for model in whole} and len(grid.study.languages) == 5
    assert grid.study.architecture == whole.study.architecture
    assert grid.study.tokenizer == whole.study.tokenizer
    *methods, tuned = grid.study.merging.methods
    *of_whole, tuned_of_whole = whole.study.merging.methods
    assert methods == of_whole
    assert tuned == tuned_of_whole.model_copy(update={"parameters": {"steps": 3}}), "it would take a quarter of an hour"
    assert max(costs.steps(model.id) for model in grid.trained) < 100
    assert disk < 30 * GB


def test_so_does_text_of_ones_own_which_is_counted(texts, tmp_path):
    texts(words=100, documents=2600)
    grid, small, _, _ = planned("one-gpu.yaml", "one-gpu-own.yaml")
    assert grid.study.language_codes == ["ces", "slk"]
    assert small.count("ces").documents == 2600 * 0.99, "a share is held out"
    assert small.steps("1x/ces") < 20, "the plan shows that this is too little to train on"
    texts(words=100, documents=20_000)  # more than is read of a file to count it
    for code in ("ces", "slk"):  # as much as one-gpu.yaml has: 480 MB
        with (tmp_path / "texts" / code / "a.jsonl").open("ab") as file:
            file.truncate(480_000_000)
    _, costs, hours, disk = planned("one-gpu.yaml", "one-gpu-own.yaml")
    assert costs.count("ces").tokens > 100_000_000
    assert hours < DAY and disk < 100 * GB


def test_the_rehearsal_of_own_text_has_the_same_models_and_merges_and_little_text(texts):
    texts(words=40, documents=5000)
    files = ("one-gpu.yaml", "one-gpu-own.yaml")
    (whole, *_), (grid, costs, _, disk) = planned(*files), planned(*files, "one-gpu-try.yaml")
    study, study_of_a_day = grid.study, whole.study
    for section in ("architecture", "tokenizer", "setups", "merging", "scoring"):
        assert getattr(study, section) == getattr(study_of_a_day, section)
    assert [base.clone for base in study.bases] == [base.clone for base in study_of_a_day.bases]
    assert sum(costs.flops(model.id, costs.steps(model.id)) for model in grid.trained) < 1.5e14, "an hour of a CPU"
    assert disk < 20 * GB
    assert costs.replayed("1x/ces") > 0.05, "English and code are mixed in as well"


def test_the_plan_says_how_much_of_a_training_is_replay(texts):
    def replay(words):
        texts(words=words, documents=4000)
        _, costs, _, _ = planned("one-gpu.yaml", "one-gpu-own.yaml")
        lines = [line for line in languages_markdown(costs) if line.startswith("|")]
        rows = [[cell.strip() for cell in line.split("|")] for line in lines]
        (ces,) = (row for row in rows if row[1] == "ces (Czech)" and len(row) == len(rows[0]))
        share = costs.replayed("1x/ces")
        assert dict(zip(rows[0], ces, strict=True))["replay"] == f"{share:.0%}"
        return share

    assert replay(600) == pytest.approx(0.1, abs=0.03), "documents as long as those of FineWeb-2: as in one-gpu.yaml"
    assert replay(40) > 0.6, "English is scaled by documents: short ones of a language bring more of it"
