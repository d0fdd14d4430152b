"""On a disk that is really full, a line tells the bytes needed and free; nothing is half made, and a retry works."""

import errno
import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ARCHITECTURE, VOCABULARY
from matplotlib.figure import Figure
from small_disk import small_disk
from training_runs import RECIPE, make_inputs, start, train

from growmerge.artifacts import publish, read_manifest, replacing, verify, write_atomically
from growmerge.config.merging import Method
from growmerge.config.training import Training
from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
from growmerge.disk import FullDisk, NoRoom, bytes_under, free_bytes, is_full, no_room
from growmerge.errors import GrowmergeError
from growmerge.frames import write_frame
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.models.checkpoints import save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.training.log import TrainingLog
from growmerge.training.optimizer import make_optimizer
from growmerge.training.state import newest_state, save_state

SIZE = 2**20  # bytes of the disk
LARGER = ARCHITECTURE.model_copy(update={"hidden_size": 64, "intermediate_size": 192})  # weights of two fifths of it


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", SIZE) as disk:
        yield disk


def model():
    return initialise(llama_config(LARGER, VOCABULARY, 0, 0), 1)


def write_weights(draft: Path) -> None:
    save_checkpoint(model(), draft, None)


def write_array(draft: Path) -> None:
    np.save(draft / "ids.npy", np.ones(30_000))


def write_tokenizer(draft: Path) -> None:
    save_tokenizer(train_tokenizer([f"{number} words" for number in range(10**4)], 5000), draft)


def write_bytes(draft: Path) -> None:
    (draft / "copy").write_bytes(bytes(SIZE))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_quota_is_a_full_disk_in_the_words_of_every_library(number):
    assert is_full(OSError(number, os.strerror(number)))
    assert is_full(Exception(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})"))
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    assert not is_full(Exception("I/O error: Permission denied (os error 13)"))


def test_what_is_needed_is_known_across_processes_and_added_up_over_artifacts(tmp_path):
    error = pickle.loads(pickle.dumps(FullDisk(500)))
    assert (error.needed, error.errno) == (500, errno.ENOSPC)
    first = no_room(tmp_path / "first", error, written=100)
    assert "first: the disk (or your quota) is full: at least 500 bytes are needed" in str(first)
    second = no_room(tmp_path / "second", first, written=70)
    assert "second: the disk (or your quota) is full: at least 570 bytes are needed" in str(second)
    assert no_room(tmp_path, OSError(errno.ENOSPC, "full"), written=100).needed == 100


@pytest.mark.parametrize("write", [write_weights, write_array, write_tokenizer, write_bytes])
def test_a_full_disk_is_one_line_whatever_library_writes(disk, write):
    """safetensors, NumPy, tokenizers and Python tell it in four ways."""
    disk.fill(left=50_000)
    with pytest.raises(NoRoom) as error, publish(disk.folder / "artifact") as draft:
        write(draft.folder)
    message = str(error.value)
    assert message.startswith(f"{disk.folder}/artifact: the disk (or your quota) is full: at least ")
    assert f"bytes are needed, {free_bytes(disk.folder):,} bytes are free" in message, (
        "what was half written is removed"
    )
    assert "\n" not in message
    assert disk.names() == []


@pytest.mark.parametrize("left", [0, 8192])
def test_a_full_disk_is_named_where_a_library_fails_of_it(disk, left):
    """Matplotlib cannot close a PDF that it could not write, and raises AttributeError or zlib.error."""
    figure = Figure()
    figure.subplots().plot(np.random.default_rng(0).random(1000))
    disk.fill(left)
    with pytest.raises(NoRoom, match=r"figure\.pdf: the disk"), replacing(disk.folder / "figure.pdf") as temporary:
        figure.savefig(temporary, format="pdf")
    assert disk.names() == []


