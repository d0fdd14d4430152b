"""Writes config/schema.json, config/overlay.schema.json and config/README.md from the types of the configuration.

Run it with `make config-docs`, or `python -m growmerge.config.describe` at the top of the repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from growmerge.config.adding import LISTS
from growmerge.config.languages import Language, ShortLanguage
from growmerge.config.schema import Study

PREAMBLE = """# The configuration

`make config-docs` writes this file, `schema.json` and `overlay.schema.json` from `src/growmerge/config/`. Every value
is checked before any job starts.

| file | what it is |
|---|---|
| `config.yaml` | the default: Grow Up and Merge at full size |
| `published.yaml` | the same study from its published checkpoints, without training |
| `beyond.yaml` | the same study with merges made for languages, next to the paper's |
| `limits-of-merging.yaml` | On the Limits of Model Merging at full size |
| `limits-of-merging-published.yaml` | given after `limits-of-merging.yaml`: published checkpoints, without training |
| `miniature.yaml` | the whole pipeline with tiny models, for a laptop; `make demo` runs it |
| `miniature-sharing.yaml` | given after `miniature.yaml`: experts that share the beginning of their training |
| `miniature-one-rate.yaml` | given after `miniature.yaml`: one learning rate for all weights, as in the papers |
| `miniature-density.yaml` | given after `miniature.yaml`: TIES and DARE with more of the task vectors |
| `miniature-translation.yaml` | given after `miniature.yaml`: facts and translation, which its models cannot do |
| `miniature-vocabulary.yaml` | given after `miniature.yaml`: what merging loses at another size of the vocabulary |
| `miniature-seeds.yaml` | given after `miniature.yaml`: one setup with three seeds, and intervals over them |
| `medium.yaml` | given after `miniature.yaml`: models of ten times the size, to see what lasts |
| `one-gpu.yaml` | five languages, three seeds and capped text, for a day on one GPU |
| `one-gpu-capped.yaml` | given after `one-gpu.yaml`: a rehearsal with little text and a few steps of training |
| `one-gpu-own.yaml` | given after `one-gpu.yaml`: the same with text of your own |
| `one-gpu-try.yaml` | given after `one-gpu.yaml` and `one-gpu-own.yaml`: a rehearsal with text of your own |
| `schema.json` | the JSON schema of a whole configuration, for editors that check YAML |
| `overlay.schema.json` | the same for files that state only what differs: no section is required |

Each YAML file states only what differs from `config.yaml`. Do the same in a file of your own, and
give it with `snakemake --configfile my-study.yaml`. Several files can follow one another; a later file overrides an
earlier one. Mappings are merged key by key. A list replaces the whole list below it, but what is under `add`
extends it, such as `add: {languages: [dan, nob]}`, also in `--config`. These lists can be extended:
{lists}.

A language needs only a code (see ShortLanguage). Write `0.003`, not `3e-3`: YAML reads the latter as text.

The heading of a section has the keys where it applies, then its type, as the column "type" of other sections names it.
A share is a number from 0 to 1. A name has letters (A-Z, a-z), digits, `_`, `.` and `-`.
"""


def schema() -> str:
    """The JSON schema of a study."""
    return json.dumps(_with_short_languages(), indent=1) + "\n"


def overlay_schema() -> str:
    """The JSON schema of a file that is given after others: no section needs any key, and `add` extends lists."""
    whole = _with_short_languages()
    for section in _sections(whole, whole["$defs"]):
        section.pop("required", None)
    definitions = whole["$defs"]
    lists = {name: whole["properties"][path[0]] for name, path in LISTS.items() if len(path) == 1}
    lists["methods"] = definitions["Merging"]["properties"]["methods"]
    add = {"type": "object", "additionalProperties": False, "properties": dict(sorted(lists.items()))}
    whole["properties"]["add"] = add | {"description": "Members that are appended to lists of the files below."}
    return json.dumps(whole, indent=1) + "\n"


def _with_short_languages() -> dict[str, Any]:
    """The schema of a study whose languages need only a code."""
    whole = Study.model_json_schema(by_alias=True)
    language = whole["$defs"]["Language"]
    short = ShortLanguage.model_json_schema(by_alias=True)
    language["properties"] |= {k: v for k, v in short["properties"].items() if k not in language["properties"]}
    language["required"] = ["code"]
    languages = whole["properties"]["languages"]
    languages["items"] = {"anyOf": [language["properties"]["code"], languages["items"]]}
    return whole


def _sections(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and those of the mappings in it, whose keys are merged one by one; not those within lists."""
    yield node
    for field in node.get("properties", {}).values():
        for choice in [field, *field.get("anyOf", [])]:
            if name := choice.get("$ref", "").rpartition("/")[2]:
                yield from _sections(definitions[name], definitions)


