"""From YAML files to a validated Study, or to one error that names the file, the key and the value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from growmerge.config.adding import ADD, fold, merge_mappings, value_at
from growmerge.config.checks import problems_of
from growmerge.config.checks.local_files import check_local_files
from growmerge.config.derive import derive, has_short_languages
from growmerge.config.origins import COMMAND_LINE, UNKNOWN, Origins
from growmerge.config.problems import Problem, did_you_mean
from growmerge.config.schema import Study
from growmerge.config.yaml_files import read_yaml
from growmerge.errors import GrowmergeError

MOST_ERRORS = 5


def load_files(*paths: Path) -> Study:
    """The study that the files describe, later ones over earlier ones.

    Raises GrowmergeError as `read_yaml` and `validate` do.
    """
    data: dict[str, Any] = {}
    for path in paths:
        data = merge_mappings(data, read_yaml(path))
    return validate(data, paths)


def validate(
    data: Mapping[str, Any], files: Sequence[Path] = (), command_line: Mapping[str, Any] | None = None
) -> Study:
    """The study in `data`, which `files` and the values of --config (`command_line`) were merged into, in this order.

    What stands under `add` extends lists, and languages of a few keys are put in full (`growmerge.config.derive`).
    Paths of `merging.modules` are relative to the file that names them, where there is such a file.

    Raises GrowmergeError with one line for each problem: who set it, key path, value, what is wrong, nearest spelling;
    and, as `read_yaml` does, for a file that has a key twice.
    """
    origins = Origins(files, command_line)
    whole, found = _resolve(data, origins)
    problems = [_told_of(problem, origins) for problem in found]
    if not found:
        try:
            study = _with_modules_found(Study.model_validate(whole), files)
        except ValidationError as error:
            problems = _explain(_without_short(whole, [dict(e) for e in error.errors()]), origins)
        else:
            problems = [_told_of(problem, origins) for problem in problems_of(study)]
    if not problems:
        return study
    more = [f"... and {len(problems) - MOST_ERRORS} more"] if len(problems) > MOST_ERRORS else []
    raise GrowmergeError("\n".join([*problems[:MOST_ERRORS], *more]))


def _resolve(data: Mapping[str, Any], origins: Origins) -> tuple[dict[str, Any], list[Problem]]:
    """The data with lists extended and languages in full, and what is wrong with these."""
    if not origins.layers:
        origins.layers.append((UNKNOWN, data))
    try:
        if any(ADD in layer for _, layer in origins.layers):
            data, origins.places = fold([layer for _, layer in origins.layers])
        data = dict(data)
        if has_short_languages(data) and _is_sound(data):
            return derive(data, origins)
    except Problem as problem:
        return dict(data), [problem]
    return data, []


def _without_short(data: Mapping[str, Any], errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The errors but for those of languages that are still short, because something else is wrong."""
    others = [error for error in errors if error["loc"][0] != "languages"]
    return others if others and has_short_languages(data) else errors


def _is_sound(data: Mapping[str, Any]) -> bool:
    """Whether all but the languages is of the right types. If it is not, that is told first."""
    language = {"code": "und", "name": "any", "corpus": "any"}
    try:
        Study.model_validate(dict(data) | {"languages": [language]})
    except ValidationError:
        return False
    return True


def _with_modules_found(study: Study, files: Sequence[Path]) -> Study:
    """The study with paths of modules that are relative to the working directory, or absolute."""
    merging = study.merging
    if not merging.modules:
        return study
    key = ["merging", "modules"]
    here = next((file for file in reversed(files) if value_at(read_yaml(file), key) == merging.modules), None)
    folder = here.parent if here else Path()
    modules = [str(_found(folder, Path(module))) for module in merging.modules]
    return study.model_copy(update={"merging": merging.model_copy(update={"modules": modules})})


def _found(folder: Path, module: Path) -> Path:
    """Where a module is: relative to `folder`, or as it is."""
    path = folder / module if (folder / module).is_file() else module
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path


def check_local(study: Study, files: Sequence[Path] = (), command_line: Mapping[str, Any] | None = None) -> None:
    """Check that the local files and folders which the study names are there, and hold what is taken from them.

    Apart from `validate`, which is pure: a study can be planned without its files. Raises GrowmergeError as that does.
    """
    try:
        check_local_files(study)
    except Problem as problem:
        origins = Origins(files, command_line)
        _resolve(origins.merged(), origins)
        raise GrowmergeError(_told_of(problem, origins)) from None


def _told_of(problem: Problem, origins: Origins) -> str:
    """The line about a problem, which says who set the value."""
    return _line(problem.key.split("."), problem.value, problem.message, origins)


