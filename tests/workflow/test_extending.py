"""One file adds a thing: a merge method, a figure, a benchmark and a statistic, with nothing else edited."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from growmerge.artifacts import verify
from workflow.snakemake import LAPTOP, ROOT, copy_of_the_repository, job_counts, snakemake

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
FILES = Path(__file__).with_name("extending")
# Where each is put; what is there is found.
PLACES = {
    "by_use.py": "src/growmerge/merging/methods",
    "kept.py": "src/growmerge/figures",
    "odd_words.py": "src/growmerge/catalogue/benchmarks",
    "largest_difference.py": "src/growmerge/comparing/statistics",
}
RUN = [*LAPTOP, "--configfile", "config/miniature.yaml", "study.yaml"]
RESULTS = Path("results/extending")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_of_the_repository(tmp_path_factory.mktemp("extended"))
    for name, place in PLACES.items():
        shutil.copy(FILES / name, folder / place)
    shutil.copy(FILES / "study.yaml", folder)
    capitals = {"Norge": "Oslo", "Danmark": "Köpenhamn", "Finland": "Helsingfors", "Island": "Reykjavik"}
    rows = [{"right": f"Huvudstaden i {a} är {b}.", "wrong": f"Huvudstaden i {a} är Rom."} for a, b in capitals.items()]
    odd = [{"words": ["häst", "ko", "båt"], "odd": 2}, {"words": ["röd", "stol", "grön", "blå"], "odd": 1}]
    for name, lines in (("capitals", rows), ("odd_one_out", odd)):
        path = folder / "data" / name / "swe.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def test_the_dry_run_shows_what_was_added(clone):
    output = snakemake(clone, "-n", str(RESULTS / "figures/kept.pdf"), *RUN)
    counts = job_counts(output)
    assert counts["merge_and_score"] == 1
    assert counts["count_tokens"] == 2, "the statistics that a method asks for"
    assert counts["build_benchmark"] == 5, "acceptability in three languages, and two of ours in one"
    assert counts["draw_figure"] == 1


def test_a_figure_shows_merges_by_the_method_on_the_benchmark(clone):
    figures = [str(RESULTS / f"figures/{name}.pdf") for name in ("kept", "similarity_and_drop")]
    snakemake(clone, *figures, *RUN)
    data = pd.read_csv(clone / RESULTS / "figures/kept.csv")
    assert set(data["method"]) == {"linear", "halfway", "by_use"}
    assert {"acceptability", "facts", "odd_one_out"} == set(data["measure"])
    assert data["difference"].notna().all()
    caption = (clone / RESULTS / "figures/kept.md").read_text(encoding="utf-8")
    assert "Mean differences: acceptability, linear: " in caption

    pairs = pd.read_csv(clone / RESULTS / "figures/similarity_and_drop.csv")
    assert (pairs["similarity"] == "largest_difference").any(), "the statistic is held against the drop"
    scores = verify(clone / RESULTS / "scores/scratch/isl+swe/by_use")
    assert any("token_counts" in source for source in scores.inputs)
    items = pd.read_parquet(clone / RESULTS / "scores/scratch/isl+swe/by_use/items.parquet")
    assert {"capitals", "odd_one_out"} < set(items["benchmark"])


def test_the_page_on_extending_shows_these_very_files():
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert set(shown) == {(FILES / name).read_text(encoding="utf-8") for name in PLACES}
