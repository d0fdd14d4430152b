"""The head of a training step (last matrix product and cross-entropy, forward and backward) by each way to compute it.

    python speed/head.py [--shapes miniature 180M] [--tokens 1024] [--precision fp32 bf16] [--rounds 5] [--threads 1]
        [--compile] [--vocabulary N] [--ways ours torch ...] [--json FILE]

`ours` (growmerge.training.gradient), torch's `linear_cross_entropy` in chunks as large as ours (`torch`) and as torch
chooses them (`torch-auto`), `whole` logits at once, and on a GPU liger-kernel's, if it is installed. Each runs in a
process of its own for its memory: the most that is used beyond weights, states and their gradients, in MB. Seconds are
the processor's on a CPU, so that other work on the machine counts little. The error is that of the weight's and of the
states' gradient: the distance to the gradient in fp64, over the length of the latter.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from heads import LIGER, TORCH, LigerGradient, TorchGradient, TorchsChoice, WholeGradient
from lines import add, last_line
from shapes import VOCABULARIES, shape

from growmerge.models.initialise import initialise, llama_config
from growmerge.training.gradient import Gradient

WAYS: dict[str, type[Gradient]] = {
    "ours": Gradient,
    **({"liger": LigerGradient} if LIGER else {}),
    **({"torch": TorchGradient, "torch-auto": TorchsChoice} if TORCH else {}),
    "whole": WholeGradient,
}
SHAPES = ("miniature", "tiny", "180M", "572M")
Gradients = tuple[torch.Tensor, torch.Tensor]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One way at one shape in one precision."""
    (name,), (way,), (precision,) = options.shapes, options.ways, options.precision
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vocabulary = options.vocabulary or VOCABULARIES[name]
    architecture = shape(name)
    config = llama_config(architecture.model_copy(update={"num_hidden_layers": 1}), vocabulary, 0, 0)
    model = torch.nn.Module.to(initialise(config, 0), device)
    noise = torch.Generator().manual_seed(1)
    states = torch.randn(options.tokens, architecture.hidden_size, generator=noise).to(device)
    targets = torch.randint(0, vocabulary, (options.tokens,), generator=noise).to(device)

    def gradients(of: Gradient, states: torch.Tensor) -> Gradients:
        leaf, weight = states.detach().requires_grad_(), of.model.lm_head.weight
        weight.grad = torch.zeros_like(weight)  # is there in every step but the first micro-batch
        of._add_head(leaf, targets, options.tokens)
        assert leaf.grad is not None
        return leaf.grad, weight.grad

    gradient = WAYS[way](model, precision, options.compile)
    model.lm_head.weight.grad = torch.zeros_like(model.lm_head.weight)
    before = peak(device)
    first = gradients(gradient, states)
    used = peak(device) - before
    seconds = [timed(lambda: gradients(gradient, states), device) for _ in range(options.rounds)]
    exact = gradients(Gradient(model.double(), "fp32"), states.double())
    errors = [float((ours - true).norm() / true.norm()) for ours, true in zip(first, exact, strict=True)]
    return {
        "shape": name,
        "precision": precision,
        "way": way,
        "compiled": options.compile,
        "tokens": options.tokens,
        "seconds": statistics.median(seconds),
        "memory_mb": used,
        "error_of_states": errors[0],
        "error_of_weight": errors[1],
    }


def peak(device: torch.device) -> float:
    """Most memory so far, in MB; on a GPU it begins anew."""
    if device.type == "cuda":
        most = torch.cuda.max_memory_allocated(device) / 1e6
        torch.cuda.reset_peak_memory_stats(device)
        return most
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def timed(function: Callable[[], Gradients], device: torch.device) -> float:
    """Seconds: the processor's on a CPU, else those that went by."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    start = clock()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - start


def main() -> None:
    """Print one table; FILE gets a line of JSON for each row, at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", default=["miniature", "180M"], choices=SHAPES)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--vocabulary", type=int, help="entries; default: that of the shape")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options)))
        return
    print("| shape | precision | way | ms | MB beyond | error of states | of weight |\n|---|---|---|---|---|---|---|")
    for name in options.shapes:
        for precision in options.precision:
            for way in options.ways:
                mine = ["--one", "--shapes", name, "--precision", precision, "--ways", way]
                command = [sys.executable, __file__, *sys.argv[1:], *mine]
                run = subprocess.run(command, capture_output=True, text=True, check=False)
                sys.stderr.write(run.stderr)
                if run.returncode:  # the other ways are measured all the same
                    row = {"shape": name, "precision": precision, "way": way, "failed": last_line(run.stderr)}
                    print(f"| {name} | {precision} | {way} | failed: {row['failed']} | | | |", flush=True)
                    add(options.json, row)
                    continue
                row = json.loads(run.stdout.splitlines()[-1])
                add(options.json, row)
                numbers = f"{1000 * row['seconds']:.1f} | {row['memory_mb']:.0f}"
                errors = f"{row['error_of_states']:.1e} | {row['error_of_weight']:.1e}"
                print(f"| {name} | {precision} | {way} | {numbers} | {errors} |", flush=True)


if __name__ == "__main__":
    main()