def _explain(errors: Sequence[dict[str, Any]], origins: Origins) -> list[str]:
    """One line about each place that pydantic finds fault with.

    Where several types are allowed, it has an error for each: of a list with a bad member, for example, one that it is
    no number, and one about the member. The innermost place counts; there, what would be right is joined.
    """
    places: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for error in errors:
        places.setdefault(tuple(_walk([str(part) for part in error["loc"]])[1]), []).append(error)
    within = {place[:depth] for place in places for depth in range(len(place))}
    return [
        _line(place, *_explain_place(place, found, origins), origins)
        for place, found in places.items()
        if place not in within or len(found) == 1
    ]


def _explain_place(place: tuple[str, ...], errors: Sequence[dict[str, Any]], origins: Origins) -> tuple[Any, str]:
    """The value at a place, and what is wrong with it."""
    kinds, value = {error["type"] for error in errors}, errors[0]["input"]
    if "missing" in kinds:
        return None, "is missing"
    if "extra_forbidden" in kinds:
        return value, f"unknown key; {did_you_mean(place[-1], _fields_at(errors[0]['loc'][:-1]))}"
    if "finite_number" in kinds:
        return value, "must be a finite number"
    if "string_type" in kinds and isinstance(value, bool | int | float):
        return value, f"YAML reads this as {_in_yaml(value)}; if it is meant as text, write it in quotation marks"
    messages = dict.fromkeys(error["msg"].removeprefix("Value error, ") for error in errors)
    if len(messages) > 1:  # of the types that are allowed
        wanted = " or ".join(message.removeprefix("Input should be ") for message in messages)
        message = f"Input should be {wanted}"
    else:
        (message,) = messages
    return value, message + _cure(place, value, kinds, origins)


def _cure(place: Sequence[str], value: Any, kinds: set[str], origins: Origins) -> str:
    """What to write instead of text, where a number is wanted, or true or false."""
    if not isinstance(value, str) or not kinds & {"float_type", "int_type", "bool_type"}:
        return ""
    if origins.of(place) == COMMAND_LINE:
        if len(place) == 1 and "bool_type" not in kinds:
            return ""
        return (
            ". Snakemake hands over as text what stands in brackets after --config, in any spelling; write "
            f"`{_as_overlay(origins.written(place), value)}` into a file, and name it last after --configfile"
        )
    try:
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    if _is_plain(value):
        return ". It is in quotation marks, and so text; leave them out"
    return f". YAML reads {value} as text; write {_plainly(number)}"


def _is_plain(text: str) -> bool:
    """Whether YAML would read it as a number, if it were not in quotation marks."""
    return isinstance(yaml.safe_load(text), int | float)


def _plainly(number: float) -> str:
    """A number as YAML 1.1 reads it: with a point before an exponent."""
    short = repr(number)
    return short if "e" not in short or "." in short else short.replace("e", ".0e")


def _as_overlay(place: Sequence[str], value: str) -> str:
    """The value in flow style, below its keys; within a list, its list stands for all of it."""
    keys = list(itertools.takewhile(lambda part: not part.isdecimal(), place))
    last = "[...]" if len(keys) < len(place) else value
    return ": {".join(keys) + f": {last}" + "}" * (len(keys) - 1)


def _in_yaml(value: bool | int | float) -> str:
    return f"{str(value).lower()} (so it does with yes, no, on and off)" if isinstance(value, bool) else "a number"


def _line(path: Sequence[str], value: Any, message: str, origins: Origins) -> str:
    """Who set it, key, value and what is wrong."""
    shown = "" if value is None else f" = {value!r}"
    if len(shown) > 90:
        shown = f"{shown[:90]}…"
    return f"{origins.of(path)}: {'.'.join(origins.written(path))}{shown}: {message}"


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

    pydantic puts the tags of tagged unions, the names of the types of other unions and a mark of bad keys into it,
    which no file holds.
    """
    types: list[Any] = [Study]
    kept: list[str] = []
    for part in path:
        tagged = [t for t in types if _tag(t) == part]
        if tagged:
            types = tagged
        elif part != "[key]" and any(_takes(t, part) for t in types):
            kept.append(part)
            types = [under for t in types for under in _under(t, part)]
    return types, kept


def _takes(annotation: Any, part: str) -> bool:
    """Whether a location can go on with `part` below such a type; every model may have keys that it does not know."""
    return (
        _is_model(annotation) or get_origin(annotation) is dict or (get_origin(annotation) is list and part.isdecimal())
    )


def _fields_at(path: Sequence[Any]) -> list[str]:
    """Names of the keys that are allowed under a location."""
    models = filter(_is_model, _walk([str(part) for part in path])[0])
    return [field.alias or name for model in models for name, field in model.model_fields.items()]
