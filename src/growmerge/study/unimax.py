"""UniMax: how often each language is repeated (Chung et al. 2023, arXiv 2304.09151, algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping


def unimax(
    characters: Mapping[str, int], budget: float, max_epochs: float, fixed: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Epochs of each language, so that their characters, repetitions counted, share `budget` as equally as can be.

    Languages are visited from the smallest. Each gets an equal share of what is left of the budget, but not more than
    `max_epochs` of its `characters`. The epochs of `fixed` languages are given; what they leave is for the others
    (Glocker et al. 2025, section 3.4). Raises ValueError if they leave nothing.
    """
    epochs = dict(fixed or {})
    left = budget - sum(epochs[language] * characters[language] for language in epochs)
    others = sorted((size, language) for language, size in characters.items() if language not in epochs)
    if others and left <= 0:
        raise ValueError(f"the budget of {budget:.4g} characters is used up by the languages with given epochs")
    for number, (size, language) in enumerate(others):
        share = min(left / (len(others) - number), max_epochs * size)
        epochs[language] = share / size
        left -= share
    return epochs
