"""The grammar of ids and names: made and taken apart here, nowhere else; and the words that no name may be.

A model's id is also its path below the folders of models, checkpoints, merges and scores:

    base-2x                a base
    2x/swe, 2x/multi       the model of a setup that is trained on a target
    2x/swe@250             its checkpoint after 250 optimizer steps
    2x/isl+swe/ties        the merge of a combination of languages by a method
    2x/isl+swe@250/ties    the merge of their checkpoints
    external/gemma         a model of others

Imports nothing of ours: configuration, rules, tables and figures all speak this grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SLASH = "/"  # between the parts of an id, which are folders
PLUS = "+"  # between the languages of a combination
AT = "@"  # before the step of an intermediate checkpoint

RANDOM = "random"  # what a base of random weights is made from
MULTI = "multi"  # the target that is all languages together
COMMON = "common"  # what the experts of a setup with partial sharing branch off
EXTERNAL = "external"  # the folder of models of others
REFERENCE = "reference"  # the scores that information parity compares with
DOWNLOADS = "downloads"  # the folder of packages, shared by all studies

# Rows and columns of tables that stand for several.
ALL = "all"
MACRO = "macro"  # the unweighted mean over groups of items
MEAN = "mean"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")
NAME_PATTERN = f"^{_NAME.pattern}$"
_SIGNS = {
    SLASH: "stands between the parts of a model's id",
    PLUS: "stands between the languages of a combination",
    AT: "stands before the step of a checkpoint",
}
# What pandas reads as a missing value in the CSV files that a study writes.
_MISSING = {"NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "NaT"}

_SCORES = "results/{study}/scores/%s holds what is no base"
_RESERVED: Mapping[str, Mapping[str, str]] = {
    "study": {DOWNLOADS: "results/downloads holds packages, of all studies"},
    "base": {
        RANDOM: "`from: random` means random weights, not a base of that name",
        EXTERNAL: _SCORES % EXTERNAL,
        REFERENCE: _SCORES % REFERENCE,
    },
    "setup": {
        ALL: "tables call all setups together so",
        EXTERNAL: "results/{study}/models/external holds models of others",
        REFERENCE: _SCORES.replace("base", "setup") % REFERENCE,
    },
    "benchmark": {
        ALL: "tables call the mean over all items so",
        MACRO: "tables call the mean over groups of items so",
        MEAN: "tables call the mean over measures so",
        "listing.json": "results/{study}/benchmarks/listing.json lists the benchmarks",
        "listing.manifest.json": "results/{study}/benchmarks/listing.manifest.json lists the benchmarks",
    },
}


# --- names ----------------------------------------------------------------------------------------------------------


def fault_of(name: str) -> str:
    """Why `name` can be no name of anything; empty if it can."""
    for sign, meaning in _SIGNS.items():
        if sign in name:
            return f"no name may have '{sign}', which {meaning}"
    if name in _MISSING:
        return "is read as a missing value from the tables in CSV; choose another"
    if not _NAME.fullmatch(name):
        return "a name has letters (A-Z, a-z), digits, '_', '.' and '-', and begins with a letter or digit"
    return ""


def reserved(kind: str, name: str) -> str:
    """Why `name` is taken, if it names a study, base, setup or benchmark (`kind`); empty if it is free."""
    if kind == "benchmark" and is_parity_reference(name):
        return f"the English sides of parallel sentences are scored under such names ('parity_{REFERENCE}')"
    return _RESERVED.get(kind, {}).get(name, "")


# --- ids ------------------------------------------------------------------------------------------------------------


def adapted(setup: str, target: str) -> str:
    """The model of a setup trained on a target: a language, `MULTI` or `COMMON`."""
    return f"{setup}{SLASH}{target}"


def external(name: str) -> str:
    """A model of others."""
    return f"{EXTERNAL}{SLASH}{name}"


def checkpoint(model_id: str, step: int | None) -> str:
    """The checkpoint of a model after a step, or of a combination's members; without a step the finished model."""
    return model_id if step is None else f"{model_id}{AT}{step}"


def combination(codes: Iterable[str]) -> str:
    """Languages that are merged, in alphabetical order: `isl+swe`."""
    return PLUS.join(sorted(codes))


def merge(setup: str, codes: Iterable[str], method: str, step: int | None = None) -> str:
    """The merge of a setup's models of these languages by a method, finished or after a step."""
    return SLASH.join((setup, checkpoint(combination(codes), step), method))


def split_step(model_id: str) -> tuple[str, int | None]:
    """What stands before the step of a checkpoint (or a combination), and the step: `2x/swe@250` -> `2x/swe`, 250."""
    plain, _, step = model_id.partition(AT)
    return plain, int(step) if step else None


def languages_of(combination: str) -> list[str]:
    """The languages of a combination, finished or after a step; a single language is itself."""
    return split_step(combination)[0].split(PLUS)


def short_name(model_id: str) -> str:
    """The last part of an id: the name of a model of others, the target of a trained model, the method of a merge."""
    return model_id.rpartition(SLASH)[2]


def without_method(merge_id: str) -> str:
    """What merges of the same models by several methods share: setup and combination."""
    return merge_id.rpartition(SLASH)[0]


def parity_reference(benchmark: str) -> str:
    """What the English sides of a benchmark of parallel sentences are scored under."""
    return f"{benchmark}_{REFERENCE}"


def is_parity_reference(benchmark: str) -> bool:
    """Whether scores are under such a name; no benchmark of a study may have one."""
    return benchmark.endswith(f"_{REFERENCE}")
