"""What every script does around its one call: log to file and terminal, and turn user errors into one clear line."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from growmerge.errors import GrowmergeError

# What Snakemake puts into a script under this name, for scripts to import as linters and type checkers want it.
snakemake: Any = getattr(sys.modules["__main__"], "snakemake", None)


@contextmanager
def imports() -> Iterator[None]:
    """Hold the garbage collector back while a script imports what it needs.

    Imports make a million objects that live as long as the process. To go through them again and again takes the
    collector a fifth of a job's start; afterwards, it passes over them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def job(
    log: str | Path | None = None, level: int = logging.INFO, threads: int | None = None
) -> Iterator[logging.Logger]:
    """Run a script's body, with that many `threads` in torch.

    Messages of the `growmerge` loggers go to the terminal and to `log`. A GrowmergeError ends the script with its
    message alone; anything else keeps its traceback. Both stand in the log.
    """
    gc.freeze()  # also what was imported without `imports`: a worker of torchrun is no script
    if threads:
        import torch

        torch.set_num_threads(threads)
    logger = logging.getLogger("growmerge")
    logger.setLevel(level)
    logger.propagate = False  # libraries set up the root logger, which would print everything twice
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text("", encoding="utf-8")
        handlers.append(logging.FileHandler(log, mode="a", encoding="utf-8"))  # another job may write it, too
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
    try:
        yield logger
    except GrowmergeError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception:
        logger.exception("unexpected failure")
        sys.exit(1)
