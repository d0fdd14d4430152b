"""How a training ends early: told to by a signal, or because its numbers are no longer finite."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from growmerge.artifacts import write_atomically
from growmerge.errors import GrowmergeError

AGAIN = 75  # exit status EX_TEMPFAIL: interrupted, run it again and it resumes
DIVERGED = 65  # exit status EX_DATAERR: loss or gradient not finite, running it again would end the same
MARK = "diverged.txt"
# Slurm sends SIGTERM at a time limit, a preemption or scancel; SIGUSR1 is what people ask `sbatch --signal` for; Ctrl-C
# is SIGINT; a terminal that is closed, or lost, is SIGHUP.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP)


class Diverged(GrowmergeError):
    """The loss or the gradient is not finite."""


def refuse_if_diverged(work: Path) -> None:
    """Raise Diverged with an earlier attempt's message: a job that is retried unchanged ends at once."""
    if (work / MARK).exists():
        raise Diverged((work / MARK).read_text(encoding="utf-8").strip())


def mark_diverged(work: Path, message: str) -> str:
    """Note in `work` (a folder for each configuration and inputs) that it diverged; returns the whole message."""
    message += (
        " The same configuration with the same inputs is not tried again; a change of either clears this, and so does "
        f"removing {work / MARK}."
    )
    write_atomically(work / MARK, message + "\n")
    return message


@dataclass
class StopRequest:
    """Whether a signal asked for an end."""

    signal: str = ""

    def __bool__(self) -> bool:
        return bool(self.signal)


def heeded() -> list[signal.Signals]:
    """The signals that end a training: `SIGNALS`, without SIGHUP if it is ignored already, as under `nohup`."""
    return [number for number in SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Within it, the signals of `heeded` only set the request."""
    request = StopRequest()

    def note(number: int, _: FrameType | None) -> None:
        request.signal = signal.Signals(number).name

    previous = {number: signal.signal(number, note) for number in heeded()}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