def readme() -> str:
    """A section for every type, with a table of its keys, in the order of first mention."""
    sections: dict[type[BaseModel], list[str]] = {}
    _collect(Study, "study", sections)
    _collect(ShortLanguage, "languages", sections)  # no type names it: it becomes a Language when it is read
    sections = _moved(sections, ShortLanguage, after=Language)
    parts = [PREAMBLE.replace("{lists}", ", ".join(f"`{name}`" for name in sorted(LISTS)))]
    for model, places in sections.items():
        # Sources of different kinds occur under the same keys: the type tells them apart.
        title = "Top level" if model is Study else f"`{'`, `'.join(places)}`: {model.__name__}"
        doc = " ".join((model.__doc__ or "").split())
        rows = "\n".join(_row(name, field) for name, field in model.model_fields.items())
        parts.append(f"## {title}\n\n{doc}\n\n| key | type | default | meaning |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _moved(
    sections: dict[type[BaseModel], list[str]], moved: type[BaseModel], after: type[BaseModel]
) -> dict[type[BaseModel], list[str]]:
    """The sections, with that of `moved` behind that of `after`."""
    order = [model for model in sections if model is not moved]
    order.insert(order.index(after) + 1, moved)
    return {model: sections[model] for model in order}


def _collect(model: type[BaseModel], place: str, found: dict[type[BaseModel], list[str]]) -> None:
    found.setdefault(model, []).append(place)
    if len(found[model]) > 1:
        return
    for name, field in model.model_fields.items():
        key = field.alias or name
        for inner in _models(field.annotation):
            _collect(inner, key if model is Study else f"{place}.{key}", found)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _row(name: str, field: Any) -> str:
    default = "required" if field.is_required() else f"`{_default(field)}`"
    text = (field.description or "").replace("|", "\\|")
    return f"| `{field.alias or name}` | {_type(field.annotation)} | {default} | {text} |"


def _default(field: Any) -> str:
    value = field.default if field.default is not PydanticUndefined else field.default_factory()
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"  # never 1e-05, which YAML reads as text
    return json.dumps(value)


def _type(annotation: Any) -> str:
    """A type for people: list of Corpus, number, text."""
    names = {str: "text", int: "whole number", float: "number", bool: "true/false", type(None): "null", dict: "mapping"}
    if annotation in names:
        return names[annotation]
    origin = getattr(annotation, "__origin__", None)
    arguments = get_args(annotation)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    if hasattr(annotation, "__metadata__"):
        return _type(arguments[0])
    if str(origin) == "typing.Literal":
        return " or ".join(f"`{value}`" for value in arguments)
    if arguments:
        return " or ".join(_type(argument) for argument in arguments)
    return str(annotation.__name__)


if __name__ == "__main__":
    folder = Path("config")
    (folder / "schema.json").write_text(schema(), encoding="utf-8")
    (folder / "overlay.schema.json").write_text(overlay_schema(), encoding="utf-8")
    (folder / "README.md").write_text(readme(), encoding="utf-8")