@pytest.mark.parametrize("write", [write_weights, write_tokenizer, write_bytes])
def test_a_limit_of_the_size_of_files_is_not_called_a_full_disk(tmp_path, write):
    """NumPy does not tell them apart."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(NoRoom) as error, publish(tmp_path / "artifact") as draft:
            write(draft.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(error.value).startswith(f"{tmp_path}/artifact: a file would be larger than files may be here")
    assert list(tmp_path.iterdir()) == []


def test_weights_say_what_they_need_and_the_retry_works(disk):
    def write() -> None:
        with publish(disk.folder / "artifact") as draft:
            write_weights(draft.folder)

    needed = 4 * sum(parameter.numel() for parameter in model().parameters())
    disk.fill(left=needed // 2)
    with pytest.raises(GrowmergeError, match=f"at least {needed:,} bytes are needed"):
        write()
    disk.free()
    write()
    verify(disk.folder / "artifact")


def test_a_state_that_does_not_fit_leaves_those_before(disk):
    small = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 1)
    optimizer = make_optimizer(small, Training.model_validate(RECIPE["training"]), 1)
    small(torch.ones(1, 8, dtype=torch.long), labels=torch.ones(1, 8, dtype=torch.long)).loss.backward()
    optimizer.step()
    save_state(disk.folder, 1, small, optimizer, kept=2)
    size = bytes_under(disk.folder)
    disk.fill(left=size // 2)
    with pytest.raises(GrowmergeError, match=r"state-00000002: the disk .* is full: at least [\d,]+ bytes are needed"):
        save_state(disk.folder, 2, small, optimizer, kept=2)
    assert disk.names() == ["state-00000001"]
    assert newest_state(disk.folder) == disk.folder / "state-00000001"
    disk.free()
    save_state(disk.folder, 2, small, optimizer, kept=2)
    assert read_manifest(newest_state(disk.folder)).facts["step"] == 2


@pytest.mark.slow
def test_a_training_on_a_full_disk_ends_with_one_line_and_goes_on_later(tiny, disk, tmp_path):
    inputs, short = make_inputs(tiny), RECIPE | {"phases": [{"b": 1}]}
    disk.fill(left=10_000)
    process = start(inputs, disk.folder / "out", short, stderr=subprocess.PIPE, text=True)
    _, printed = process.communicate()
    assert process.returncode == 1
    assert "the disk (or your quota) is full" in printed
    assert "Traceback" not in printed
    disk.free()
    disk.resize(50 * SIZE)
    assert train(inputs, disk.folder / "out", short) == train(inputs, tmp_path / "elsewhere", short)


def test_merges_that_do_not_fit_leave_nothing(tiny, disk):
    members = {code: tiny.checkpoint(f"full/{code}", seed, LARGER) for seed, code in enumerate(("isl", "swe"))}
    recipes = {
        disk.folder / f"merge-{i}": Recipe(
            members, None, Method(name="linear", parameters={"weight": 1.0}), "float32", i
        )
        for i in range(3)
    }
    disk.fill(left=900_000)
    with pytest.raises(GrowmergeError, match=r"merge-\d: the disk .* is full: at least [\d,]+ bytes are needed"):
        merge_models(recipes)
    assert disk.names() == []
    disk.free()
    disk.resize(5 * SIZE)
    merge_models(recipes)
    for folder in recipes:
        verify(folder)


def test_a_table_that_does_not_fit_leaves_the_old_one(disk):
    def write(rows: int) -> None:
        table = pd.DataFrame({"x": np.random.default_rng(0).random(rows)})
        write_frame(table, disk.folder / "table.parquet", [], None, {}, 0.0)

    write(10)
    disk.fill(left=50_000)
    with pytest.raises(GrowmergeError, match=r"table.parquet: the disk .* is full"):
        write(20_000)
    verify(disk.folder / "table.parquet")
    assert disk.names() == ["table.csv", "table.manifest.json", "table.parquet"]


def test_a_full_log_does_not_hide_what_happens_to_a_job(disk):
    """Also what is written outside of artifacts, such as a training log, is one line."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom growmerge.job import job\n"
        "with job(sys.argv[1]) as logger:\n"
        "    for _ in range(100): logger.info('x' * 1000)\n"
        "    Path(sys.argv[1]).with_name('note').write_text('y' * 10000)\n"
    )
    disk.fill(left=8192)
    ended = subprocess.run(
        [sys.executable, "-c", program, disk.folder / "log"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert len(lines) == 101, [line for line in lines if "xxx" not in line]
    assert "the disk (or your quota) is full" in lines[-1]


def test_a_training_log_that_cannot_be_taken_up_stays_as_it_was(disk):
    path, lines = disk.folder / "training_log.jsonl", [f'{{"step": {step}, "loss": 1.0}}\n' for step in range(1, 1000)]
    path.write_text("".join(lines))
    disk.fill(left=4096)
    with pytest.raises(GrowmergeError, match=r"training_log.jsonl: the disk .* is full"):
        TrainingLog(path, 900, 2000, tokens_per_step=1, flops_per_step=1.0, peak=None)
    assert path.read_text() == "".join(lines)
    disk.free()
    TrainingLog(path, 900, 2000, tokens_per_step=1, flops_per_step=1.0, peak=None).close()
    assert path.read_text() == "".join(lines[:900])


def test_free_bytes_are_those_where_a_path_really_lies(disk, tmp_path):
    (tmp_path / "results").symlink_to(disk.folder)
    assert free_bytes(tmp_path / "results/study/work") <= SIZE < free_bytes(tmp_path)
    write_atomically(tmp_path / "results/study/x", "x" * 10**5)
    assert bytes_under(tmp_path / "results/study") == 10**5


def test_links_count_as_links_and_not_as_what_they_lead_to(tmp_path):
    (tmp_path / "large").write_bytes(bytes(10**5))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to(tmp_path / "large")
    (tmp_path / "folder/broken").symlink_to(tmp_path / "nowhere")
    assert bytes_under(tmp_path / "folder") < 10**4


def test_files_that_vanish_while_they_are_counted_count_as_nothing(tmp_path, monkeypatch):
    for name in ("here", "gone"):
        (tmp_path / name).write_bytes(bytes(100))
    walk = os.walk

    def walk_and_remove(folder):
        for found in walk(folder):
            (tmp_path / "gone").unlink()
            yield found

    monkeypatch.setattr(os, "walk", walk_and_remove)
    assert bytes_under(tmp_path) == 100


def test_bytes_under_a_folder_that_is_not_there_are_none(tmp_path):
    assert bytes_under(tmp_path / "nowhere") == 0
