"""From YAML files to a validated Study, or to one error that names the file, the key and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from growmerge.config.checks import did_you_mean
from growmerge.config.schema import Study
from growmerge.errors import GrowmergeError

MOST_ERRORS = 5


def merge_mappings(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Overlay key by key; lists and scalars are replaced. The rule of Snakemake's --configfile."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge_mappings(merged[key], value) if both else value
    return merged


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GrowmergeError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise GrowmergeError(f"{path}: is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise GrowmergeError(f"{path}: must hold a mapping of sections, not {type(data).__name__}")
    return data


def load_files(*paths: Path) -> Study:
    """The study that the files describe, later ones over earlier ones."""
    data: dict[str, Any] = {}
    for path in paths:
        data = merge_mappings(data, read_yaml(path))
    return validate(data, paths)


def validate(data: Mapping[str, Any], files: Sequence[Path] = ()) -> Study:
    """The study in `data`; `files` (later over earlier) are only searched for where a bad key stands.

    Raises GrowmergeError with one line for each problem: file, key path, value, what is wrong, nearest spelling.
    """
    try:
        return Study.model_validate(dict(data))
    except ValidationError as error:
        problems = [_explain(dict(e), files) for e in error.errors()]
    more = [f"... and {len(problems) - MOST_ERRORS} more"] if len(problems) > MOST_ERRORS else []
    raise GrowmergeError("\n".join([*problems[:MOST_ERRORS], *more]))


def _explain(error: dict[str, Any], files: Sequence[Path]) -> str:
    context = error.get("ctx", {})
    if error["type"] == "study":
        path, value, message = context["key"].split("."), context["value"], context["message"]
    else:
        tagged = [str(part) for part in error["loc"]]
        path, value, message = _walk(tagged)[1], error["input"], error["msg"]
    if error["type"] == "missing":
        value = None
        message = "is missing"
    if error["type"] == "extra_forbidden":
        message = f"unknown key; {did_you_mean(path[-1], _fields_at(tagged[:-1]))}"
    shown = "" if value is None else f" = {value!r}"
    if len(shown) > 90:
        shown = f"{shown[:90]}…"
    return f"{_file_of(path, files)}: {'.'.join(path)}{shown}: {message}"


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _tag(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return str(get_args(kind.annotation)[0]) if kind else None


def _walk(path: Sequence[str]) -> tuple[list[type[BaseModel]], list[str]]:
    """The models that can stand at a location, and the location as it is in the files.

    pydantic puts the tags of tagged unions into it, which no file holds.
    """
    models: list[type[BaseModel]] = [Study]
    kept: list[str] = []
    for part in path:
        tagged = [m for m in models if _tag(m) == part]
        if tagged:
            models = tagged
            continue
        kept.append(part)
        if not part.isdigit():
            fields = [f for m in models for n, f in m.model_fields.items() if part in (n, f.alias)]
            models = [m for f in fields for m in _models_in(f.annotation)]
    return models, kept


def _fields_at(path: Sequence[str]) -> list[str]:
    """Names of the keys that are allowed under a location."""
    return [field.alias or name for m in _walk(path)[0] for name, field in m.model_fields.items()]


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
