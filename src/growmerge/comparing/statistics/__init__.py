"""Statistics over the models of a setup. Each file in this folder is one; to add a file is to add a statistic.

Such a file defines `STATISTIC`, a `Statistic`: the measures that it gives, and the function that computes them.
docs/extending.md shows a complete file. Folders, and files whose names begin with an underscore, are no statistics:
they may hold helpers, but an edit of a helper does not make comparisons again.

The files are imported whenever Snakemake parses the rules, so modules that load torch or pandas are imported `lazily`.
Jobs that draw import the files, too, and run where torch is not installed: import torch itself inside the function.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

from growmerge.artifacts import sha256_file
from growmerge.errors import GrowmergeError
from growmerge.ids import ALL, fault_of

# What this repository brings, in the order in which it is computed. The params of rules name the others alone, so that
# a study without others keeps its params.
BUILT_IN = ("weights", "states", "typology", "rows")
LAST = 100  # the place of a statistic that does not ask for one


@dataclass(frozen=True)
class Models:
    """The models of a setup, and what they can be compared by.

    `members` maps languages, in the order of the configuration, to checkpoint folders; `base` is the checkpoint that
    all of them were trained from: all have tensors of the same names and shapes. `english` holds distinct English
    sentences. `device` is "cuda" on a GPU, else "cpu". `work` is a folder for large intermediate files, which may not
    exist yet; what a statistic writes there, it removes. A job has memory for about three models: read the weights of
    many models piece by piece, as `growmerge.comparing.weights.Checkpoints` does. `token_counts` maps
    languages to artifacts of `growmerge.data.token_counts`; it is empty unless `comparison.rows` is set.
    """

    members: Mapping[str, Path]
    base: Path
    english: Sequence[str]
    device: str
    work: Path
    token_counts: Mapping[str, Path] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of languages, in the order of `members`."""
        return list(combinations(self.members, 2))


class Value(NamedTuple):
    """The value of a measure of the model of the language `first`, or of the models of `first` and `second`.

    `second` is empty for a measure of one model. `layer` is a decoder layer, counted from 0, None for all layers
    together; `kind` is one of `places.TENSOR_KINDS`, "all" for all of them together. NaN says that it is undefined.
    """

    first: str
    second: str
    measure: str
    value: float
    layer: int | None = None
    kind: str = ALL


@dataclass(frozen=True)
class Measure:
    """What a number of a statistic measures: something of one model, or of a pair of models.

    What is measured of pairs, over all layers and kinds of tensors together, is compared with the drop in scores after
    merging the two models: in the tables similarity_and_drop, and, if it is `drawn`, in a column of the figure of that
    name. `label` is its name there, in lines of about 14 characters; without one, `name` is taken. Raises
    GrowmergeError for a `name` that can be none in a table.
    """

    name: str
    of: Literal["model", "pair"] = "pair"
    label: str = ""
    drawn: bool = True

    def __post_init__(self) -> None:
        if fault := fault_of(self.name):
            raise GrowmergeError(f"measure {self.name!r}: {fault}")


@dataclass(frozen=True)
class Statistic:
    """Measures that are computed together, and how.

    `compute` gives the values of these measures, and of no others, for one setup. It is None if the values do not come
    from the models but from a table, as typological distances do. `place` orders the measures in tables and figures;
    measures of equal place stand in the order of the names of their files.
    """

    measures: Sequence[Measure]
    compute: Callable[[Models], Iterable[Value]] | None
    place: int = LAST


@cache
def statistics() -> Mapping[str, Statistic]:
    """All statistics by the names of their files: `BUILT_IN`, then the others in alphabetical order.

    Raises GrowmergeError for a file without a `STATISTIC`, and for a measure that two files give.
    """
    added = [name for name in _files() if name not in BUILT_IN]
    found: dict[str, Statistic] = {}
    owners: dict[str, str] = {}
    for name in [*BUILT_IN, *added]:
        module = import_module(f"{__name__}.{name}")
        statistic = getattr(module, "STATISTIC", None)
        if not isinstance(statistic, Statistic):
            raise GrowmergeError(
                f"{module.__file__}: defines no STATISTIC = Statistic(...); a file in this folder is a statistic, "
                "unless its name begins with an underscore"
            )
        for measure in statistic.measures:
            if owner := owners.get(measure.name):
                raise GrowmergeError(f"{module.__file__}: {owner}.py gives a measure {measure.name!r} already")
            owners[measure.name] = name
        found[name] = statistic
    return found


@cache
def added_statistics() -> Mapping[str, str]:
    """The statistics beyond `BUILT_IN`, and the SHA-256 of their files: comparisons are made again if these change."""
    files = _files()
    return {name: sha256_file(files[name]) for name in statistics() if name not in BUILT_IN}


@cache
def similarities() -> Mapping[str, Measure]:
    """The measures of pairs by name, in the order of tables and figures."""
    ordered = sorted(statistics().values(), key=lambda statistic: statistic.place)
    return {measure.name: measure for statistic in ordered for measure in statistic.measures if measure.of == "pair"}


def _files() -> dict[str, Path]:
    """The files of statistics by name, in alphabetical order."""
    return {
        name: Path(finder.path) / f"{name}.py"  # type: ignore[union-attr]
        for finder, name, is_folder in pkgutil.iter_modules(__path__)
        if not is_folder and not name.startswith("_")
    }
