"""The whole workflow on a small grid, for real: killed, resumed, completed, verified, edited, moved.

One setup of a widened model, two languages, three methods. The tests run in order on one results folder, as a user
would go on from one command to the next. The larger grid of test_two_languages.py is left to `make test-all`.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from growmerge.allocator import TUNABLES
from growmerge.artifacts import read_manifest, sha256_file, verify
from growmerge.benchmarks.items import read_items
from growmerge.config.load import load_files
from growmerge.study.grid import Grid
from growmerge.tables.statistics import FEWEST_ITEMS
from workflow.snakemake import LAPTOP, command, copy_of_the_repository, job_counts, snakemake

pytestmark = pytest.mark.workflow
FILES = ["config/miniature.yaml", "two-languages.yaml", "small-grid.yaml"]
RUN = [*LAPTOP, "--configfile", *FILES]
RESULTS = Path("results/small-grid")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_of_the_repository(tmp_path_factory.mktemp("a clone þ"))
    for overlay in FILES[1:]:
        shutil.copy(Path(__file__).with_name(overlay), folder)
    return folder


def test_killed_with_9_in_training_it_goes_on_from_the_last_state(clone, monkeypatch):
    target = str(RESULTS / "models/2x/swe")
    process = subprocess.Popen(command(target, *RUN), cwd=clone, start_new_session=True, stderr=subprocess.DEVNULL)
    work = clone / RESULTS / "work/2x/swe"
    while not any(work.glob("*/state-*")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    jobs = psutil.Process(process.pid).children(recursive=True)
    asked = []
    for job in jobs:
        with suppress(psutil.NoSuchProcess):  # one may end meanwhile
            asked.append(TUNABLES in job.environ())
    assert asked and all(asked), "they may ask for huge pages"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (clone / target / "manifest.json").exists()

    refused = snakemake(clone, target, *RUN, fails=True)
    assert "--unlock" in refused, "a stale lock says how to recover"
    snakemake(clone, "--unlock", *RUN)
    output = snakemake(clone, target, *RUN)
    assert "resuming after step" in output
    assert "tokens/s" in output, "a training says how it goes"

    resumed = sha256_file(clone / target / "model.safetensors")
    shutil.rmtree(clone / target)
    monkeypatch.setenv("GROWMERGE_FORK_SERVER", "off")  # a script that is not forked makes the same bits, too
    assert "resuming" not in snakemake(clone, target, *RUN)
    assert sha256_file(clone / target / "model.safetensors") == resumed


def test_everything_is_built(clone):
    snakemake(clone, "all", *RUN)
    grid = Grid(load_files(*(clone / file for file in ("config/config.yaml", *FILES))))
    for model in [*grid.bases, *grid.models]:
        verify(clone / RESULTS / "models" / model.id)
    for model in grid:
        verify(clone / RESULTS / "scores" / model.id)
    for figure in ("baselines", "pairwise", "methods", "series", "gap", "language_vectors"):
        for suffix in ("pdf", "png", "csv", "md"):
            assert (clone / RESULTS / f"figures/{figure}.{suffix}").stat().st_size > 100
    assert not list((clone / RESULTS / "work").rglob("*.safetensors")), "nothing unfinished is left"


def test_the_time_of_a_job_is_measured_in_the_fork_that_does_its_work(clone):
    """A process that has handed its script over takes 0.2 s and 30 MB."""
    measured = pd.read_csv(clone / RESULTS / "times/models/2x/multi.tsv", sep="\t")
    assert measured["cpu_time"].item() > 1
    assert measured["max_rss"].item() > 200


def test_scores_are_those_of_a_direct_computation(clone):
    """One number of the table, from the checkpoint by stock transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = clone / RESULTS / "models/2x/multi"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    items = read_items(clone / RESULTS / "benchmarks/acceptability/isl/items.parquet")

    def logprob(text):
        ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            logs = model(ids).logits.log_softmax(-1)
        return logs[0, :-1].gather(1, ids[0, 1:, None]).sum().item()

    accuracy = sum(logprob(i.candidates[0]) > logprob(i.candidates[1]) for i in items) / len(items)
    table = pd.read_csv(clone / RESULTS / "tables/scores.csv")
    rows = table.query("id == '2x/multi' and measure == 'acceptability' and subset == 'all'")
    row = rows[rows.language == "isl"]
    assert row.value.item() == pytest.approx(accuracy)
    assert row.n.item() == len(items)
    assert row.low.item() <= row.value.item() <= row.high.item()
    few = rows[rows.language == "swe"]
    assert few.n.item() < FEWEST_ITEMS <= row.n.item()
    assert few.low.isna().item() and few.high.isna().item()


