"""From a recipe of the grid to a mixture's phases: target languages with their replay of English and code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growmerge.data.mixture import Component, Phase


def phases_of(recipe: Mapping[str, Any], documents: Mapping[str, int]) -> list[Phase]:
    """The phases of a model's training; `documents` maps corpora to their numbers of documents.

    Bases: as configured. Adapted models (Glocker et al. 2025, section 3.1): one phase of the languages' text, each with
    its share of the reference language's replay, in proportion to its documents, for as many epochs as the text.
    """
    if "phases" in recipe:
        return [
            Phase(tuple(Component(corpus, float(epochs)) for corpus, epochs in phase.items()))
            for phase in recipe["phases"]
        ]
    reference = documents[recipe["replay"]["reference"]]
    components: list[Component] = []
    for language in recipe["languages"]:
        ratio = language["replay"]
        if ratio is None:
            ratio = min(1.0, documents[language["corpus"]] / reference)
        components.append(Component(language["corpus"], language["epochs"]))
        components += [
            Component(corpus, language["epochs"], share * ratio)
            for corpus, share in recipe["replay"]["corpora"].items()
        ]
    return [Phase(tuple(components), shuffled_once=len(recipe["languages"]) > 1)]
