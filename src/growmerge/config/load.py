"""From YAML files to a validated Study, or to one error that names the file, the key and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from growmerge.config.checks import check_study
from growmerge.config.problems import Problem, did_you_mean
from growmerge.config.schema import Study
from growmerge.config.yaml_files import read_yaml
from growmerge.errors import GrowmergeError

MOST_ERRORS = 5


def merge_mappings(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay key by key; lists and scalars are replaced. The rule of Snakemake's --configfile."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge_mappings(merged[key], value) if both else value
    return merged


def load_files(*paths: Path) -> Study:
    """The study that the files describe, later ones over earlier ones."""
    data: dict[str, Any] = {}
    for path in paths:
        data = merge_mappings(data, read_yaml(path))
    return validate(data, paths)


def validate(data: Mapping[str, Any], files: Sequence[Path] = ()) -> Study:
    """The study in `data`; `files` (later over earlier) are searched for where a bad key stands.

    Paths of `merging.modules` are relative to the file that names them, where there is such a file.

    Raises GrowmergeError with one line for each problem: file, key path, value, what is wrong, nearest spelling; and,
    as `read_yaml` does, for a file that has a key twice.
    """
    for file in files:
        read_yaml(file)
    try:
        study = _with_modules_found(Study.model_validate(dict(data)), files)
        check_study(study)
        return study
    except Problem as problem:
        raise GrowmergeError(_line(problem.key.split("."), problem.value, problem.message, files)) from None
    except ValidationError as error:
        problems = [_explain(dict(e), files) for e in error.errors()]
    more = [f"... and {len(problems) - MOST_ERRORS} more"] if len(problems) > MOST_ERRORS else []
    raise GrowmergeError("\n".join([*problems[:MOST_ERRORS], *more]))


def _with_modules_found(study: Study, files: Sequence[Path]) -> Study:
    """The study with paths of modules that are relative to the working directory, or absolute."""
    merging = study.merging
    if not merging.modules:
        return study
    key = ["merging", "modules"]
    here = next((file for file in reversed(files) if _at(read_yaml(file), key) == merging.modules), None)
    folder = here.parent if here else Path()
    modules = [str(_found(folder, Path(module))) for module in merging.modules]
    return study.model_copy(update={"merging": merging.model_copy(update={"modules": modules})})


def _at(node: Any, path: Sequence[str]) -> Any:
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _found(folder: Path, module: Path) -> Path:
    """Where a module is: relative to `folder`, or as it is."""
    path = folder / module if (folder / module).is_file() else module
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def _explain(error: dict[str, Any], files: Sequence[Path]) -> str:
    """One line about an error of pydantic."""
    tagged = [str(part) for part in error["loc"]]
    path, value, message = _walk(tagged)[1], error["input"], error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        value = None
        message = "is missing"
    if error["type"] == "extra_forbidden":
        message = f"unknown key; {did_you_mean(path[-1], _fields_at(tagged[:-1]))}"
    if error["type"] == "string_type" and isinstance(value, bool | int | float):
        message = f"YAML reads this as {_in_yaml(value)}; if it is meant as text, write it in quotation marks"
    return _line(path, value, message, files)


def _in_yaml(value: bool | int | float) -> str:
    return f"{str(value).lower()} (so it does with yes, no, on and off)" if isinstance(value, bool) else "a number"


def _line(path: Sequence[str], value: Any, message: str, files: Sequence[Path]) -> str:
    """File, key, value and what is wrong."""
    shown = "" if value is None else f" = {value!r}"
    if len(shown) > 90:
        shown = f"{shown[:90]}…"
    return f"{_file_of(path, files)}: {'.'.join(path)}{shown}: {message}"


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, without their annotations; a list, a mapping or a model is one of its own."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for argument in get_args(annotation) for member in _alternatives(argument)]
    return [annotation]


def _under(annotation: Any, part: str) -> list[Any]:
    """What a model has in a field, a mapping under a key, or a list at an index."""
    if _is_model(annotation):
        fields = [field for name, field in annotation.model_fields.items() if part in (name, field.alias)]
        return [member for field in fields for member in _alternatives(field.annotation)]
    return _alternatives(get_args(annotation)[-1]) if get_origin(annotation) in (list, dict) else []


def _tag(annotation: Any) -> str | None:
    kind = annotation.model_fields.get("kind") if _is_model(annotation) else None
    return str(get_args(kind.annotation)[0]) if kind else None


def _walk(path: Sequence[str]) -> tuple[list[Any], list[str]]:
    """The types that can stand at a location, and the location as it is in the files.

    pydantic puts the tags of tagged unions and a mark of bad keys into it, which no file holds.
    """
    types: list[Any] = [Study]
    kept: list[str] = []
    for part in path:
        tagged = [t for t in types if _tag(t) == part]
        if tagged:
            types = tagged
        elif part != "[key]":
            kept.append(part)
            types = [under for t in types for under in _under(t, part)]
    return types, kept


def _fields_at(path: Sequence[str]) -> list[str]:
    """Names of the keys that are allowed under a location."""
    models = filter(_is_model, _walk(path)[0])
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _file_of(path: Sequence[str], files: Sequence[Path]) -> str:
    """The last file that holds the longest prefix of the key path."""
    best, depth_of_best = "configuration", -1
    for file in files:
        node: Any = read_yaml(file)
        depth = 0
        for part in path:
            if isinstance(node, Mapping) and part in node:
                node = node[part]
            elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            else:
                break
            depth += 1
        if depth >= depth_of_best:
            best, depth_of_best = str(file), depth
    return best
