"""A campaign of faults: `python tests/faults/campaign.py --faults 100 --seed 0`.

Builds a two-language grid undisturbed. Then it builds the same grid again and again, in rounds, puts random faults into
it, and does after each what a user would do: what the message says, then the same command. Each round must end with the
bytes of the undisturbed results, and nothing that was finished may be made again without cause. Left out of the
comparison: logs, times, and what manifests and notes say of times, hardware and versions (`study.py`). Kinds, victims,
moments and the user's choices are drawn from the seed; what a fault meets at a moment depends on the machine, too.

Prints a line for each fault: number, kind, where, whether it recovered, what was said. Ends with status 1 if one did
not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does

from small_disk import Disk, small_disk

from faults.kinds import KINDS
from faults.round import Outcome, Round
from faults.run import Run
from faults.study import RUN, TARGETS, clone

SIZE = 120_000_000  # bytes of the disk that is filled


def campaign(folder: Path, faults: int, seed: int, report: Callable[[str], None] = print) -> list[Outcome]:
    """That many faults in clones below `folder`, and what became of them; `report` takes a line for each."""
    draw, deck, outcomes = Random(seed), list[str](), list[Outcome]()
    undisturbed, struck = clone(folder / "undisturbed"), clone(folder / "struck")
    _build(undisturbed)
    with _disk(struck / "results") as disk:

        def deal() -> str:
            """Every kind once, in random order; then again."""
            if not deck:
                deck.extend(kind for kind in KINDS if disk or kind != "full disk")
                draw.shuffle(deck)
            return deck.pop()

        while len(outcomes) < faults:
            struck_by = Round(
                struck, undisturbed, disk=disk, draw=draw, deal=deal, report=report, first=len(outcomes) + 1
            )
            outcomes += struck_by.play(faults - len(outcomes))
    return outcomes


def _build(clone: Path) -> None:
    run = Run(clone, *TARGETS, *RUN)
    run.wait()
    assert run.process.returncode == 0, run.output[-3000:]


@contextmanager
def _disk(folder: Path) -> Iterator[Disk | None]:
    """A disk for results, where one can be mounted."""
    try:
        with small_disk(folder, SIZE) as disk:
            yield disk
    except pytest.skip.Exception as skipped:
        print(skipped, file=sys.stderr)
        folder.mkdir(exist_ok=True)
        yield None


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Put random faults into a small grid, and see whether it recovers.")
    parser.add_argument("--faults", type=int, default=100, help="number of faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, help="where the clones are, which stay for another campaign; default: a temporary folder"
    )
    chosen = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        outcomes = campaign(
            chosen.folder or Path(temporary), chosen.faults, chosen.seed, lambda line: print(line, flush=True)
        )
    recovered = sum(not outcome.problems for outcome in outcomes)
    print(f"{recovered} of {len(outcomes)} faults recovered, in {(time.monotonic() - begun) / 60:.1f} minutes")
    sys.exit(recovered < len(outcomes))


if __name__ == "__main__":
    main()
