"""What a job of merges takes: no disk but for scores, also if it is killed; memory for the merges that wait."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import ARCHITECTURE, ROOT

from growmerge.artifacts import publish, verify
from growmerge.benchmarks.items import Item, write_items
from growmerge.config import load_files
from growmerge.merging.combination import merge_and_score
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.study.resources import MERGES_AT_ONCE

# The methods of the papers, with more densities: more than a job holds at a time.
FILES = [ROOT / "config" / name for name in ("config.yaml", "miniature.yaml", "miniature-density.yaml")]
DENSITIES = [method for method in load_files(*FILES).merging.methods if method.name.endswith("-0.9")]
METHODS = [m for m in load_files(*FILES[:2]).merging.methods if not (m.embedding or m.sizes)] + DENSITIES
# Weights of some megabytes, beside which tokenizer and small files are little.
LARGER = ARCHITECTURE.model_copy(update={"hidden_size": 256, "intermediate_size": 768})
DEEP = LARGER.model_copy(update={"num_hidden_layers": 12})
MODELS = ("base", "isl", "swe")
PROC = Path("/proc/self/clear_refs").exists()
needs_proc = pytest.mark.skipif(not PROC, reason="needs Linux's /proc")


@pytest.fixture(scope="module")
def checkpoints(tiny):
    """A base and two models; and the same, six times as deep."""
    for seed, name in enumerate(MODELS):
        tiny.checkpoint(f"shallow/{name}", seed, LARGER)
        tiny.checkpoint(f"deep/{name}", seed, DEEP)
    return tiny.folder / "models"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks") / "swe"
    with publish(folder) as draft:
        write_items([Item("1", "word_order", ("the cat runs", "cat the runs"))], draft.folder / "items.parquet")
    return {("acceptability", "swe"): folder}


def recipes(models: Path) -> dict[str, Recipe]:
    members = {code: models / code for code in ("isl", "swe")}
    return {method.name: Recipe(members, models / "base", method, "float16", 42) for method in METHODS}


def score(folder: Path, models: Path, cells: dict) -> None:
    """The job of a combination, in `folder`."""
    scores = {method.name: folder / "scores" / method.name for method in METHODS}
    merge_and_score(recipes(models), cells=cells, scores=scores, work=folder / "work", tokens_per_batch=512)


def bytes_under(folder: Path) -> int:
    """Of all files, but for those that vanish meanwhile."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def status_bytes(what: str) -> int:
    """A line of what Linux says of the memory of this process."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(what))
    return int(line.split()[1]) * 1024


class Watch:
    """The most bytes under a folder (`disk`), and in memory for other processes, too, beyond what it was (`memory`).

    Looked at every few milliseconds. Meanwhile torch has one thread, so that this process merges all tensors itself:
    pages that only others have written to are not counted as its own.
    """

    def __init__(self, folder: Path) -> None:
        self.disk = self.memory = 0
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        before = status_bytes("RssShmem") if PROC else 0
        while not self._ended.wait(0.005):
            self.disk = max(self.disk, bytes_under(self._folder))
            self.memory = max(self.memory, status_bytes("RssShmem") - before if PROC else 0)

    def __enter__(self) -> "Watch":
        self._threads = torch.get_num_threads()
        torch.set_num_threads(1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        torch.set_num_threads(self._threads)


@pytest.fixture(scope="module")
def scored(checkpoints, cells, tmp_path_factory):
    """A folder in which a job has run to its end, and the most that it held of disk and of shared memory."""
    folder = tmp_path_factory.mktemp("scored")
    with Watch(folder) as watch:
        score(folder, checkpoints / "shallow", cells)
    return folder, watch


def check_memory(held: int, checkpoints: Path) -> None:
    weights = (checkpoints / "shallow/base/model.safetensors").stat().st_size // 2
    assert len(METHODS) > MERGES_AT_ONCE
    assert (MERGES_AT_ONCE - 0.5) * weights < held < (MERGES_AT_ONCE + 0.5) * weights


def test_a_job_writes_nothing_but_scores(scored):
    folder, watch = scored
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"items.parquet", "manifest.json"}
    left = [path for path in folder.rglob("*") if path.is_file()]
    assert len(left) + 2 <= 3 * len(METHODS), "with the job's log and times, at most three files a merge"
    assert watch.disk < 1.5 * bytes_under(folder), "no weights, not even for a moment"


@needs_proc
def test_it_holds_as_many_merges_as_its_memory_is_requested_for(scored, checkpoints):
    check_memory(scored[1].memory, checkpoints)


@needs_proc
def test_nor_does_it_hold_more_if_a_merge_is_made_again_while_others_wait(scored, checkpoints, cells, tmp_path):
    again = METHODS[1].name  # its scores seem to be there when the job begins
    shutil.copytree(scored[0] / "scores" / again, tmp_path / "scores" / again)
    (tmp_path / "scores" / again / "items.parquet").write_bytes(b"damaged")
    with Watch(tmp_path) as watch:
        score(tmp_path, checkpoints / "shallow", cells)
    check_memory(watch.memory, checkpoints)
    for method in METHODS:
        verify(tmp_path / "scores" / method.name)


def child(program: str, *arguments: Path) -> list[str]:
    """A command that runs `program` with this module as `t` and the arguments as `a`."""
    begin = (
        f"import sys; from pathlib import Path; sys.path[:0] = {[str(ROOT / 'tests'), str(Path(__file__).parent)]}\n"
    )
    begin += "import test_merging_disk as t; a = [Path(x) for x in sys.argv[1:]]\n"
    return [sys.executable, "-c", begin + program, *map(str, arguments)]


@pytest.mark.slow
def test_a_job_that_is_killed_with_9_leaves_nothing_to_the_next_one(scored, checkpoints, cells, tmp_path):
    (benchmark,) = cells.values()
    run = "t.score(a[0], a[1], {('acceptability', 'swe'): a[2]})"
    job = subprocess.Popen(child(run, tmp_path, checkpoints / "shallow", benchmark))
    while not bytes_under(tmp_path / "scores"):
        with suppress(subprocess.TimeoutExpired):
            job.wait(timeout=0.02)
        assert job.returncode is None, "it ended before it could be killed"
    job.send_signal(signal.SIGKILL)
    job.wait()
    done = [path for path in (tmp_path / "scores").iterdir() if (path / "manifest.json").exists()]
    assert len(done) < len(METHODS), "it was killed in the middle"
    (tmp_path / "work/linear").mkdir(parents=True)  # as jobs left it that wrote merges there

    score(tmp_path, checkpoints / "shallow", cells)
    assert not (tmp_path / "work").exists()
    names, whole = ({path.relative_to(folder) for path in folder.rglob("*")} for folder in (tmp_path, scored[0]))
    assert names == whole
    for method in METHODS:
        items = f"scores/{method.name}/items.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / items), pd.read_parquet(scored[0] / items))


def peak_of_merging(folder: Path, models: Path) -> int:
    """Bytes of memory that this process held at most meanwhile, beyond what it held before.

    With one thread, so that it merges all tensors itself.
    """

    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = status_bytes("VmRSS")
    merge_models({folder / name: recipe for name, recipe in recipes(models).items()})
    return status_bytes("VmHWM") - before


@pytest.mark.slow
@needs_proc
def test_memory_does_not_grow_with_the_depth_of_the_models(checkpoints, tmp_path):
    program = (
        "import torch; torch.set_num_threads(1)\n"
        "t.peak_of_merging(a[0] / 'first', a[1] / 'shallow')\n"  # what is imported and kept by allocators is there now
        "print(*(t.peak_of_merging(a[0] / depth, a[1] / depth) for depth in ('shallow', 'deep')))"
    )
    run = subprocess.run(child(program, tmp_path, checkpoints), check=True, stdout=subprocess.PIPE, text=True)
    shallow, deep = map(int, run.stdout.split()[-2:])
    whole = (checkpoints / "deep/base/model.safetensors").stat().st_size
    assert deep - shallow < whole / 2, "three such models were read, and seven of half the size written"
