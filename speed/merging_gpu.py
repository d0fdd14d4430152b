"""How long merges of five models take on the CPU and on a GPU, and how far the weights of the two are apart.

    python speed/merging_gpu.py [--shape 572M] [--folder DIRECTORY] [--methods linear ties ...] [--json FILE]

Five models and their base (random weights near each other, bf16) are made in the folder. The published methods come
first, then all others that merge five models and need no statistics. Merges on the CPU follow those on the GPU in one
process, so its processes are forked after CUDA was initialised, as they are in a job that scores on a GPU.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import torch
from lines import Row, add, why
from made_up import tokenizer
from safetensors import safe_open
from shapes import PAPER, WIDTHS, shape

from growmerge.artifacts import publish
from growmerge.catalogue.merge_registry import merge_methods
from growmerge.config import load_files
from growmerge.config.merging import Method
from growmerge.merging.blocks import workers
from growmerge.merging.inputs import Inputs
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.models.checkpoints import save_checkpoint
from growmerge.models.initialise import initialise, llama_config

LANGUAGES = ("ekk", "fao", "fas", "isl", "swe")
BASE = "base"
WEIGHTS = "model.safetensors"


def make_models(folder: Path, name: str, vocabulary: int) -> None:
    """A base, and five models near it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = torch.nn.Module.to(initialise(llama_config(shape(name), vocabulary, 0, 0), 0), device)
    tokenizer().save_pretrained(folder / "tokenizer")
    for seed, code in enumerate((BASE, *LANGUAGES)):
        model, noise = deepcopy(base), torch.Generator(device).manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters() if seed else ():
                parameter.add_(torch.randn(parameter.shape, generator=noise, device=device) * 0.01)
        with publish(folder / code) as draft:
            save_checkpoint(model.bfloat16(), draft.folder, folder / "tokenizer")


def methods() -> Iterator[Method]:
    """The published methods, then the others."""
    published = load_files(PAPER).merging.methods
    yield from published
    for name, registered in merge_methods().items():
        kind = registered.kind
        fewest, most = kind.members
        fits = fewest <= len(LANGUAGES) and (most is None or most >= len(LANGUAGES))
        if fits and not kind.statistics and name not in {method.registered for method in published}:
            weight = {"weight": 1.0} if "weight" in kind.of_model else {}
            yield Method(name=name, uses_base=kind.base == "required", parameters=dict(weight))


def merge(recipe: Recipe, out: Path, inputs: Inputs) -> float:
    """Seconds of a merge into `out`."""
    start = time.perf_counter()
    merge_models({out: recipe}, inputs)
    return time.perf_counter() - start


def distance(one: Path, other: Path) -> float:
    """The largest difference of two merges' weights."""
    with safe_open(one / WEIGHTS, "pt") as a, safe_open(other / WEIGHTS, "pt") as b:
        names = list(a.keys())
        return max(float((a.get_tensor(n).float() - b.get_tensor(n).float()).abs().max()) for n in names)


def compare(folder: Path, method: Method, inputs: Inputs) -> Row:
    """One method on the GPU, if there is one, and on the CPU."""
    members = {code: folder / code for code in LANGUAGES}
    row: Row = {"method": method.name}
    devices = ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]
    try:
        for device in devices:
            recipe = Recipe(members, folder / BASE, method, "float16", 42, device)
            row[f"{device}_seconds"] = merge(recipe, folder / device, inputs)
        if len(devices) == 2:
            row["differs"] = distance(folder / "cuda", folder / "cpu")
            row["draws"] = recipe.kind.draws
    except Exception as error:
        row["failed"] = why(error)
    for device in devices:
        shutil.rmtree(folder / device, ignore_errors=True)
    return row


def main() -> None:
    """Print a table; FILE gets a line of JSON for each row, at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="572M", choices=WIDTHS)
    parser.add_argument("--vocabulary", type=int, default=128_256)
    parser.add_argument("--folder", type=Path, help="default: a temporary one")
    parser.add_argument("--methods", nargs="+", help="names; default: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        make_models(folder, options.shape, options.vocabulary)
        with workers() as crew:
            inputs = Inputs([folder / name for name in (BASE, *LANGUAGES)], crew)
        print("| method | CPU (s) | GPU (s) | differs |\n|---|---|---|---|")
        for method in methods():
            if options.methods and method.name not in options.methods:
                continue
            row = compare(folder, method, inputs) | {"shape": options.shape}
            add(options.json, row)
            numbers = " | ".join(f"{row[key]:.2f}" if key in row else "-" for key in ("cpu_seconds", "cuda_seconds"))
            print(f"| {method.name} | {numbers} | {row.get('failed', row.get('differs', '-'))} |", flush=True)


if __name__ == "__main__":
    main()
