"""The training log says how fast, how well used, how full, and whether the loss jumped."""

import json
import logging
import random
import re
import subprocess
from importlib.util import find_spec
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from training_runs import logged, make_inputs, said, start, task, train, with_training

from growmerge.artifacts import publish, read_manifest
from growmerge.data.documents import Document
from growmerge.data.shards import TOKENS, write_shard
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Model
from growmerge.tables.trainings import write_trainings
from growmerge.training import worker
from growmerge.training.hardware import peak_flops, peak_memory_mb
from growmerge.training.log import Spikes, TrainingLog


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


def test_a_line_says_speed_memory_and_progress(inputs, tmp_path):
    train(inputs, tmp_path)
    first, *_, last = logged(tmp_path)
    assert set(first) == {
        "step", "loss", "learning_rate", "gradient_norm", "tokens", "tokens_per_second", "model_flops_utilisation",
        "memory_mb",
    }  # fmt: skip
    assert first["model_flops_utilisation"] is None, "a CPU has no stated peak"
    assert last["tokens"] == last["step"] * 4 * 32
    assert last["tokens_per_second"] > 0
    assert 50 < last["memory_mb"] < 100_000
    facts = read_manifest(tmp_path / "model").facts
    assert (facts["loss_spikes"], facts["ranks"], facts["micro_batch_halved"]) == (0, 1, 0)


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def log(path, first=0, **options):
    return TrainingLog(path, first, 100, tokens_per_step=50, flops_per_step=2e9, peak=4e12, **options)


def entry(step, **more):
    return {"step": step, "loss": 2.0, "learning_rate": 0.1, "gradient_norm": 1.0} | more


def symmetry_warnings(caplog):
    return [record.getMessage() for record in caplog.records if "exactly equal" in record.getMessage()]


