"""The artifacts of a study that exist, by their manifests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from growmerge.artifacts import MANIFEST, Manifest, read_manifest
from growmerge.errors import GrowmergeError

# Intermediate checkpoints are as many as models times steps, and what is in `work` is unfinished.
PASSED_OVER = frozenset({"checkpoints", "work", "logs", "times"})
BESIDE = f".{MANIFEST}"  # ends the manifest of a group of files


@dataclass(frozen=True)
class Made:
    """Manifests below a folder of results by their paths in it; and what is damaged, with the error."""

    manifests: Mapping[str, Manifest]
    damaged: Mapping[str, str]

    @classmethod
    def under(cls, results: Path) -> Made:
        """Read them all, in the order of their paths."""
        found: dict[str, Manifest] = {}
        damaged: dict[str, str] = {}
        for path in sorted(_manifests(results)):
            name = path.relative_to(results).as_posix()
            stem = path.name.removesuffix(BESIDE)
            artifact = (
                path.parent if path.name == MANIFEST else path.with_name(f"{stem}.csv")
            )  # all groups have a table
            try:
                found[name] = read_manifest(artifact)
            except GrowmergeError as error:
                damaged[name] = str(error)
        return cls(found, damaged)

    def of(self, artifact: str) -> Manifest | None:
        """The manifest of the folder at that path in the results, if it is there and whole."""
        return self.manifests.get(f"{artifact}/{MANIFEST}")

    @cached_property
    def by_folder(self) -> dict[str, list[Manifest]]:
        """The manifests by the first folder of their paths; those at the top are of the folder `tables`."""
        folders: dict[str, list[Manifest]] = {}
        for name, manifest in self.manifests.items():
            first, slash, rest = name.partition("/")
            # `tokenizer/manifest.json` is a folder; `compute_match.manifest.json` lies at the top.
            folders.setdefault(first if slash and rest else "tables", []).append(manifest)
        return folders


def wall_seconds(manifest: Manifest) -> float:
    """How long the job ran that made it; 0 where nobody measured that."""
    return float(manifest.provenance.get("wall_seconds") or 0)


def size(manifest: Manifest) -> int:
    """Bytes of its files."""
    return sum(entry["bytes"] for entry in manifest.files.values())


def plain(manifest: Manifest) -> dict[str, Any]:
    """What the file holds, and the digest that others know the artifact by."""
    return {
        "digest": manifest.digest,
        "files": manifest.files,
        "inputs": manifest.inputs,
        "config": manifest.config,
        "facts": dict(manifest.facts),
        "provenance": manifest.provenance,
    }


def _manifests(results: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(results):
        # Unfinished artifacts have names that begin with a dot.
        below[:] = [name for name in below if not name.startswith(".")]
        if Path(folder) == results:
            below[:] = [name for name in below if name not in PASSED_OVER]
        yield from (Path(folder, name) for name in files if name == MANIFEST or _is_beside(name))


def _is_beside(name: str) -> bool:
    return name.endswith(BESIDE) and not name.startswith(".")
