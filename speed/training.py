"""Step time of our training loop beside transformers' Trainer and a bare PyTorch loop, on the CPU.

The miniature's model and batches; the engines take turns, so that what else the machine does falls on all alike.

    python speed/training.py [--steps 40] [--rounds 5] [--threads 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
from itertools import chain
from pathlib import Path

import torch
from engines import Setting, bare, ours, trainer
from lines import add_comparison
from shapes import VOCABULARIES, shape

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


def compare(steps: int, rounds: int) -> dict[str, list[list[float]]]:
    """Seconds of every step but the first five of each run, for every engine."""
    seconds: dict[str, list[list[float]]] = {name: [] for name in ENGINES}
    with tempfile.TemporaryDirectory() as folder:
        task = setting(Path(folder), steps)
        for _ in range(rounds):
            for name, engine in ENGINES.items():
                seconds[name].append(engine(task).seconds(skip=5))
    return seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file that gets the comparisons")
    arguments = parser.parse_args()
    logging.getLogger("growmerge").setLevel(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    seconds = compare(arguments.steps, arguments.rounds)
    medians = {name: statistics.median(chain(*runs)) for name, runs in seconds.items()}
    print("| engine | median step (ms) | of the bare loop |\n|---|---|---|")
    for name, median in medians.items():
        print(f"| {name} | {1000 * median:.2f} | {median / medians['bare loop']:.3f} |")
    steps = {name: [statistics.median(run) for run in runs] for name, runs in seconds.items()}
    for other, named in (("Trainer", "transformers' Trainer"), ("bare loop", "a bare PyTorch loop")):
        add_comparison(arguments.json, "a training step, model miniature", named, steps["ours"], steps[other])


if __name__ == "__main__":
    main()
