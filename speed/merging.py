"""How long merging takes, against mergekit's command line and against the bytes that have to be moved.

    python speed/merging.py [--layers 30] [--vocabulary 128256] [--repeats 3] [--folder FOLDER]
        [--only ours,job,mergekit] [--methods linear ties] [--json FILE]

Five models of the 180M shape and their base (random weights near each other, bfloat16, tied: 2 GB) are made in a
temporary folder, or once in the given one. Every measurement is a process of its own, so that its peak memory is its
own (where it has forked others, which share pages with it, an upper bound); kinds alternate, the table shows medians.

- `floor`: read five files, average in float32, write one. What no merge can do without.
- `ours <method>`: reading, merging and writing of one method, inputs verified before; `linear_rows` is `linear` with
  the embedding by `rows`.
- `job`: all methods end to end as the workflow makes them, with imports, verification of the inputs and manifests.
- `mergekit <method>`: `mergekit-yaml`, end to end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lines import add_comparison
from turns import environment

ROWS = "linear_rows"
METHODS = ("linear", ROWS, "task_arithmetic", "multislerp", "ties", "dare_ties")
TARGETS = dict(zip(METHODS, (1.5, 2.25, 1.5, 2.0, 5.0, 5.0), strict=True))
MOST_MEMORY = 3.0  # GB, of any of ours
LANGUAGES = ("ekk", "fao", "fas", "isl", "swe")
SEED = 42


def make_models(folder: Path, layers: int, vocabulary: int) -> None:
    """Checkpoints `base` and one for each language, with a small tokenizer: merges compare those of their inputs."""
    import torch

    from growmerge.artifacts import publish
    from growmerge.config.models import Architecture
    from growmerge.data.tokenizer import save_tokenizer, train_tokenizer
    from growmerge.models.checkpoints import save_checkpoint
    from growmerge.models.initialise import initialise, llama_config

    shape = Architecture(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=layers, num_attention_heads=9, num_key_value_heads=3,
        head_dim=64,
    )  # fmt: skip
    tokenizer = folder / "tokenizer"
    with publish(tokenizer) as draft:
        save_tokenizer(train_tokenizer(["a few words"], 300), draft.folder)
    for seed, name in enumerate(("base", *LANGUAGES)):
        model = initialise(llama_config(shape, vocabulary, 0, 0), 0)
        noise = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters() if seed else ():
                parameter.add_(torch.randn(parameter.shape, generator=noise) * 0.01)
        with publish(folder / name) as draft:
            save_checkpoint(model.bfloat16(), draft.folder, tokenizer)


def make_counts(folder: Path, vocabulary: int) -> None:
    """Token counts of each language: many tokens are rare, and a third does not occur."""
    import numpy as np

    from growmerge.artifacts import publish
    from growmerge.data.token_counts import COUNTS

    for seed, name in enumerate(LANGUAGES):
        drawn = np.random.default_rng(seed).zipf(1.3, vocabulary)
        with publish(folder / "counts" / name) as draft:
            np.save(draft.folder / COUNTS, np.where(drawn > 1, drawn, 0).clip(max=10**6))


def recipes(folder: Path) -> dict:
    """The published methods, and `linear` with the embedding by `rows`, by name."""
    from growmerge.config import load_files
    from growmerge.config.merging import EmbeddingMethod, Method
    from growmerge.merging.recipe import Recipe

    configured = load_files(Path(__file__).parents[1] / "config/config.yaml").merging.methods
    rows = Method(name=ROWS, method="linear", parameters={"weight": 1.0}, embedding=EmbeddingMethod(method="rows"))
    members = {code: folder / code for code in LANGUAGES}
    found = {m.name: Recipe(members, folder / "base", m, "float16", SEED) for m in configured}
    counts = {"token_counts": {code: folder / "counts" / code for code in LANGUAGES}}
    return found | {ROWS: Recipe(members, folder / "base", rows, "float16", SEED, statistics=counts)}


def floor(folder: Path) -> float:
    """Seconds to average five files."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    start = time.perf_counter()
    files = [safe_open(folder / code / "model.safetensors", "pt") for code in LANGUAGES]
    mean = {}
    for name in files[0].keys():  # noqa: SIM118 (not a mapping)
        total = files[0].get_tensor(name).float()
        for file in files[1:]:
            total += file.get_tensor(name)
        mean[name] = (total / len(files)).half()
    save_file(mean, folder / "out.safetensors")
    return time.perf_counter() - start


def ours(folder: Path, method: str) -> float:
    """Seconds to merge by one method, from verified inputs to a published checkpoint."""
    from growmerge.merging.blocks import workers
    from growmerge.merging.inputs import Inputs
    from growmerge.merging.merge import merge_models

    recipe = recipes(folder)[method]
    with workers() as crew:
        inputs = Inputs(recipe.checkpoints, crew)
    start = time.perf_counter()
    merge_models({folder / "out": recipe}, inputs)
    return time.perf_counter() - start


def job(folder: Path) -> None:
    """All methods, as the scoring job makes them."""
    from growmerge.job import job as running
    from growmerge.merging.merge import merge_models

    with running():
        published = {name: recipe for name, recipe in recipes(folder).items() if name != ROWS}
        merge_models({folder / "out" / name: recipe for name, recipe in published.items()})


