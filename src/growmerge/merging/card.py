"""The model card of a merge: what it is made from and how, under which licences, and its scores once there are any."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from growmerge import ids
from growmerge.artifacts import manifest_path, read_manifest, verify, write_atomically
from growmerge.catalogue.entry import BITS_PER_BYTE
from growmerge.errors import GrowmergeError
from growmerge.evaluation.results import CHRF, read_metrics
from growmerge.merging.recipe import Recipe
from growmerge.models.card import CARD, Card


def write_card(folder: Path, recipe: Recipe, scores: Path | None = None) -> None:
    """Write the README.md of a merged model, with what `scores` (a score folder) has about this very merge.

    It is a note that may be written again, so the manifest does not list it.
    """
    write_atomically(folder / CARD, card(recipe, scores))


def card(recipe: Recipe, scores: Path | None = None) -> str:
    """The text of the card; scores of another model than this merge are left out."""
    title = f"{ids.combination(recipe.languages)}, merged by {recipe.method.name}"
    return Card(title, {"tags": tags(recipe)}, [*making(recipe), *_scores(recipe, scores)]).text()


def tags(recipe: Recipe) -> list[str]:
    """What the hub lists merges under; mergekit's are also those that it makes, too."""
    return ["merge", *(["mergekit"] if recipe.by_mergekit else [])]


def making(recipe: Recipe) -> list[str]:
    """The sections on what the merge is made from and how."""
    members = "\n".join(
        f"- {code}: `{recipe.members[code]}` ({_licence(recipe.members[code])})" for code in recipe.languages
    )
    based = any(part.uses_base for part in recipe.parts)
    base = f"\nTask vectors are differences to `{recipe.base}` ({_licence(recipe.base)}).\n" if based else ""
    made = [_of_mergekit(recipe)] if recipe.by_mergekit else map(_of_part, recipe.parts, _tensors(recipe))
    return [f"Members:\n\n{members}\n{base}", *made]


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


def _tensors(recipe: Recipe) -> list[str]:
    """Which tensors each part of the recipe makes, as the beginning of a sentence."""
    if not recipe.method.embedding:
        return ["Made"]
    return ["All tensors but the embedding (and the head) are made", "The embedding (and the head) is made"]


def _of_part(part: Recipe, tensors: str) -> str:
    """Whose code made the tensors, and from what."""
    settings: dict[str, Any] = {"members": part.of_members, "merge": part.of_merge}
    settings |= {"dtype": part.dtype, "seed": part.seed}
    config = yaml.safe_dump(settings, sort_keys=False)
    source = part.registered.source
    if source is None:
        maker = f"`{part.registered.name}` of mergekit {metadata.version('mergekit')}. It"
    else:
        asked = " and ".join(part.kind.statistics)
        maker = (
            f"the function `{part.registered.function.__name__}` of `{source.name}` (SHA-256 `{source.digest}`)"
            f"{f', which also reads {asked} of the members' if asked else ''}; mergekit has no such method. It"
        )
    return f"{tensors} by {maker} was given\n\n```yaml\n{config}```\n"


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
    """The section of scores, as results.json has them, or would have them.

    Which of the shares of right answers a study's tables show is not known to a merge: it is a setting of its
    benchmarks, read when tables are made. So all three are given, each by its name.
    """
    if folder is None or not manifest_path(folder).exists():
        return []
    try:
        if verify(folder).facts.get("model") != recipe.digest:
            return []
    except GrowmergeError:
        return []
    cells = sorted(read_metrics(folder).items())
    shares = [(cell, metrics) for cell, metrics in cells if "acc" in metrics]
    others = [(cell, metrics) for cell, metrics in cells if "acc" not in metrics]
    parts = ["## Scores\n"]
    if shares:
        parts += [_OF_SHARES, *(f"| {' | '.join((*cell, *_shares(metrics)))} |" for cell, metrics in shares), ""]
    if others:
        parts += [_OF_OTHERS, *(f"| {' | '.join((*cell, *_other(metrics)))} |" for cell, metrics in others), ""]
    return parts


_OF_SHARES = """Share of items whose right candidate is the most probable, by its log-probability summed, per token and
per character. Tables of the study show the one that its benchmark is normalised by.

| benchmark | language | summed | per token | per character | items |
|---|---|--:|--:|--:|--:|"""
_OF_OTHERS = """| benchmark | language | score | items |
|---|---|--:|--:|"""


def _shares(metrics: Mapping[str, Any]) -> list[str]:
    shares = [_printed(metrics[name], ".1%") for name in ("acc", "acc_token", "acc_norm")]
    return [*shares, str(metrics["sample_len"])]


def _other(metrics: Mapping[str, Any]) -> list[str]:
    """The score of all texts together."""
    if CHRF in metrics:
        score = f"{_printed(metrics[CHRF], '.1f')} {CHRF}"
    else:
        score = f"{_printed(metrics.get(BITS_PER_BYTE, 'N/A'), '.3f')} bits per byte"
    return [score, str(metrics["sample_len"])]


def _printed(value: float | str, form: str) -> str:
    """A number in this form; what is no number is N/A already."""
    return value if isinstance(value, str) else format(value, form)
