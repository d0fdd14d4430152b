"""The registry of merge methods: mergekit's, those of this repository, and those of a user's modules, by name.

Pure: Snakemake reads it whenever it parses the rules, so that the configuration is checked before any job. Methods of
this repository are found by their files in growmerge/merging/methods, statistics by theirs in
growmerge/merging/statistics; both are loaded by name, since nothing here may depend on what computes.
"""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from growmerge.artifacts import sha256_file
from growmerge.catalogue.merge_methods import Kind
from growmerge.errors import GrowmergeError

METHODS = "growmerge.merging.methods"
STATISTICS = "growmerge.merging.statistics"
OF_MEMBER = "list[float]"  # the annotation of a parameter that each member has
OF_MERGE: dict[str, type] = {"float": float, "int": int, "bool": bool}
OPTIONAL = " | None"


@dataclass(frozen=True)
class Source:
    """The file that defines a method: part of the identity of its merges.

    `name` is what people call the file, `digest` the SHA-256 of its bytes. Files that it imports do not count. `module`
    is the path of a user's file, None for a file of this repository.
    """

    name: str
    digest: str
    module: Path | None = None


@dataclass(frozen=True)
class MergeMethod:
    """A merge method: its name, what it takes, and the function that merges a tensor by it.

    `function` takes the `growmerge.merging.methods.Tensors` of all models and the parameters by name, and returns the
    merged tensor. If the method is `in_parts`, it takes `Operands`, `Workers` and `Write` of growmerge.merging instead,
    and never holds whole tensors. If it is `by_rows`, its function is called for some rows of a tensor at a time.
    `source` is the file of the method, None for mergekit's, which are known by version.
    """

    name: str
    kind: Kind
    function: Callable[..., Any]
    in_parts: bool = False
    by_rows: bool = False
    source: Source | None = None

    def __call__(self, *arguments: Any, **parameters: Any) -> Any:
        """What the function gives, so that a decorated function can be called like any other."""
        return self.function(*arguments, **parameters)

    @property
    def takes_whole_tensors(self) -> bool:
        """Whether a tensor cannot be merged part by part."""
        return not (self.in_parts or self.by_rows)

    @property
    def module(self) -> Path | None:
        """The user's file that defines it, if one does."""
        return self.source.module if self.source else None

    @property
    def title(self) -> str:
        """What error messages call it."""
        return self.name if self.source else f"mergekit's {self.name}"