def peak_memory() -> float:
    """GB that this process and those that it shared the work out to held at most: more than that.

    Of each of these the largest one's is counted, with the pages that it shares with this one.
    """
    import torch

    mine, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (mine + torch.get_num_threads() * largest) / 1e6


def measure(*arguments: object) -> dict[str, float]:
    """Seconds (its own, and of the whole process) and peak memory of this script with these arguments."""
    start = time.perf_counter()
    command = [sys.executable, __file__, *map(str, arguments)]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment(ours=True))
    return json.loads(run.stdout) | {"process": time.perf_counter() - start}


def measure_mergekit(folder: Path, method: str) -> tuple[float, float]:
    """Seconds of `mergekit-yaml`, from start to end, and its peak memory in GB."""
    import yaml

    (folder / "config.yml").write_text(yaml.safe_dump(recipes(folder)[method].mergekit_config()))
    command = [Path(sys.executable).with_name("mergekit-yaml"), folder / "config.yml", folder / "out"]
    start = time.perf_counter()
    # For its card, it would look the folders of the models up on the hub.
    options = ["--random-seed", str(SEED), "--no-copy-tokenizer", "--no-write-model-card", "--quiet"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([*command, *options], stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.stderr.write(said.read())
            raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def compare(folder: Path, repeats: int, only: list[str], methods: list[str], file: Path | None) -> None:
    """Measure all in turn and print the tables; our job beside mergekit-yaml goes into the file."""
    seconds: dict[str, list[float]] = {}
    memory: dict[str, float] = {}

    def note(name: str, taken: float, peak: float) -> None:
        seconds.setdefault(name, []).append(taken)
        memory[name] = max(peak, memory.get(name, 0.0))
        print(f"{name}: {taken:.2f} s", file=sys.stderr, flush=True)
        shutil.rmtree(folder / "out", ignore_errors=True)

    for _ in range(repeats):
        for method in methods if "ours" in only else ():
            found = measure("floor", "--folder", folder)
            note("floor", found["seconds"], found["gigabytes"])
            found = measure("ours", "--folder", folder, "--method", method)
            note(method, found["seconds"], found["gigabytes"])
        if "job" in only:
            found = measure("job", "--folder", folder)
            note("job", found["process"], found["gigabytes"])
        for method in [name for name in methods if name != ROWS and "mergekit" in only]:
            note(f"mergekit {method}", *measure_mergekit(folder, method))

    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    print("| what | seconds | of the floor | target | peak GB |\n|---|---|---|---|---|")
    for name, taken in medians.items():
        ratio = f"{taken / medians['floor']:.2f}" if name in METHODS else ""
        print(f"| {name} | {taken:.2f} | {ratio} | {TARGETS.get(name, '')} | {memory[name]:.2f} |")
    of_ours = max((memory[name] for name in medians if name in (*METHODS, "job")), default=0.0)
    print(f"\nPeak memory of ours: {of_ours:.2f} GB (target: under {MOST_MEMORY:g})")
    if {"job", "mergekit"} <= set(only):
        theirs = sum(taken for name, taken in medians.items() if name.startswith("mergekit"))
        print(
            f"\nCalls of mergekit-yaml: {theirs:.1f} s; our job: {medians['job']:.1f} s; "
            f"{theirs / medians['job']:.1f} times as fast"
        )
        calls = [taken for name, taken in seconds.items() if name.startswith("mergekit")]
        in_rounds = [sum(taken) for taken in zip(*calls, strict=True)]
        what = "merging five models of 180M parameters by five methods"
        add_comparison(file, what, "five calls of mergekit-yaml", seconds["job"], in_rounds)


def main() -> None:
    """Compare, or (called by itself) make one measurement."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", default="compare", choices=["compare", "models", "floor", "ours", "job"])
    parser.add_argument("--folder", type=Path, help="for the models, to use them again")
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--vocabulary", type=int, default=128_256, help="entries of the embedding")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--method", default="linear")
    parser.add_argument("--only", default="ours,job,mergekit")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(METHODS), help="not of the job: it has all"
    )
    parser.add_argument("--json", type=Path, help="a file that gets the comparison")
    arguments = parser.parse_args()
    if arguments.folder is None:
        with tempfile.TemporaryDirectory() as folder:
            act(arguments, Path(folder))
    else:
        act(arguments, arguments.folder)


def act(arguments: argparse.Namespace, folder: Path) -> None:
    """Do what the arguments say, with models in a folder."""
    if arguments.what == "compare":
        if not (folder / "swe").exists():
            sizes = ["--layers", str(arguments.layers), "--vocabulary", str(arguments.vocabulary)]
            subprocess.run([sys.executable, __file__, "models", "--folder", str(folder), *sizes], check=True)
        compare(folder, arguments.repeats, arguments.only.split(","), arguments.methods, arguments.json)
    elif arguments.what == "models":
        make_models(folder, arguments.layers, arguments.vocabulary)
        make_counts(folder, arguments.vocabulary)
    else:
        start = time.perf_counter()
        taken = {
            "floor": lambda: floor(folder),
            "ours": lambda: ours(folder, arguments.method),
            "job": lambda: job(folder),
        }
        found = taken[arguments.what]()
        print(json.dumps({"seconds": found or time.perf_counter() - start, "gigabytes": peak_memory()}))


if __name__ == "__main__":
    main()
