"""What the page shows, as typed data: the template and the script lay it out, and compute nothing of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What a kind of artifact was to take, and what it took.

    Attributes:
        kind: the folder of the results that it is in.
        planned: number of artifacts; `planned_flops` and `planned_hours` are theirs, on the GPU of the plan. None where
            nothing is planned.
        made: number of artifacts that exist; `flops`, `hours` (wall-clock hours of the jobs) and `disk` (bytes) are
            from their manifests. FLOPs are known for trainings alone.
    """

    kind: str
    planned: int | None
    planned_flops: float | None
    planned_hours: float | None
    made: int
    flops: float | None
    hours: float
    disk: int


@dataclass(frozen=True)
class Counted:
    """A commit, version or machine, with the number of artifacts that were made with it."""

    name: str
    artifacts: int
    hours: float


@dataclass(frozen=True)
class ShownFigure:
    """A figure: `svg` is a data URI, `csv` and `manifest` are paths in the folder of results."""

    name: str
    svg: str
    caption: str
    finding: str
    csv: str
    manifest: str


@dataclass(frozen=True)
class Hole:
    """Something that the page does not show: what, why, and the names, as far as there are any."""

    what: str
    why: str
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Covered:
    """A benchmark in a language, by what it can tell.

    `items` were scored; of `models` with an interval, `above` lie above chance as a whole (None: it has no chance
    level). `worst` and `best` are the extreme scores of all models.
    """

    items: int
    models: int
    above: int | None
    worst: float | None
    best: float | None


@dataclass(frozen=True)
class Coverage:
    """The benchmarks that the study has, by language; None where a benchmark has nothing in a language."""

    languages: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Covered | None]]]  # benchmark, measure, by language


@dataclass(frozen=True)
class Recipe:
    """How to get the same results: what made them, the commands, and the whole configuration as one YAML file."""

    commits: Sequence[Counted]
    versions: Sequence[Counted]
    commands: str
    configuration: str


@dataclass(frozen=True)
class Page:
    """The whole report.

    Attributes:
        study: its name.
        summary: what the study is, in sentences.
        counts: (what, made, planned) of models by kind.
        gpu: what planned hours are counted on.
        data: what the script reads: models, scores, items, manifests and tables; see `growmerge.report.data`.
    """

    study: str
    summary: Sequence[str]
    counts: Sequence[tuple[str, int, int]]
    gpu: str
    costs: Sequence[Cost]
    plan_unknown: str
    hardware: Sequence[Counted]
    figures: Sequence[ShownFigure]
    tables: Sequence[tuple[str, str]]  # path, what it holds
    holes: Sequence[Hole]
    coverage: Coverage
    recipe: Recipe
    data: Mapping[str, Any]
