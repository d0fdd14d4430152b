"""A target that no rule makes: what was probably meant.

Snakemake tells a workflow its targets only after it has read the rules. So what it says of an unknown target is made
clear where it is logged.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Iterable

from growmerge import ids

# MissingRuleException of Snakemake 9.27.
_UNKNOWN = re.compile(r"No rule to produce (.+) \(if you use input functions .*\)\.")


class NearTargets(logging.Filter):
    """Lets every message pass; of a target that no rule makes, it says what was probably meant."""

    def __init__(self, known: Callable[[], Iterable[str]], results: str) -> None:
        """`known` and `results` as in `no_such_target`; asked for when a target is unknown."""
        super().__init__()
        self._known, self._results = known, results

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        if record.levelno >= logging.ERROR and (unknown := _UNKNOWN.search(text := record.getMessage())):
            told = no_such_target(unknown[1], self._known(), self._results)
            record.msg, record.args = text.replace(unknown[0], told), ()
        return True


def no_such_target(target: str, known: Iterable[str], results: str) -> str:
    """One line about a path or name that no rule makes.

    `known`: names of rules, and paths below `results`, the folder of the study.
    """
    wrong = f"'{target}': no rule makes it"
    study = re.match(r"results/([^/]+)/", target)
    if study and study[1] != (here := results.rpartition("/")[2]):
        return (
            f"{wrong}: it is of the study '{study[1]}', and this command is about '{here}'; give the --profile or "
            "--configfile of that study"
        )
    if near := nearest_target(target, known, results):
        return f"{wrong}; did you mean '{near}'?"
    return f"{wrong}; `snakemake --list` lists what can be made by name, docs/running.md shows paths"


def nearest_target(target: str, known: Iterable[str], results: str) -> str:
    """The nearest of the known targets; empty if none is near.

    Paths are compared without the folder of the study, which may be left out, and with the languages of a combination
    in alphabetical order. A folder stands for the first target in it: scores are files, models are folders.
    """
    spelt = _in_order(target.removeprefix(f"{results}/"))
    by_part = {path.removeprefix(f"{results}/"): path for path in known}
    if spelt in by_part:
        return by_part[spelt]
    if within := next((part for part in by_part if part.startswith(f"{spelt.rstrip('/')}/")), None):
        return by_part[within]
    # As long a path: of the hundred thousands of merges of a large grid, only those that can be meant.
    candidates = [part for part in by_part if part.count("/") == spelt.count("/")]
    near = difflib.get_close_matches(spelt, candidates, n=1, cutoff=0.7)
    return by_part[near[0]] if near else ""


def _in_order(path: str) -> str:
    parts = []
    for part in path.split(ids.SLASH):
        languages, step = part.partition(ids.AT)[::2]
        parts.append(ids.combination(languages.split(ids.PLUS)) + (f"{ids.AT}{step}" if step else ""))
    return ids.SLASH.join(parts)
