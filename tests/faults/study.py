"""The study that faults are put into: where it is, what a user asks for, and what of its results must be equal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.snakemake import LAPTOP, ROOT, copy_of_the_repository

from growmerge.artifacts import MANIFEST, NOTES, Manifest, digest_of, read_manifest, sha256_file
from growmerge.errors import GrowmergeError

STUDY = Path("results/faults")
OVERLAYS = ("tests/workflow/two-languages.yaml", "tests/slurm/one-setup.yaml", "tests/faults/faults.yaml")
RUN = [*LAPTOP, "--configfile", "config/miniature.yaml", *(Path(file).name for file in OVERLAYS)]
TARGETS = ["models", "scores", *(f"{STUDY}/{file}" for file in ("tables/trainings.csv", "figures/baselines.pdf"))]
ASKED = ("models", "scores", "figures")  # the folders of these; what led to them need not be there in the end
TRAINED = ("seed", "1x/swe", "1x/isl", "1x/multi")
# What a run writes for people, and what tells of the attempts that it took.
LEFT_OUT = ("logs", "times", "work")
# What a round can begin with: the folders of an earlier phase that it has already.
PHASES = ((), ("documents", "tokenizer", "tokens", "benchmarks"), ("models", "checkpoints"))


def clone(folder: Path) -> Path:
    """A copy of the repository with the study's configuration."""
    copy_of_the_repository(folder)
    for file in OVERLAYS:
        shutil.copy(ROOT / file, folder)
    return folder


@dataclass(frozen=True)
class Artifact:
    """An artifact with a manifest, which may be damaged. Paths are relative to the clone."""

    clone: Path
    manifest: Path

    @property
    def name(self) -> str:
        """A folder's path, or that of a group of files with their common stem."""
        of_a_folder = self.manifest.name == MANIFEST
        return str(self.manifest.parent if of_a_folder else self.manifest.with_name(self.manifest.name.split(".")[0]))

    def read(self) -> Manifest | None:
        """Its manifest; None if that is damaged, or a file is missing, so that it is no finished artifact."""
        path = self.clone / self.manifest
        named = path.parent if path.name == MANIFEST else path.with_name(path.name.replace(".manifest.json", ".*"))
        try:
            manifest = read_manifest(named)
        except GrowmergeError:
            return None
        return manifest if all((path.parent / name).exists() for name in manifest.files) else None

    def files(self) -> list[Path]:
        """Its files, the manifest among them."""
        manifest = self.read()
        return [self.manifest, *(self.manifest.parent / name for name in (manifest.files if manifest else ()))]

    def built(self) -> tuple[int, int]:
        """Equal as long as nobody makes it again."""
        status = (self.clone / self.manifest).stat()
        return status.st_mtime_ns, status.st_ino


def artifacts(clone: Path) -> Iterator[Artifact]:
    """The finished artifacts of the study, in the order of their names, without those that others hold."""
    for pattern in (MANIFEST, "*.manifest.json"):
        for path in sorted((clone / STUDY).rglob(pattern)):
            relative = path.relative_to(clone)
            artifact = Artifact(clone, relative)
            within = "/." in str(relative) or any((folder / MANIFEST).exists() for folder in path.parent.parents)
            if relative.relative_to(STUDY).parts[0] not in LEFT_OUT and not within and artifact.read():
                yield artifact


def contents(clone: Path) -> dict[str, str]:
    """What must be equal, file by file: digests, of manifests and notes without times, places and hardware."""
    found = {}
    for path in sorted((clone / STUDY).rglob("*")):
        relative = path.relative_to(clone / STUDY)
        if path.is_file() and relative.parts[0] not in LEFT_OUT and not path.name.startswith(".snakemake"):
            found[str(STUDY / relative)] = content(path)
    return found


def content(path: Path) -> str:
    """The digest of a file, without what differs between two undisturbed runs."""
    try:
        if path.name == MANIFEST or path.name.endswith(".manifest.json"):
            return digest_of(_lasting(json.loads(path.read_text(encoding="utf-8"))))
        if path.name == "training_log.jsonl":
            lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            return digest_of([{key: line.get(key) for key in ("step", "loss", "learning_rate")} for line in lines])
    except ValueError:
        return "damaged"
    return "note" if path.name in NOTES else sha256_file(path)


def _lasting(manifest: dict[str, Any]) -> dict[str, Any]:
    files = {name: entry["sha256"] for name, entry in manifest["files"].items() if name not in NOTES}
    return {"files": files} | {key: manifest[key] for key in ("inputs", "config", "facts")}
