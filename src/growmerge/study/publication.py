"""What of a study goes to which repository of the hub. Pure, for Snakemake's parsing; `publishing` sends it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from growmerge import ids
from growmerge.config.problems import did_you_mean
from growmerge.config.publish import Publish
from growmerge.disk import bytes_under
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.plan_report import readable_bytes

MAIN = "main"  # the branch of a finished model
HOW = "publish: {account: YOUR-ACCOUNT, models: ['2x/*']}"
_NAME = re.compile(r"(?!.*(--|\.\.))\w[\w.\-]{0,94}\w", re.ASCII)  # of a repository, as the hub wants it


@dataclass(frozen=True)
class Branch:
    """A model, or a checkpoint of its training: its id, its folder, and the branch that it becomes."""

    id: str
    folder: Path
    name: str = MAIN


@dataclass(frozen=True)
class Repository:
    """A model, and what holds the checkpoints of its training (None: they are not sent)."""

    name: str
    main: Branch
    checkpoints: Path | None = None

    def branches(self) -> list[Branch]:
        """The model, then those of its checkpoints that are there, in the order of training."""
        steps = sorted(self.checkpoints.glob("step-*")) if self.checkpoints else []
        numbered = [(step, int(step.name.removeprefix("step-"))) for step in steps]
        return [self.main, *(Branch(ids.checkpoint(self.main.id, step), path, path.name) for path, step in numbered)]


@dataclass(frozen=True)
class Publication:
    """The repositories of models, and that of the tables (None: they are not sent)."""

    settings: Publish
    repositories: Sequence[Repository]
    tables: str | None

    def by_model(self) -> dict[str, str]:
        """The repository of each model."""
        return {repository.main.id: repository.name for repository in self.repositories}


def publication(layout: Layout) -> Publication:
    """What the section `publish` chooses.

    Raises GrowmergeError if there is no such section, for a pattern that fits no model, for a model that is not built,
    and for a name that the hub does not take or that two models would get.
    """
    study = layout.study
    settings = study.publish
    if settings is None:
        raise GrowmergeError(f"publish: is missing: say in the configuration what is sent where, such as `{HOW}`")
    known = publishable(layout.grid)
    for place, pattern in enumerate(settings.models):
        if not any(fnmatchcase(model, pattern) for model in known):
            raise GrowmergeError(
                f"publish.models.{place} = {pattern!r}: fits no model that is made here and kept; "
                f"{did_you_mean(pattern, known)}"
            )
    chosen = [model for model in known if any(fnmatchcase(model, pattern) for pattern in settings.models)]
    repositories: dict[str, Repository] = {}
    for model in chosen:
        name = f"{settings.account}/{_checked(ids.repository(study.study, model), model)}"
        if name in repositories:
            raise GrowmergeError(
                f"publish.models: '{repositories[name].main.id}' and '{model}' would both be {name}; choose one of them"
            )
        folder = folder_of(layout, model)
        if not folder.exists():
            raise GrowmergeError(
                f"publish.models: '{model}' is not built: run `snakemake {folder}` first, or choose no model that is "
                "not there"
            )
        holder = Path(layout.checkpoints(model)) if settings.checkpoints else None
        repositories[name] = Repository(name, Branch(model, folder), holder)
    tables = f"{settings.account}/{_checked(f'{study.study}-tables', 'tables')}" if settings.tables else None
    return Publication(settings, [*repositories.values()], tables)


def publishable(grid: Grid) -> list[str]:
    """The ids of what is made here and stays: not models of others, nor merges that are made in memory alone."""
    merges = grid.merges if grid.study.merging.keep else grid.kept.values()
    models = [*grid.bases, *grid.models, *grid.healed, *merges, *grid.kept.values()]
    return [name for name in dict.fromkeys(model.id for model in models) if name not in grid.imported]


def folder_of(layout: Layout, model_id: str) -> Path:
    """Where one of them is; `Layout.model` knows those merges alone that trainings start from."""
    merge = layout.grid.model(model_id).kind == "merge"
    return Path(f"{layout.results}/merges/{model_id}" if merge else layout.model(model_id))


def listing(layout: Layout) -> str:
    """What `snakemake publish` would send, a line for each repository; or the one that says why it cannot."""
    try:
        chosen = publication(layout)
    except GrowmergeError as error:
        return str(error)
    lines = []
    for repository in chosen.repositories:
        branches = repository.branches()
        size = readable_bytes(sum(bytes_under(branch.folder) for branch in branches))
        checkpoints = len(branches) - 1
        more = f", {checkpoints} checkpoint{'s' * (checkpoints > 1)}" if checkpoints else ""
        lines.append(f"{repository.main.id} -> {repository.name}: {size}{more}")
    if chosen.tables:
        lines.append(f"tables -> {chosen.tables} (dataset): {readable_bytes(bytes_under(tables_folder(layout)))}")
    return "\n".join(lines)


def tables_folder(layout: Layout) -> Path:
    """Where the tables are."""
    return Path(layout.results, "tables")


def _checked(name: str, model: str) -> str:
    if not _NAME.fullmatch(name):
        raise GrowmergeError(
            f"publish.models: '{model}' would be the repository '{name}', which the hub does not take: at most 96 "
            "letters, digits, '_', '.' and '-', without '--' or '..'; choose no such model"
        )
    return name
