"""Rows of the embedding by the use of their tokens, after the embeddings of all languages have got the same centre."""

from __future__ import annotations

import math
from dataclasses import replace

from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method
from growmerge.merging.methods.rows import rows

with lazily():
    import torch


@merge_method(
    base="required",
    statistics=["token_counts"],
    of_tokens=True,
    ranges=dict.fromkeys(("centring", "prior", "exponent", "rest"), (0.0, math.inf)),
)
def centred_rows(
    tensors: Tensors, centring: float = 1.0, prior: float = 1.0, exponent: float = 1.0, rest: float = 1.0
) -> torch.Tensor:
    r"""Merge the rows of the embedding (or of the head) as `rows` does, but their centre by the plain mean.

    With c_l [width] the mean of all rows of expert l, every row of expert l is first moved by

        centring * (mean over languages k of c_k - c_l),

    and then the rows are merged by `rows`. Training moves the rows of all tokens that a text lacks by nearly the same
    vector, another one for each language, and so moves the centre. A head does not need it: the same vector added to
    all its rows adds the same number to all logits, which the softmax takes away. Under `rows`, though, the tokens of
    different languages keep different centres, and compete by them.

    With `centring` 0 this is `rows`. As there, equal frequencies give the mean, and a single member gives itself. It
    helps most if the members share no pre-training: docs/merging-languages.md.

    Args:
        tensors: all rows of the embedding; the statistic `token_counts` has a count for each of them.
        centring: how much of the way to the common centre each expert goes.
        prior, exponent, rest: those of `rows`.

    Raises GrowmergeError as `rows` does.
    """
    centres = torch.stack([member.float().mean(0) for member in tensors.members])
    moved = tensors.members + centring * (centres.mean(0) - centres)[:, None]
    merged: torch.Tensor = rows(replace(tensors, members=moved), prior=prior, exponent=exponent, rest=rest)
    return merged