def test_clones_score_like_their_source(clone):
    table = pd.read_csv(clone / RESULTS / "tables/scores.csv").query("subset == 'all'")
    seed, clones = (table[table.id == name].value.to_numpy() for name in ("seed", "seed-x2"))
    assert clones == pytest.approx(seed, abs=0.07)


def test_information_parity_of_the_reference_in_english_is_one(clone):
    table = pd.read_csv(clone / RESULTS / "tables/scores.csv")
    row = table.query("id == 'base-2x' and measure == 'parity' and language == 'eng'")
    assert row.value.item() == pytest.approx(1)


def test_nothing_is_written_outside_of_results(clone):
    shipped = {path.name for path in copy_of_the_repository(clone.parent / "again").iterdir()}
    assert {path.name for path in clone.iterdir()} - shipped == {"results", ".snakemake", *FILES[1:]}


def test_a_second_run_has_nothing_to_do(clone):
    assert "Nothing to be done" in snakemake(clone, "all", *RUN)


def test_verify_finds_what_is_damaged(clone):
    assert "artifacts agree with their manifests" in snakemake(clone, "verify", *RUN)
    weights = clone / RESULTS / "models/2x/isl/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        output = snakemake(clone, "verify", *RUN, fails=True)
    finally:
        weights.write_bytes(whole)
    assert "models/2x/isl/model.safetensors: its bytes differ" in output


def test_a_plot_parameter_redraws_and_nothing_else(clone, edit):
    edit("two-languages.yaml", "bootstrap_resamples: 200", "bootstrap_resamples: 200\n  dpi: 90")
    assert job_counts(snakemake(clone, "-n", *RUN)) == {"draw_figure": 8}


def test_a_comment_or_an_edited_script_runs_nothing(clone, edit):
    edit("workflow/scripts/train_model.py", "from pathlib import Path", "from pathlib import Path  # edited")
    edit("workflow/rules/adapt.smk", "# Adaptation", "# An edited comment. Adaptation")
    edit("two-languages.yaml", "study:", "# a comment\nstudy:")
    assert job_counts(snakemake(clone, "-n", *RUN)) == {}
    assert job_counts(snakemake(clone, "-n", "--nocolor", "--configfile", *FILES)) == {}, "nor without a profile"


def test_how_often_to_log_and_the_micro_batch_retrain_nothing(clone, edit):
    edit("two-languages.yaml", "  state_every: 5", "  state_every: 7\n  log_every: 3\n  micro_batch_sequences: 2")
    assert job_counts(snakemake(clone, "-n", *RUN)) == {}


def test_one_merge_is_built_by_its_path_and_with_the_same_bytes_without_a_fork_server(clone, monkeypatch):
    path = RESULTS / "merges/2x/isl+swe/ties"
    snakemake(clone, str(path), *RUN)
    merged = verify(clone / path)
    scored = read_manifest(clone / RESULTS / "scores/2x/isl+swe/ties")
    assert set(merged.inputs) < set(scored.inputs), "the scores of a merge that is gone name its members, too"
    assert scored.config == merged.config
    assert set(merged.inputs) == {str(RESULTS / f"models/{m}") for m in ("2x/isl", "2x/swe", "base-2x")}
    for folder in (clone / path, clone / RESULTS / "scores/2x/isl+swe/ties"):
        shutil.rmtree(folder)
    monkeypatch.setenv("GROWMERGE_FORK_SERVER", "off")
    snakemake(clone, str(path), str(RESULTS / "scores/2x/isl+swe/ties/items.parquet"), *RUN)
    assert read_manifest(clone / path).digest == merged.digest
    assert read_manifest(clone / RESULTS / "scores/2x/isl+swe/ties").digest == scored.digest


def test_moved_results_are_not_built_again(clone, tmp_path):
    shutil.copytree(clone, tmp_path / "elsewhere", symlinks=True)
    assert job_counts(snakemake(tmp_path / "elsewhere", "-n", *RUN)) == {}
