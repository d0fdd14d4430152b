"""The study for one GPU fits into a day and a disk, by the plan; and so does that with text of one's own."""

import json
import re

import pytest
from conftest import ROOT

from growmerge.config.load import load_files
from growmerge.study.layout import Layout
from growmerge.study.plan import plan_of
from growmerge.study.plan_report import peak_disk
from growmerge.study.plan_time import timing

DAY, GB = 24, 10**9
CONFIG = ROOT / "config"


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for code in ("ces", "slk"):
        (tmp_path / "texts" / code).mkdir(parents=True)
        (tmp_path / "texts" / code / "a.jsonl").write_text(json.dumps({"text": "Dobrý den."}), encoding="utf-8")


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


def test_so_does_text_of_ones_own(texts):
    grid, _, hours, disk = planned("one-gpu.yaml", "one-gpu-own.yaml")
    assert hours < DAY and disk < 100 * GB
    assert grid.study.language_codes == ["ces", "slk"]