def merge_method(
    *,
    name: str | None = None,
    base: Literal["required", "optional", "ignored"] = "ignored",
    members: tuple[int, int | None] = (1, None),
    statistics: Sequence[str] = (),
    draws: bool = False,
    by_rows: bool = False,
    of_tokens: bool = False,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Callable[[Callable[..., Any]], MergeMethod]:
    """Make an annotated function a merge method: a decorator.

    Every parameter after the first is one of the method. `list[float]` is a parameter of each member, in the order of
    the members; `float`, `int` and `bool` are parameters of the merge as a whole. A parameter without a default must be
    configured. `list[float] | None = None` is a parameter of each member that may be left out.

    `name` is by default that of the function. `base` says whether the method takes the base model; `members` is the
    fewest and most models beside it (None: any number); `statistics` are the names of statistics of the members that
    the method reads; `draws` says that it needs random numbers; `ranges` are the lowest and the highest values of
    parameters, which the configuration is checked for. `by_rows` says that a row of the merged tensor (along its first
    dimension) depends on this row of the models alone: the function is then called for blocks of rows, on several
    cores, which takes less time and memory. A method that draws cannot be by rows. `of_tokens` says that the method is
    for the embedding and the head alone: it can only be configured as the `embedding` of another one.

    Raises GrowmergeError for a signature that is none of a merge method, and for `draws` with `by_rows`.
    """

    def register(function: Callable[..., Any]) -> MergeMethod:
        owner = f"function {function.__name__}"
        if draws and by_rows:
            raise GrowmergeError(
                f"{owner}: draws random numbers, which it would draw anew for each block of rows; remove by_rows"
            )
        arguments = list(inspect.signature(function).parameters.values())
        if not arguments or arguments[0].kind is inspect.Parameter.KEYWORD_ONLY:
            raise GrowmergeError(f"{owner}: takes no tensors; its first argument is the `Tensors` to merge")
        parameters = arguments[1:]
        types = {parameter.name: _type_of(parameter, owner) for parameter in parameters}
        kind = Kind(
            base=base,
            of_model={key: float for key, annotation in types.items() if annotation == OF_MEMBER},
            of_merge={key: OF_MERGE[annotation] for key, annotation in types.items() if annotation in OF_MERGE},
            members=members,
            draws=draws,
            required=frozenset(p.name for p in parameters if p.default is p.empty),
            statistics=tuple(statistics),
            ranges=dict(ranges or {}),
            of_tokens=of_tokens,
        )
        source = Source(function.__module__, digest="")  # whoever reads the file knows its digest
        return MergeMethod(name or function.__name__, kind, function, by_rows=by_rows, source=source)

    return register


def _type_of(parameter: inspect.Parameter, owner: str) -> str:
    """The annotation of a parameter as text, without `| None`."""
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    plain = text.removesuffix(OPTIONAL) if parameter.default is None else text
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or plain not in {OF_MEMBER, *OF_MERGE}:
        found = "nothing" if annotation is parameter.empty else text
        raise GrowmergeError(
            f"{owner}: parameter {parameter.name} is annotated with {found}; it must be {OF_MEMBER} (of each member) "
            f"or {', '.join(OF_MERGE)} (of the merge)"
        )
    return plain


# --- look-up --------------------------------------------------------------------------------------------------------


def merge_methods(modules: Iterable[str | Path] = ()) -> Mapping[str, MergeMethod]:
    """All merge methods by name: mergekit's, those of this repository, and those of `modules`, files of the user's.

    Raises GrowmergeError for a file that cannot be imported or has no method, and for a name that is taken.
    """
    found = dict(_built_in())
    for module in map(Path, modules):
        _add(found, methods_of(module), module.name)
    return found


def methods_of(module: Path) -> list[MergeMethod]:
    """The methods that a file of the user's defines. Raises GrowmergeError if it cannot be imported or has none."""
    if not module.is_file():
        raise GrowmergeError(
            "no such file, neither next to the configuration that names it nor in the working directory"
        )
    return _methods_of(module, sha256_file(module))


@cache
def _methods_of(file: Path, digest: str) -> list[MergeMethod]:
    name = f"growmerge_merge_methods_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(name, file.resolve())
    if spec is None or spec.loader is None:
        raise GrowmergeError("is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except GrowmergeError:
        raise
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise GrowmergeError(f"cannot be imported: {type(error).__name__}: {reason}") from error
    methods = _defined_in(module, Source(file.name, digest, file))
    if not methods:
        raise GrowmergeError("defines no merge method; decorate a function with @merge_method(...)")
    return methods


@cache
def _built_in() -> Mapping[str, MergeMethod]:
    found: dict[str, MergeMethod] = {method.name: method for method in import_module(f"{METHODS}._mergekit").METHODS}
    for name, file in _files(METHODS).items():
        source = Source(f"growmerge/merging/methods/{name}.py", sha256_file(file))
        _add(found, _defined_in(import_module(f"{METHODS}.{name}"), source), f"{name}.py")
    return found


def _defined_in(module: ModuleType, source: Source) -> list[MergeMethod]:
    """The methods of a module's own functions, in order; those that it imports are another's."""
    return [
        replace(value, source=source)
        for value in vars(module).values()
        if isinstance(value, MergeMethod) and value.function.__module__ == module.__name__
    ]


def _add(found: dict[str, MergeMethod], methods: Iterable[MergeMethod], file: str) -> None:
    for method in methods:
        if other := found.get(method.name):
            owner = other.source.name if other.source else "mergekit"
            raise GrowmergeError(f"{file} defines a merge method '{method.name}', but {owner} has one of that name")
        if unknown := sorted(set(method.kind.statistics) - member_statistics().keys()):
            raise GrowmergeError(
                f"merge method '{method.name}' of {file} asks for the statistic '{unknown[0]}'; "
                f"known: {', '.join(sorted(member_statistics()))}"
            )
        found[method.name] = method


# --- statistics -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MemberStatistic:
    """Something about each member of a merge that a method can ask for, as an artifact that a rule makes.

    `path` is where it stands below results/{study}/statistics, with the fields {corpus} (the training text of the
    member's language), {model} (the id of the member), {merge} (setup and combination; the same for all members) and
    {method} (the configured name of the merge method that asks; each then has its own).
    `of_text` says that it is computed from the token shards of {corpus}. `read(folder, tensor)` is what a method gets
    for the tensor of that name.
    """

    path: str
    of_text: bool
    read: Callable[[Path, str], Any]

    @property
    def of_method(self) -> bool:
        """Whether each configured method has its own."""
        return "{method}" in self.path


@cache
def member_statistics() -> Mapping[str, MemberStatistic]:
    """All statistics by the names of their files, each of which defines a `STATISTIC`."""
    return {name: import_module(f"{STATISTICS}.{name}").STATISTIC for name in _files(STATISTICS)}


def statistics_of(methods: Iterable[MergeMethod]) -> list[str]:
    """The names of the statistics that these methods ask for, sorted."""
    return sorted({name for method in methods for name in method.kind.statistics})


def asked_statistics(methods: Mapping[str, Sequence[MergeMethod]]) -> list[tuple[str, str]]:
    """What methods ask for: (statistic, method), by name of the statistic.

    `methods` map configured names to the methods of their parts: that of the embedding may be another. A statistic that
    methods share has one entry, without a method.
    """
    return [
        (name, method)
        for name in statistics_of(part for parts in methods.values() for part in parts)
        for method in (
            [configured for configured, parts in methods.items() if name in statistics_of(parts)]
            if member_statistics()[name].of_method
            else [""]
        )
    ]


def _files(package: str) -> dict[str, Path]:
    """The files of a package by name; those whose names begin with an underscore are left alone."""
    folders = import_module(package).__path__
    return {
        name: Path(finder.path) / f"{name}.py"  # type: ignore[union-attr]
        for finder, name, is_folder in pkgutil.iter_modules(folders)
        if not is_folder and not name.startswith("_")
    }
