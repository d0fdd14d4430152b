"""Rows of the embedding, each by how often the members' languages use its token."""

from __future__ import annotations

import math

from growmerge.errors import GrowmergeError
from growmerge.lazily import lazily
from growmerge.merging.methods import Tensors, merge_method

with lazily():
    import torch

PER = 1e5  # tokens that frequencies are counted in


@merge_method(
    base="required",
    statistics=["token_counts"],
    by_rows=True,
    of_tokens=True,
    ranges=dict.fromkeys(("prior", "exponent", "rest"), (0.0, math.inf)),
)
def rows(tensors: Tensors, prior: float = 1.0, exponent: float = 1.0, rest: float = 1.0) -> torch.Tensor:
    r"""Merge the rows of the embedding (or of the head) in proportion to the use of their tokens: [vocabulary, width].

    With f_l(t) the occurrences of token t in 100,000 tokens of the training text of language l,

        w_l(t) = f_l(t)^exponent / (sum over languages k of f_k(t)^exponent + prior)
        row(t) = base(t) + sum over languages l of w_l(t) d_l(t) + rest (1 - sum over l of w_l(t)) mean of d_l(t),

    where d_l(t) = expert_l(t) - base(t). Training also moves the rows of tokens that a text does not have: the softmax
    lowers their logits, and so pushes their rows the same way. The mean of the experts weakens what each has learned of
    its own tokens by this drift in the others. Here a token that one language uses gets nearly all of this language's
    row. A token that no language uses gets the mean drift with `rest` 1, and the base's row with `rest` 0. With `rest`
    1, equal frequencies give the mean, and a single member gives itself.

    Args:
        tensors: rows of the embedding; the statistic `token_counts` has a count for each row of the whole tensor.
        prior: what the frequencies of a token are held against. The rarer a token, the less of its languages' rows.
        exponent: above 1, the language that uses a token most gets more than its share; with 0, all that use it get
            the same.
        rest: how much of the mean difference the part of a row gets that goes to no language.

    Raises GrowmergeError for a tensor whose first dimension is not the vocabulary.
    """
    counts = tensors.statistics["token_counts"]
    if tensors.shape[0] != len(counts[0]):
        raise GrowmergeError(
            f"merge method rows: tensor {tensors.name} of shape {list(tensors.shape)} does not have one row for each "
            f"of the {len(counts[0])} tokens that are counted; merge models whose vocabulary has tokenizer.vocab_size "
            "entries, or choose another method for the embedding"
        )
    here = torch.stack([count[tensors.rows] for count in counts])
    totals = torch.tensor([[max(1, int(count.sum()))] for count in counts])
    used = torch.where(here > 0, (PER * here.double() / totals) ** exponent, 0.0)  # 0^0 is 1
    total = used.sum(0) + prior
    weights = torch.where(total > 0, used / total, 0.0)
    weights = (weights + rest * (1 - weights.sum(0)) / len(weights)).float().to(tensors.members.device)
    assert tensors.base is not None
    merged = tensors.base * (1 - weights.sum(0))[:, None]
    for member, of_member in zip(tensors.members, weights, strict=True):
        merged.addcmul_(member, of_member[:, None])
    return merged
