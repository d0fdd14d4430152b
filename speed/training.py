"""Step time of our training loop beside transformers' Trainer and a bare PyTorch loop, on the CPU.

The miniature's model and batches. The engines take turns, so that what else the machine does falls on all alike, each
in a process of its own (turns.py).

    python speed/training.py [--steps 40] [--rounds 5] [--threads 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import torch
from engines import Setting, bare, ours, trainer
from lines import add_comparison
from shapes import VOCABULARIES, shape
from turns import process

from growmerge.config.training import Training

ENGINES = {"bare loop": bare, "ours": ours, "Trainer": trainer}


def setting(folder: Path, steps: int) -> Setting:
    """The miniature's training on one core."""
    training = Training(
        sequence_length=128,
        batch_sequences=8,
        micro_batch_sequences=8,
        learning_rate=0.006,
        precision="fp32",
        checkpoint_every=10**6,
        state_every=10**6,
        log_every=20,
    )
    return Setting(shape("miniature"), VOCABULARIES["miniature"], training, steps, torch.device("cpu"), folder)


def prepare(threads: int) -> None:
    """What every process does first."""
    logging.getLogger("growmerge").setLevel(logging.WARNING)
    torch.set_num_threads(threads)


def measure(engine: str, task: Setting) -> list[float]:
    """Seconds of every step but the first five."""
    return ENGINES[engine](task).seconds(skip=5)


def compare(steps: int, rounds: int, threads: int) -> dict[str, list[list[float]]]:
    """Seconds of the steps of each run, for every engine."""
    seconds: dict[str, list[list[float]]] = {name: [] for name in ENGINES}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        task = setting(Path(folder), steps)
        processes = {name: stack.enter_context(process(name == "ours", prepare, threads)) for name in ENGINES}
        for _ in range(rounds):
            for name, runs in seconds.items():
                runs.append(processes[name].submit(measure, name, task).result())
    return seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file that gets the comparisons")
    arguments = parser.parse_args()
    seconds = compare(arguments.steps, arguments.rounds, arguments.threads)
    medians = {name: statistics.median(chain(*runs)) for name, runs in seconds.items()}
    print("| engine | median step (ms) | of the bare loop |\n|---|---|---|")
    for name, median in medians.items():
        print(f"| {name} | {1000 * median:.2f} | {median / medians['bare loop']:.3f} |")
    steps = {name: [statistics.median(run) for run in runs] for name, runs in seconds.items()}
    for other, named in (("Trainer", "transformers' Trainer"), ("bare loop", "a bare PyTorch loop")):
        add_comparison(arguments.json, "a training step, model miniature", named, steps["ours"], steps[other])


if __name__ == "__main__":
    main()
