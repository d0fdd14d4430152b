"""The log of a training: JSON lines for programs, the same with the time left for people, TensorBoard if asked for."""

from __future__ import annotations

import json
import logging
import math
import statistics
import time
from collections import deque
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from growmerge.artifacts import write_atomically
from growmerge.errors import GrowmergeError

logger = logging.getLogger(__name__)


class Spikes:
    """Finds steps whose loss is far above those before.

    The rule: more than `DEVIATIONS` standard deviations above the median of the last `WINDOW` steps, the deviation
    estimated as 1.4826 times the median absolute one, so that spikes in the window count little. (OLMo 2, Walsh et al.
    2024, has seven deviations from the mean.) After a resumption, as at the beginning, it waits for `FEWEST` steps.
    """

    WINDOW, FEWEST, DEVIATIONS = 100, 20, 7.0

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=self.WINDOW)

    def is_one(self, loss: float) -> bool:
        """Whether the next step's loss is a spike."""
        found = False
        if len(self._losses) >= self.FEWEST:
            median = statistics.median(self._losses)
            spread = 1.4826 * statistics.median(abs(other - median) for other in self._losses)
            found = loss > median + self.DEVIATIONS * spread
        self._losses.append(loss)
        return found


SYMMETRIC_AFTER = 10  # steps, after which copies that are still equal are warned of


class Entry(TypedDict):
    """A line of the training log. Speed and utilisation are filled in when it is written."""

    step: int
    loss: float
    learning_rate: float
    gradient_norm: NotRequired[float]
    spike: NotRequired[bool]
    memory_mb: NotRequired[float]
    block_asymmetry: NotRequired[float]
    tokens: NotRequired[int]
    tokens_per_second: NotRequired[float]
    model_flops_utilisation: NotRequired[float | None]


class TrainingLog:
    """One JSON line every few steps and at every spike."""

    def __init__(
        self,
        path: Path,
        first: int,
        steps: int,
        *,
        tokens_per_step: int,
        flops_per_step: float,
        peak: float | None,
        tensorboard: Path | None = None,
    ) -> None:
        """Continue the log of a run that resumes after step `first`: later lines are dropped.

        `peak`: FLOP/s of all devices together, if known. Raises GrowmergeError if TensorBoard is asked for and absent.
        """
        self._path, self._steps, self._peak = path, steps, peak
        self._tokens, self._flops = tokens_per_step, flops_per_step
        self._first, self._begun = first, time.monotonic()
        self._last, self._last_time = first, self._begun
        self.last_loss = math.nan
        self._warned_of_symmetry = False
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= first]
        self.spikes = sum("spike" in json.loads(line) for line in kept)
        write_atomically(path, "".join(f"{line}\n" for line in kept))  # a full disk must not cost what is there
        self._board = _open_board(tensorboard, first) if tensorboard else None

    def write(self, entry: Entry) -> None:
        """Log an entry that has at least step, loss and learning_rate; the speed is that since the one before."""
        done, now = entry["step"], time.monotonic()
        per_second = (done - self._last) / max(now - self._last_time, 1e-9)
        entry |= {
            "tokens": done * self._tokens,
            "tokens_per_second": round(per_second * self._tokens, 1),
            "model_flops_utilisation": round(per_second * self._flops / self._peak, 4) if self._peak else None,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        if self._board:
            for name, value in entry.items():
                if name != "step" and value is not None:
                    self._board.add_scalar(name, value, done)
        if entry.get("spike"):
            self.spikes += 1
            logger.warning("step %d: the loss, %.4f, is a spike above that of the steps before", done, entry["loss"])
        if done >= SYMMETRIC_AFTER and entry.get("block_asymmetry") == 0 and not self._warned_of_symmetry:
            self._warned_of_symmetry = True
            logger.warning(
                "step %d: the copies that HyperCloning made of each block are still exactly equal (block asymmetry 0). "
                "They get equal gradients, so the model learns no more than one of the width it was cloned from. "
                "`snr_db` of the base's `clone`, such as 10.0, tells the copies apart",
                done,
            )
        self._last, self._last_time, self.last_loss = done, now, entry["loss"]
        left = (self._steps - done) * (now - self._begun) / (done - self._first)
        utilisation = f"  {entry['model_flops_utilisation']:.1%} of peak" if self._peak else ""
        logger.info(
            "step %d/%d  loss %.4f  lr %.2e  %s tokens/s%s  %d:%02d left",
            done, self._steps, entry["loss"], entry["learning_rate"], f"{entry['tokens_per_second']:,.0f}",
            utilisation, *divmod(round(left), 60),
        )  # fmt: skip

    def close(self) -> None:
        """Flush what TensorBoard has not written yet."""
        if self._board:
            self._board.close()


def _open_board(folder: Path, first: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise GrowmergeError(
            "training.tensorboard is true, but the package tensorboard is not installed: `pip install tensorboard`, or "
            "set it to false"
        ) from error
    return SummaryWriter(str(folder), purge_step=first + 1)
