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
    and never holds whole tensors. `source` is the file of the method, None for mergekit's, which are known by version.
    """

    name: str
    kind: Kind
    function: Callable[..., Any]
    in_parts: bool = False
    source: Source | None = None

    def __call__(self, *arguments: Any, **parameters: Any) -> Any:
        """What the function gives, so that a decorated function can be called like any other."""
        return self.function(*arguments, **parameters)

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
) -> Callable[[Callable[..., Any]], MergeMethod]:
    """Make an annotated function a merge method: a decorator.

    Every parameter after the first is one of the method. `list[float]` is a parameter of each member, in the order of
    the members; `float`, `int` and `bool` are parameters of the merge as a whole. A parameter without a default must be
    configured. `list[float] | None = None` is a parameter of each member that may be left out.

    `name` is by default that of the function. `base` says whether the method takes the base model; `members` is the
    fewest and most models beside it (None: any number); `statistics` are the names of statistics of the members that
    the method reads; `draws` says that it needs random numbers.

    Raises GrowmergeError for a signature that is none of a merge method.
    """

    def register(function: Callable[..., Any]) -> MergeMethod:
        owner = f"function {function.__name__}"
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
        )
        source = Source(function.__module__, digest="")  # whoever reads the file knows its digest
        return MergeMethod(name or function.__name__, kind, function, source=source)

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
    member's language), {model} (the id of the member) and {merge} (setup and combination; the same for all members).
    `of_text` says that it is computed from the token shards of {corpus}. `read(folder, tensor)` is what a method gets
    for the tensor of that name.
    """

    path: str
    of_text: bool
    read: Callable[[Path, str], Any]


@cache
def member_statistics() -> Mapping[str, MemberStatistic]:
    """All statistics by the names of their files, each of which defines a `STATISTIC`."""
    return {name: import_module(f"{STATISTICS}.{name}").STATISTIC for name in _files(STATISTICS)}


def statistics_of(methods: Iterable[MergeMethod]) -> list[str]:
    """The names of the statistics that these methods ask for, sorted."""
    return sorted({name for method in methods for name in method.kind.statistics})


def _files(package: str) -> dict[str, Path]:
    """The files of a package by name; those whose names begin with an underscore are left alone."""
    folders = import_module(package).__path__
    return {
        name: Path(finder.path) / f"{name}.py"  # type: ignore[union-attr]
        for finder, name, is_folder in pkgutil.iter_modules(folders)
        if not is_folder and not name.startswith("_")
    }
