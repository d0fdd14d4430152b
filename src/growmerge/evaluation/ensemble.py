"""The output ensemble of several models: the mean of their probabilities, not of their weights.

A merge must put all that its members know into one set of weights. An ensemble keeps all members and asks each of them
for the next token, so it shows how much a merge of them can lose: p(token | text) = mean over members of
p_member(token | text). It costs as many forward passes as it has members. It is scored by log-likelihoods alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from growmerge.artifacts import digest_of, verify
from growmerge.data.same_tokenizer import tokenizer_difference
from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import max_positions
from growmerge.evaluation.scores import Cell, Scored, scoring_device, update_scores
from growmerge.models.external import load_model

# Part of the identity of the scores of every ensemble: raise it whenever the same members would get other scores.
ENSEMBLE_VERSION = 1


class Ensemble(PreTrainedModel):
    """A causal language model whose probabilities are the mean over its members.

    Its logits [batch, length, vocabulary] are log(mean over members of softmax(logits of the member)), in fp32. It has
    no head and no body of its own, so `growmerge.evaluation.forward` asks it for whole logits.
    """

    base_model_prefix = ""
    _supports_sdpa = True

    def __init__(self, members: Sequence[PreTrainedModel]) -> None:
        """`members` are models of one vocabulary, on one device. Their tokenizers must be the same, see `load`."""
        super().__init__(deepcopy(members[0].config))
        self.members = nn.ModuleList(members)

    def get_output_embeddings(self) -> None:
        """None: no single matrix makes these logits."""
        return None

    def forward(self, **inputs: Any) -> CausalLMOutput:
        """The logits for the inputs that the members take."""
        total: Tensor | None = None
        for member in self.members:
            logprobs = member(**inputs).logits.float().log_softmax(-1)
            total = logprobs if total is None else torch.logaddexp(total, logprobs, out=total)
        assert total is not None
        return CausalLMOutput(logits=total.sub_(math.log(len(self.members))))


def load_ensemble(folders: Sequence[Path], device: str | torch.device = "cpu") -> Ensemble:
    """Load the models in `folders` as an ensemble in evaluation mode.

    Raises GrowmergeError for what `load_model` refuses, and for the first model whose vocabulary, number of positions
    or tokenizer is not that of the first: their probabilities would be of other tokens, or after other texts.
    """
    first, *others = members = [load_model(folder, device=device) for folder in folders]
    for folder, member in zip(folders[1:], others, strict=True):
        _check(folder, folders[0], "entries in its vocabulary", _vocabulary(member), _vocabulary(first))
        _check(folder, folders[0], "positions", max_positions(member), max_positions(first))
        if difference := tokenizer_difference(folder, folders[0]):
            raise GrowmergeError(
                f"{folder}/tokenizer.json: is another tokenizer than {folders[0]}'s: {difference}; they cannot be "
                "combined in an ensemble"
            )
    return Ensemble(members).eval()


def _vocabulary(model: PreTrainedModel) -> int:
    size: int = model.config.get_text_config().vocab_size
    return size


def _check(folder: Path, first: Path, what: str, here: int, there: int) -> None:
    if here != there:
        raise GrowmergeError(
            f"{folder}/config.json: has {here} {what}, but {first} has {there}; they cannot be combined in an ensemble"
        )


def score_ensemble(
    folder: Path,
    members: Mapping[str, Path],
    cells: Mapping[Cell, Path],
    *,
    generated: Iterable[str],
    name: str,
    tokens_per_batch: int,
) -> None:
    """Bring the scores in `folder` of the ensemble of published models up to date (see `update_scores`).

    `members` maps languages to models; they are added up in the order of the languages. Cells of the benchmarks in
    `generated` are left out, because an ensemble writes no text. Raises GrowmergeError for a damaged model or
    benchmark, and what `load_ensemble` refuses.
    """
    left_out = set(generated)
    folders = [members[code] for code in sorted(members)]
    digests = [verify(member).digest for member in folders]
    model = Scored(
        digest=digest_of({"ensemble": ENSEMBLE_VERSION, "members": digests}),
        checkpoint=lambda: folders[0],  # whose tokenizer is that of all
        inputs=folders,
        config={"ensemble": sorted(members)},
        name=name,
        load=lambda _: load_ensemble(folders, scoring_device()),
    )
    asked = {cell: benchmark for cell, benchmark in cells.items() if cell[0] not in left_out}
    update_scores(folder, model, asked, tokens_per_batch=tokens_per_batch)
