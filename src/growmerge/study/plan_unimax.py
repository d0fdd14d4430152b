"""Finished models that a new language changes, because UniMax then shares its budget out anew. Pure, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from growmerge.artifacts import MANIFEST, read_manifest
from growmerge.config.languages import UniMax
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs
from growmerge.study.layout import Layout


@dataclass(frozen=True)
class Changed:
    """A finished model of one language: the epochs and steps that it was trained for, and those that it would get now.

    `steps_now` is None if the size of a corpus is not known.
    """

    id: str
    language: str
    epochs: float
    epochs_now: float
    steps: int
    steps_now: int | None


def changed_models(layout: Layout, costs: Costs) -> list[Changed]:
    """The finished models of one language to which UniMax now gives other epochs than their manifests record.

    Models of several languages are left out: they are trained again with every new language. So are experts that branch
    off a common model, whose epochs are a share of those of their language.
    """
    grid = costs.grid
    shared = {language.code for language in grid.study.languages if language.epochs is None}
    found = []
    for model in grid.models:
        folder = Path(layout.model(model.id))
        own_epochs = model.target in shared and model.setup not in grid.sharing and model.id not in grid.imported
        if not own_epochs or not (folder / MANIFEST).exists():
            continue
        manifest = read_manifest(folder)
        epochs, epochs_now = (_epochs(recipe) for recipe in (manifest.config, costs.recipes.of(model.id).plain()))
        if epochs != epochs_now:
            steps_now = costs.steps(model.id) if costs.can_tell(model.id) else None
            found.append(Changed(model.id, model.target, epochs, epochs_now, manifest.facts["steps"], steps_now))
    return found


def _epochs(recipe: dict[str, Any]) -> float:
    (text,) = recipe["languages"]
    return float(text["epochs"])


def changed_line(layout: Layout, costs: Costs) -> str:
    """For dry-runs, what `changed_models` finds; empty if that is nothing.

    A damaged manifest is left to the job that reads its model, and to `verify`, which could not run otherwise.
    """
    try:
        changed = changed_models(layout, costs)
    except GrowmergeError:
        return ""
    named = ", ".join(f"{model.id} ({model.epochs:.4g} -> {model.epochs_now:.4g})" for model in changed)
    return (
        f"UniMax gives other epochs to finished models, which are trained again: {named}; `snakemake plan` says how to "
        "keep them"
        if changed
        else ""
    )


def changed_markdown(changed: Sequence[Changed], rule: UniMax | None) -> Iterator[str]:
    """The part of plan.md that names them and says how to keep them; nothing if there are none."""
    if not changed or rule is None:
        return
    # The exact numbers: with rounded ones, the models would be trained again.
    kept = rule.fixed | {model.language: model.epochs for model in changed}
    stated = ", ".join(f"{code}: {epochs!r}" for code, epochs in kept.items())
    yield from (
        "",
        "## What UniMax shares out anew",
        "",
        "These models are finished, but their languages now get other epochs. They are trained again, and all that is "
        f"made from them is made again. To keep them, state `unimax: {{fixed: {{{stated}}}}}`; the other languages "
        "then share what is left of the budget.",
        "",
        "| model | epochs | now | steps | now |",
        "|---|--:|--:|--:|--:|",
    )
    for model in changed:
        steps_now = "not known" if model.steps_now is None else f"{model.steps_now:,}"
        yield f"| {model.id} | {model.epochs:.4g} | {model.epochs_now:.4g} | {model.steps:,} | {steps_now} |"
