"""What every script does around its one call: log to file and terminal, and turn user errors into one clear line."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from growmerge.disk import is_full, no_room
from growmerge.errors import GrowmergeError
from growmerge.fork_server import hand_over
from growmerge.gpus import gpus_here, locks_folder, take_gpus

INTERRUPTED = 130  # exit status of what Ctrl-C ends: 128 + SIGINT
# What Snakemake puts into a script under this name, for scripts to import as linters and type checkers want it.
snakemake: Any = getattr(sys.modules["__main__"], "snakemake", None)


@contextmanager
def imports() -> Iterator[None]:
    """Hold the garbage collector back while a script imports what it needs. Ctrl-C ends it without a traceback.

    Imports make a million objects that live as long as the process. To go through them again and again takes the
    collector a fifth of a job's start; afterwards, it passes over them.
    """
    gc.disable()
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def heavy_imports() -> Iterator[None]:
    """The same for torch, transformers, pandas and whatever needs them.

    If the run has imported them already, the whole script goes on in a fork of the process that has.
    """
    hand_over()
    with imports():
        yield


@contextmanager
def job(
    log: str | Path | None = None, level: int = logging.INFO, threads: int | None = None, *, name: str = ""
) -> Iterator[logging.Logger]:
    """Run a script's body, with that many `threads` in torch, on GPUs of its own if its rule asks for some.

    Messages of the `growmerge` loggers go to `log`, and to the terminal after the `name` of what the job makes: several
    jobs write to one terminal at a time. A GrowmergeError ends the script with its message alone, and so do a full disk
    and Ctrl-C; anything else keeps its traceback. The log has all of it. If it cannot be written, the job goes on.
    """
    gc.freeze()  # also what was imported without `imports`: a worker of torchrun is no script
    if threads:
        import torch

        torch.set_num_threads(threads)
    logger = logging.getLogger("growmerge")
    logger.setLevel(level)
    logger.propagate = False  # libraries set up the root logger, which would print everything twice
    _add(logger, logging.StreamHandler(sys.stderr), f"{name}: " if name else "")
    if log:
        try:
            Path(log).parent.mkdir(parents=True, exist_ok=True)
            Path(log).write_text("", encoding="utf-8")
            _add(logger, _Log(log, mode="a", encoding="utf-8"))  # another job may write it, too
        except OSError as error:
            logger.warning("%s: this log cannot be written (%s)", log, error.strerror)
    try:
        if wanted := snakemake.resources.get("gpu", 0) if snakemake else 0:
            take_gpus(wanted, gpus_here(), locks_folder())
        yield logger
    except GrowmergeError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("interrupted by Ctrl-C")
        sys.exit(INTERRUPTED)
    except Exception as error:
        if is_full(error):
            logger.error("error: %s", no_room(Path(getattr(error, "filename", None) or log or "."), error, 0))
        else:
            logger.exception("unexpected failure")
        sys.exit(1)


def _add(logger: logging.Logger, handler: logging.Handler, prefix: str = "") -> None:
    handler.setFormatter(logging.Formatter(f"%(asctime)s {prefix}%(message)s", "%H:%M:%S"))
    logger.addHandler(handler)


class _Log(logging.FileHandler):
    """A log whose disk may fill up: what happens to the job is more important than its log."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)