def test_copies_that_stay_equal_are_warned_of_once_early_in_training(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    one = log(tmp_path / "log.jsonl")
    one.write(entry(1, block_asymmetry=0.0))
    assert not symmetry_warnings(caplog), "after one step it is too early to tell"
    for step in (10, 20):
        one.write(entry(step, block_asymmetry=0.0))
    (warning,) = set(symmetry_warnings(caplog))  # two handlers may catch one record
    assert warning.startswith("step 10: the copies") and "snr_db" in warning


def test_copies_that_differ_and_models_that_are_no_clones_are_not_warned_of(tmp_path, caplog):
    one = log(tmp_path / "log.jsonl")
    one.write(entry(10))
    one.write(entry(20, block_asymmetry=1e-9))
    assert not symmetry_warnings(caplog)


def test_utilisation_is_the_flops_a_second_over_the_peak(tmp_path):
    one = log(tmp_path / "log.jsonl")
    one.write(entry(1))
    one.write(entry(11))
    last = lines(tmp_path / "log.jsonl")[-1]
    steps_per_second = last["tokens_per_second"] / 50
    assert last["model_flops_utilisation"] == pytest.approx(steps_per_second * 2e9 / 4e12, rel=1e-3, abs=1e-4)


def test_a_resumed_log_drops_what_came_after_the_state_and_counts_its_spikes(tmp_path):
    path = tmp_path / "log.jsonl"
    before = log(path)
    for step in range(1, 8):
        before.write(entry(step, **({"spike": True} if step in (3, 6) else {})))
    path.write_text(path.read_text() + '{"step": 8, "lo', encoding="utf-8")  # killed while it wrote
    resumed = log(path, first=4)
    assert resumed.spikes == 1
    resumed.write(entry(5, spike=True))
    assert resumed.spikes == 2
    assert [line["step"] for line in lines(path)] == [1, 2, 3, 4, 5]


def test_a_jump_of_the_loss_is_a_spike_and_noise_or_learning_is_none():
    draw, spikes = random.Random(0), Spikes()
    found = [step for step in range(500) if spikes.is_one(6 - step / 1000 + draw.gauss(0, 0.05) + (step == 300))]
    assert found == [300]


def test_the_deviation_is_that_of_a_normal_distribution_with_this_median_deviation():
    """Half of the losses are 0.1 below the median and half above: seven deviations are 7 * 1.4826 * 0.1 = 1.04."""
    for jump, expected in ((1.03, False), (1.05, True), (-5.0, False)):
        spikes = Spikes()
        assert not any(spikes.is_one(2.0 + 0.1 * (-1) ** step) for step in range(Spikes.WINDOW))
        assert spikes.is_one(2.0 + jump) == expected


def test_spikes_before_hide_no_spike():
    spikes = Spikes()
    for step in range(Spikes.WINDOW):
        spikes.is_one(50.0 if step % 10 == 9 else 2.0 + 0.1 * (-1) ** step)
    assert spikes.is_one(5.0)


def test_a_spike_is_logged_between_the_intervals_named_counted_and_tabulated(
    tiny, inputs, tmp_path, caplog, monkeypatch
):
    """The text changes from words to numbers, of which the model has seen none."""
    draw = random.Random(0)
    numbers = [Document(str(i), " ".join(str(draw.randint(0, 10**6)) for _ in range(8))) for i in range(20)]
    tokenizer, begin, end = load_tokenizer(tiny.folder / "tokenizer")
    with publish(tmp_path / "numbers") as draft:
        draft.facts |= write_shard(numbers, tokenizer, begin, end, draft.folder / TOKENS)
    both = {"shards": inputs["shards"] | {"numbers": tmp_path / "numbers"}, "parent": inputs["parent"]}
    recipe = with_training(log_every=10**6) | {"phases": [{"a": 2}, {"numbers": 1}]}
    worker.train(worker.TrainingJob.model_validate_json(task(both, tmp_path, recipe).read_text(encoding="utf-8")))
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    spikes = [entry for entry in logged(tmp_path) if entry.get("spike")]
    facts = read_manifest(tmp_path / "model").facts
    assert facts["loss_spikes"] == len(spikes) > 0
    words = facts["sequences"]["a"] // 4
    assert words < spikes[0]["step"] <= words + 2
    assert f"step {spikes[0]['step']}: the loss, {spikes[0]['loss']:.4f}, is a spike" in said(tmp_path)
    with caplog.at_level(logging.WARNING, logger="growmerge"):
        write_trainings([Model("model", "model", (), 1)], tmp_path, tmp_path / "trainings.parquet")
    assert pd.read_csv(tmp_path / "trainings.csv")["loss_spikes"].tolist() == [len(spikes)]
    assert f"spikes of the loss, which the training logs date: model {len(spikes)}" in caplog.text


def test_the_jobs_log_says_the_time_left(tmp_path, monkeypatch, caplog):
    clock = iter([1000.0, 1060.0])  # when it begins, and at the first line
    # Not `time.monotonic` itself: other threads of the tests' process ask it, too.
    monkeypatch.setattr("growmerge.training.log.time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    with caplog.at_level(logging.INFO):
        log(tmp_path / "log.jsonl", first=40).write(entry(50))
    assert "step 50/100" in caplog.text
    assert "5:00 left" in caplog.text, "ten steps took a minute, fifty are left"
    assert lines(tmp_path / "log.jsonl")[0]["tokens_per_second"] == pytest.approx(10 * 50 / 60, abs=0.1)


@pytest.mark.slow
def test_lines_on_the_terminal_name_the_model_as_several_trainings_share_it(inputs, tmp_path):
    process = start(inputs, tmp_path, stderr=subprocess.PIPE, text=True)
    printed = process.communicate()[1]
    assert process.returncode == 0, printed
    steps = re.findall(r"^\S+ (.*)step \d+/\d+ ", printed, re.MULTILINE)
    assert steps and set(steps) == {"2x/swe: "}, printed
    assert "2x/swe" not in said(tmp_path), "the job's own log is of one model"


def test_no_spike_before_there_is_anything_to_compare_with():
    spikes = Spikes()
    assert not any(spikes.is_one(loss) for loss in [5.0] * (Spikes.FEWEST - 1) + [50.0])


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA H200", 989),
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA GH200 480GB", 989),
        ("NVIDIA A100-SXM4-40GB", 312),
        ("NVIDIA L40S", 362),
        ("AMD Instinct MI250X", 191.5),
    ],
)
def test_the_peak_of_a_device_is_found_by_its_name(name, tflops):
    assert peak_flops(name) == tflops * 1e12


@pytest.mark.parametrize("name", ["NVIDIA RTX A4000", "NVIDIA A10G", "NVIDIA GeForce GTX 1080"])
def test_an_unknown_device_has_no_peak(name):
    assert peak_flops(name) is None


def test_memory_of_the_process_is_in_megabytes():
    held = torch.ones(10**8, dtype=torch.float32)
    assert held.sum() > 0
    assert 400 < peak_memory_mb(torch.device("cpu")) < 100_000


def test_tensorboard_files_lie_beside_the_jobs_log_or_its_absence_is_said(inputs, tmp_path):
    spec = worker.TrainingJob.model_validate_json(task(inputs, tmp_path).read_text(encoding="utf-8"))
    spec = spec.model_copy(update={"training": spec.training.model_copy(update={"tensorboard": True})})
    if find_spec("tensorboard"):
        worker.train(spec)
        assert list((tmp_path / "log.tensorboard").glob("events*"))
        return
    with pytest.raises(SystemExit):
        worker.train(spec)
    assert "pip install tensorboard" in said(tmp_path)
    with pytest.raises(GrowmergeError, match="set it to false"):
        log(tmp_path / "log.jsonl", tensorboard=tmp_path / "board")
