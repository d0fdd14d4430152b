"""How much of a language vector lies in rows of tokens that the language's text never holds.

The softmax pushes the embedding rows (and those of an untied head) of such tokens all the same way, so training on a
language moves them, too. It is computed for languages whose tokens are counted (`comparison.rows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from growmerge.comparing.statistics import Measure, Models, Statistic, Value
from growmerge.errors import GrowmergeError
from growmerge.lazily import lazily

with lazily():
    import torch

    from growmerge.comparing import places, weights
    from growmerge.data import token_counts


def compute(models: Models) -> Iterator[Value]:
    """The values of each model whose tokens are counted, for the embedding and for an untied head.

    - seen_norm, unseen_norm: norm of the language vector in the rows of tokens that occur in the text, and of the rest.
    - unseen_share: share of its squared norm in that tensor that lies in rows of tokens that do not occur; NaN if the
      model did not move.

    Raises GrowmergeError for models that do not have one row for each token that is counted.
    """
    if not models.token_counts:
        return
    codes = list(models.token_counts)
    counts = {
        code: torch.from_numpy(token_counts.read_token_counts(folder)) for code, folder in models.token_counts.items()
    }
    checkpoints = weights.Checkpoints([*(models.members[code] for code in codes), models.base], models.device)
    for name, shape in checkpoints.shapes.items():
        place = places.place_of(name)
        if place.kind not in ("embedding", "head"):
            continue
        sizes = torch.cat([_by_row(block, shape[1]) for block in checkpoints.blocks(name)], dim=1).cpu()  # [n, rows]
        for index, code in enumerate(codes):
            if len(counts[code]) != shape[0]:
                raise GrowmergeError(
                    f"{models.members[code]}: tensor {name} has {shape[0]} rows, but {len(counts[code])} tokens are "
                    "counted; switch comparison.rows off for models with another vocabulary"
                )
            seen = float(sizes[index][counts[code] > 0].sum())
            unseen = float(sizes[index][counts[code] == 0].sum())
            yield Value(code, "", "seen_norm", sqrt(seen), *place)
            yield Value(code, "", "unseen_norm", sqrt(unseen), *place)
            share = unseen / (seen + unseen) if seen + unseen else float("nan")
            yield Value(code, "", "unseen_share", share, *place)


def _by_row(block: torch.Tensor, width: int) -> torch.Tensor:
    """Squared norms of the rows of differences to the last model: [n, rows], from [n + 1, rows * width]."""
    return (block[:-1] - block[-1]).square().unflatten(1, (-1, width)).sum(2)


STATISTIC = Statistic([Measure(name, of="model") for name in ("seen_norm", "unseen_norm", "unseen_share")], compute)
