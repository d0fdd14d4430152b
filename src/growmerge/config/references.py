"""Checkpoints that are taken, not trained: how the configuration names them. Pure, for Snakemake's parsing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from growmerge.errors import GrowmergeError

_FORMS = "'hub:owner/name', 'hub:owner/name@revision' or 'folder:path'"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*", re.ASCII)
# The hub has no such ids, but the user may have such files.
_FILES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".gz", ".model", ".txt")


@dataclass(frozen=True)
class Reference:
    """A repository of the hub (`revision`: a commit, tag or branch), or a local folder (`name`: its path)."""

    kind: Literal["hub", "folder"]
    name: str
    revision: str | None = None

    def files(self) -> list[str]:
        """The local files that are taken, so that their edits take them again; none of a repository."""
        folder = Path(self.name)
        files = folder.iterdir() if self.kind == "folder" and folder.is_dir() else ()
        return sorted(str(path) for path in files if path.suffix in (".json", ".safetensors"))


def parse_reference(text: str) -> Reference:
    """The reference that 'hub:owner/name', 'hub:owner/name@revision' or 'folder:path' stands for.

    Raises GrowmergeError for anything else.
    """
    kind, colon, rest = text.partition(":")
    if kind == "folder" and rest.strip():
        return Reference("folder", rest)
    if kind != "hub" or not colon:
        raise GrowmergeError(f"'{text}' is not a checkpoint; write {_FORMS}")
    name, at, revision = rest.partition("@")
    if not _REPOSITORY.fullmatch(name):
        raise GrowmergeError(
            f"'{text}': '{name}' is not a repository of the hub, which is 'owner/name'; write {_FORMS}"
        )
    if at and not re.fullmatch(r"\S+", revision):
        raise GrowmergeError(f"'{text}': the revision after @ is missing; give a commit or tag, or remove the @")
    return Reference("hub", name, revision or None)


def is_reference(source: str) -> bool:
    """Whether a model's `from` is a checkpoint from elsewhere: 'hub:...' or 'folder:...'."""
    return source.split(":")[0] in ("hub", "folder") and ":" in source


def names_a_path(name: str) -> bool:
    """Whether a dataset or tokenizer is a local file or folder, be it there or not; else it is an id of the hub.

    It is one if something of that name is there; if it cannot be an id, which is `name` or `owner/name` (/models/x,
    ./x, ../x, a/b/c, with a space); or if it ends like a file. A folder `data/x` that is missing reads as an id: write
    ./data/x to mean the folder. Addresses (https://...) are no paths.
    """
    if "://" in name:
        return False
    is_id = _REPOSITORY.fullmatch(name if "/" in name else f"owner/{name}")
    return is_id is None or name.endswith(_FILES) or Path(name).exists()


def at_step(reference: str, branches: str, step: int) -> str:
    """The checkpoint after a step of the model `reference`: a branch of its repository, a sub-folder of its folder.

    `branches` is a format such as 'checkpoint_{step:07d}'.
    """
    model, branch = parse_reference(reference), branches.format(step=step)
    return f"folder:{model.name}/{branch}" if model.kind == "folder" else f"hub:{model.name}@{branch}"
