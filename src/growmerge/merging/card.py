"""The model card of a merge: what it is made from and how, under which licences, and its scores once there are any."""

from __future__ import annotations

import math
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from growmerge import ids
from growmerge.artifacts import read_manifest, verify, write_atomically
from growmerge.benchmarks.items import ITEMS, TRANSLATIONS
from growmerge.catalogue.merge_registry import Source
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import chrf, stacked
from growmerge.merging.recipe import Recipe

CARD = "README.md"


def write_card(folder: Path, recipe: Recipe, scores: Path | None = None) -> None:
    """Write the README.md of a merged model, with what `scores` (a score folder) has about this very merge.

    It is a note that may be written again, so the manifest does not list it.
    """
    write_atomically(folder / CARD, card(recipe, scores))


def card(recipe: Recipe, scores: Path | None = None) -> str:
    """The text of the card; scores of another model than this merge are left out."""
    method = recipe.method
    members = "\n".join(
        f"- {code}: `{recipe.members[code]}` ({_licence(recipe.members[code])})" for code in recipe.languages
    )
    base = f"\nTask vectors are differences to `{recipe.base}` ({_licence(recipe.base)}).\n" if recipe.uses_base else ""
    source = recipe.registered.source
    parts = [
        f"---\ntags: [merge{'' if source else ', mergekit'}]\n---\n",
        f"# {ids.combination(recipe.languages)}, merged by {method.name}\n",
        f"Members:\n\n{members}\n{base}",
        _of_function(recipe, source) if source else _of_mergekit(recipe),
        *_scores(recipe, scores),
    ]
    return "\n".join(parts)


def _licence(model: Path) -> str:
    licence = read_manifest(model).facts.get("licence")
    return f"licence: {licence}" if licence else "licence: not stated"


def _of_mergekit(recipe: Recipe) -> str:
    """How mergekit makes the same merge."""
    config = yaml.safe_dump(recipe.mergekit_config(), sort_keys=False)
    return (
        f"mergekit {metadata.version('mergekit')} makes {_sameness(recipe)} with `mergekit-yaml --random-seed "
        f"{recipe.seed} --num-threads 1` from\n\n```yaml\n{config}```\n"
    )


def _of_function(recipe: Recipe, source: Source) -> str:
    """By which function of which file the merge was made, from what."""
    method = recipe.registered
    settings: dict[str, Any] = {"members": recipe.of_members, "merge": recipe.of_merge}
    settings |= {"dtype": recipe.dtype, "seed": recipe.seed}
    config = yaml.safe_dump(settings, sort_keys=False)
    asked = " and ".join(method.kind.statistics)
    return (
        f"Made by the function `{method.function.__name__}` of `{source.name}` (SHA-256 `{source.digest}`)"
        f"{f', which also reads {asked} of the members' if asked else ''}; mergekit has no such method. It was "
        f"given\n\n```yaml\n{config}```\n"
    )


def _sameness(recipe: Recipe) -> str:
    """How near mergekit's own merge comes."""
    if recipe.device != "cpu":
        return "the same merge, but for rounding, as this one was made on a GPU,"
    if recipe.kind.draws:
        return "a merge that differs in which elements are drawn"
    if recipe.registered.name == "ties":
        return "the same weights, except where elements of equal magnitude compete for the last places,"
    if recipe.registered.name == "multislerp" and recipe.dtype == "float16":
        return "the same weights, except for NaN in its place where members are parallel or nearly so,"
    return "the same weights"


def _scores(recipe: Recipe, folder: Path | None) -> list[str]:
    """The section of scores: of pairs the share that is right, of running text bits per character."""
    if folder is None or not (folder / ITEMS).exists():
        return []
    try:
        if verify(folder).facts.get("model") != recipe.digest:
            return []
    except GrowmergeError:
        return []
    rows = []
    for (benchmark, language), cell in pd.read_parquet(folder / ITEMS).groupby(["benchmark", "language"]):
        right = cell[cell.candidate == 0].set_index("item")
        wrong = cell[cell.candidate != 0].groupby("item").logprob.max()
        if len(wrong):
            share = (right.logprob.reindex(wrong.index) > wrong).mean()
            rows.append(f"| {benchmark} | {language} | {share:.1%} right | {len(wrong)} |")
        else:
            bits = -right.logprob.sum() / math.log(2) / right.characters.sum()
            rows.append(f"| {benchmark} | {language} | {bits:.3f} bits per character | {len(right)} |")
    if (folder / TRANSLATIONS).exists():
        for (benchmark, language), cell in pd.read_parquet(folder / TRANSLATIONS).groupby(["benchmark", "language"]):
            score = float(chrf(stacked(cell.counts).sum(axis=0)))
            rows.append(f"| {benchmark} | {language} | {score:.1f} chrF++ | {len(cell)} |")
    return ["## Scores\n", "| benchmark | language | score | items |\n|---|---|---|---|", *rows, ""]
