"""The preflight of a study: everything that it needs from elsewhere is looked up, and reported in one table."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from growmerge.artifacts import write_atomically
from growmerge.config import Study
from growmerge.config.benchmarks import is_file
from growmerge.errors import GrowmergeError
from growmerge.preflight.repository import Repository, look_up, nearest
from growmerge.preflight.rows import beside, missing_of_files, missing_of_rows
from growmerge.study.grid import Grid
from growmerge.study.preflight import Need, needs_of
from growmerge.study.preflight_report import FAILED, Finding, described, preflight_markdown

logger = logging.getLogger(__name__)

AT_ONCE = 8  # questions; more and the hub asks to slow down
REPORT = "preflight.md"
# Patterns of files of which each has to be there, one or the other.
FILES = {
    "model": ({"config.json"}, {"*.safetensors"}, {"tokenizer.json"}),
    "tokenizer": ({"tokenizer.json", "tokenizer.model", "vocab.*", "*.model"},),
}
Key = tuple[Literal["model", "dataset"], str, str | None]  # kind, name and revision of a repository


def preflight(study: Study, folder: Path) -> None:
    """Look up what the study needs, and write and log `folder`/preflight.md.

    Raises GrowmergeError if the hub cannot be reached, or, after the report, if something is missing, without access,
    or could not be looked up.
    """
    from huggingface_hub import constants, get_token

    named = needs_of(study, Grid(study))
    found = look_up_all(named)
    account = "with a token" if get_token() else "without a token (`hf auth login`)"
    hub = f"{constants.ENDPOINT} was asked {account}." if any(map(repository_of, named)) else "Nothing is on the hub."
    report = preflight_markdown(study.study, hub, found, named)
    write_atomically(folder / REPORT, report)
    logger.info("%s\n%s", report, folder / REPORT)
    failed = [need for need, finding in found.items() if finding.state in FAILED]
    if failed:
        first = found[failed[0]]
        raise GrowmergeError(
            f"{len(failed)} of {len(found)} things that the study needs are not to be had, the first: "
            f"{described(failed[0])} ({first.state}: {'; '.join(first.remarks)}); see {folder / REPORT}"
        )


def look_up_all(needs: Iterable[Need]) -> dict[Need, Finding]:
    """What is there of all needs, in their order. Raises GrowmergeError if the hub cannot be reached."""
    from datasets.utils import tqdm

    # `datasets` reads in threads under a lock of its bars, and removes it afterwards, unless it was there before.
    tqdm.get_lock()
    needs = list(needs)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        keys = [repository_of(need) for need in needs]
        asked = {key: pool.submit(look_up, *key) for key in keys if key}
        repositories = {key: answer.result() for key, answer in asked.items()}
        findings = pool.map(lambda need, key: find(need, repositories[key] if key else None), needs, keys)
        return dict(zip(needs, findings, strict=True))
    finally:
        pool.shutdown(cancel_futures=True)


def repository_of(need: Need) -> Key | None:
    """The repository of the hub that a need is in; None if it is local, or a file at an address."""
    if need.local or need.kind == "files" or Path(need.name).exists() or (need.kind == "rows" and is_file(need.name)):
        return None
    return "dataset" if need.kind == "rows" else "model", need.name, need.revision


def find(need: Need, repository: Repository | None) -> Finding:
    """What is there of a need, in a repository of the hub or (None) elsewhere."""
    if repository is None:
        return _inside(need, Repository(files=tuple(_names(Path(need.name)))))
    if repository.no_answer:
        return Finding("no answer", [repository.no_answer])
    if repository.missing:
        return Finding("missing", [repository.missing])
    if not repository.access:
        advice = "accept its terms on its page of the hub, and run `hf auth login` with an account that has access"
        return Finding("no access", [f"gated: {advice}"], gated=True, unpinned=repository.unpinned)
    return _inside(need, repository)


def _inside(need: Need, repository: Repository) -> Finding:
    try:
        missing = _missing(need, repository.files)
    except GrowmergeError as error:
        return Finding("no answer", [str(error)], repository.gated, repository.unpinned)
    return Finding("missing" if missing else "there", missing, repository.gated, repository.unpinned)


def _missing(need: Need, files: Iterable[str]) -> list[str]:
    if need.kind == "rows":
        return missing_of_rows(need)
    if need.kind == "files":
        return missing_of_files(need)
    if need.local and not Path(need.name).is_dir():
        return [f"no such folder: {nearest(need.name, beside(Path(need.name)))}"]
    return [
        f"no {' or '.join(sorted(patterns))}"
        for patterns in FILES[need.kind]
        if not any(fnmatch(file, pattern) for file in files for pattern in patterns if "/" not in file)
    ]


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []
