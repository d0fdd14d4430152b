"""What a model has to beat to have learned anything, where guessing has no level: pure, for Snakemake's parsing.

An untrained model is a base of random weights, scored as any other. A unigram model knows how often the training text
of a language uses each token, and nothing of their order.
"""

from __future__ import annotations

from growmerge.ids import RANDOM, UNIGRAM
from growmerge.study.grid import Grid, Model


def untrained(grid: Grid) -> list[Model]:
    """The bases of random weights, of replicates those of the first seed."""
    return [grid.model(base.name) for base in grid.study.bases if base.from_ == RANDOM]


def counted_corpora(grid: Grid) -> dict[str, str]:
    """The corpus of each target language whose text is tokenized here, since a model is trained on it.

    No text is downloaded or tokenized for a floor alone.
    """
    trained = {language for model in grid.trained for language in model.languages}
    return {x.code: x.corpus for x in grid.study.languages if x.code in trained}


def unigram(grid: Grid) -> list[Model]:
    """The unigram model, scored in each language by the counts of its own text; nothing if no text is tokenized."""
    languages = tuple(counted_corpora(grid))
    return [Model(UNIGRAM, "floor", (), 1, languages=languages, scored_in=languages)] if languages else []
