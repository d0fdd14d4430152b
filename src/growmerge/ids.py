"""The grammar of ids and names: made and taken apart here, nowhere else; and the words that no name may be.

A model's id is also its path below the folders of models, checkpoints, merges and scores:

    base-2x                a base
    2x/swe, 2x/multi       the model of a setup that is trained on a target
    2x/swe@250             its checkpoint after 250 optimizer steps
    2x/isl+swe/ties        the merge of a combination of languages by a method
    2x/isl+swe@250/ties    the merge of their checkpoints
    2x/isl+swe/ensemble    the ensemble of a combination's models: the mean of their probabilities
    2x/isl+swe/ties~5      that merge, trained on (healed) for 5 % of the tokens of `multi`
    2x/isl+swe/base~5      its control: the setup's base, trained for as many tokens
    2x-rounds-4/swe        the model of a setup whose experts restart from their merge: after the last of 4 rounds
    2x-rounds-4.1/swe      the same after the first round
    base-2x#43, 2x#43/swe  the same base and model, made with another seed: a replicate
    external/gemma         a model of others
    unigram                a floor, not a model: each language's text by how often its tokens are used

Imports nothing of ours: configuration, rules, tables and figures all speak this grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SLASH = "/"  # between the parts of an id, which are folders
PLUS = "+"  # between the languages of a combination
AT = "@"  # before the step of an intermediate checkpoint
TILDE = "~"  # before the share of a merge that is trained on, in percent
HASH = "#"  # before the seed of a replicate, at the end of the name of a base or setup

RANDOM = "random"  # what a base of random weights is made from
MULTI = "multi"  # the target that is all languages together
COMMON = "common"  # what the experts of a setup with partial sharing branch off
EXTERNAL = "external"  # the folder of models of others
REFERENCE = "reference"  # the scores that information parity compares with
DOWNLOADS = "downloads"  # the folder of packages, shared by all studies
LISTINGS = "listings"  # the folder, next to those of benchmarks, that lists the benchmarks of each language
ENSEMBLE = "ensemble"  # in the place of a merge method: the mean of the members' probabilities
UNIGRAM = "unigram"  # the floor of a model that knows how often each token occurs, and nothing else
BASE = "base"  # in the place of the method of a healed merge: its control, the base trained for as many tokens

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
    TILDE: "stands before the share of a merge that is trained on",
    HASH: "stands before the seed of a replicate",
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
        UNIGRAM: _SCORES % UNIGRAM,
    },
    "setup": {
        ALL: "tables call all setups together so",
        EXTERNAL: "results/{study}/models/external holds models of others",
        REFERENCE: _SCORES.replace("base", "setup") % REFERENCE,
    },
    "method": {
        ENSEMBLE: "results/{study}/scores/{setup}/{combination}/ensemble holds the scores of the output ensemble",
        BASE: "results/{study}/models/{setup}/{combination}/base~5 is the base, trained on as a control of healing",
    },
    "benchmark": {
        ALL: "tables call the mean over all items so",
        MACRO: "tables call the mean over groups of items so",
        MEAN: "tables call the mean over measures so",
        LISTINGS: f"results/{{study}}/benchmarks/{LISTINGS} lists the benchmarks of each language",
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
    """Why `name` is taken, if it names a study, base, setup, method or benchmark (`kind`); empty if it is free."""
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


def ensemble(setup: str, codes: Iterable[str]) -> str:
    """The output ensemble of a setup's models of these languages."""
    return merge(setup, codes, ENSEMBLE)


def healed(setup: str, codes: Iterable[str], method: str, share: float) -> str:
    """A merge that is trained on for a share of the tokens of `multi`; by the method `BASE`, its control."""
    return f"{merge(setup, codes, method)}{TILDE}{100 * share:g}"


def split_share(model_id: str) -> tuple[str, float | None]:
    """What stands before the share of a healed merge, and the share: `2x/isl+swe/ties~5` -> `2x/isl+swe/ties`, 0.05."""
    plain, _, percent = model_id.partition(TILDE)
    return plain, float(percent) / 100 if percent else None


def in_rounds(setup: str, count: int, method: str = "", number: int | None = None) -> str:
    """The setup whose experts restart from their merge in so many rounds; with a number, as it is after that round.

    With a `method`, the merges between the rounds are made by it: `2x-rounds-4-ties`, `2x-rounds-4-ties.1`.
    """
    name = "-".join([setup, "rounds", str(count), *([method] if method else [])])
    return name if number is None else f"{name}.{number}"


def replicate(model_id: str, seed: int | None) -> str:
    """The base or model of that id, or the setup of that name, made with another seed; None: itself.

    `2x/isl+swe/ties`, 43 -> `2x#43/isl+swe/ties`.
    """
    first, slash, rest = model_id.partition(SLASH)
    return model_id if seed is None else f"{first}{HASH}{seed}{slash}{rest}"


def split_seed(model_id: str) -> tuple[str, int | None]:
    """What replicates share, and the seed of this one: `2x#43/swe` -> `2x/swe`, 43; of the first seed, None."""
    first, slash, rest = model_id.partition(SLASH)
    plain, _, seed = first.partition(HASH)
    return f"{plain}{slash}{rest}", int(seed) if seed else None


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


def setup_of(model_id: str) -> str:
    """The setup of an adapted model or merge: `2x/isl+swe/ties` -> `2x`."""
    return model_id.partition(SLASH)[0]


def without_setup(model_id: str) -> str:
    """What the same models of several setups share: `2x/isl+swe/ties` -> `isl+swe/ties`."""
    return model_id.partition(SLASH)[2]


def repository(study: str, name: str) -> str:
    """The name of a model's repository on the hub, which takes fewer signs.

    `2x/isl+swe/ties` becomes `{study}-2x-isl_swe-ties`. Two ids may get the same name: whoever publishes both has
    to look.
    """
    signs = str.maketrans(SLASH + PLUS + TILDE + AT + HASH, "-_.-.")
    return f"{study}-{name.translate(signs)}"


def parity_reference(benchmark: str) -> str:
    """What the English sides of a benchmark of parallel sentences are scored under."""
    return f"{benchmark}_{REFERENCE}"


def is_parity_reference(benchmark: str) -> bool:
    """Whether scores are under such a name; no benchmark of a study may have one."""
    return benchmark.endswith(f"_{REFERENCE}")
