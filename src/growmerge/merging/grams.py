"""Gram matrices of the inputs of a model's linear layers over text, as an artifact."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from growmerge.artifacts import elapsed, publish, verify
from growmerge.data.shards import TokenCorpus
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint
from growmerge.models.stored import HEAD

GRAMS = "grams.safetensors"
WEIGHT = ".weight"
# Layers that have the same input as another one, whose matrix serves both.
SAME_INPUT = {"k_proj": "q_proj", "v_proj": "q_proj", "up_proj": "gate_proj"}

logger = logging.getLogger(__name__)


def collect_grams(
    checkpoint: Path, shards: Sequence[Path], tokenizer: Path, output: Path, *, tokens: int, length: int
) -> None:
    """Publish the Gram matrices of `checkpoint` over `tokens` tokens of `shards`, as `output`.

    grams.safetensors maps the names of linear layers to the mean over tokens of x x^T: float32 [in, in], summed in
    fp64. The text is read in sequences of `length` tokens (or of the model's positions, if those are fewer) that are
    spread evenly over the shards. If there is less text, all of it is read. An untied head is a linear layer, too. A
    GPU is used if there is one. The tokenizer is among the inputs, so that a merge can check that its members have the
    same one.

    Raises GrowmergeError for damaged inputs, shards without a whole sequence, tokens that the model does not have, and
    activations that are not finite.
    """
    start = time.monotonic()
    verify(checkpoint)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_checkpoint(checkpoint, device=device)
    length = min(length, model.config.max_position_embeddings)
    corpus = TokenCorpus(shards, length)
    count = min(len(corpus), -(-tokens // length))
    chosen = [corpus.sequence(i * len(corpus) // count)[:-1] for i in range(count)]
    config = {"tokens": tokens, "length": length}
    with publish(output, inputs=[checkpoint, *shards, tokenizer], config=config, since=start) as draft:
        grams = gram_matrices(model, [torch.from_numpy(sequence) for sequence in chosen])
        for name, gram in grams.items():
            if not gram.isfinite().all():
                raise GrowmergeError(f"{checkpoint}: the inputs of {name} are not finite; train or import it again")
        save_file({name: gram.float().cpu() for name, gram in grams.items()}, draft.folder / GRAMS)
        draft.facts |= {"tokens": count * length, "device": device}
    logger.info("%s: %d Gram matrices over %d tokens in %.1f s", checkpoint, len(grams), count * length, elapsed(start))


@torch.inference_mode()
def gram_matrices(model: LlamaForCausalLM, sequences: Sequence[Tensor]) -> dict[str, Tensor]:
    """Mean over the tokens of `sequences` of x x^T for the inputs x of linear layers, by their names: fp64 [in, in].

    One matrix for each distinct input: that of q_proj serves k_proj and v_proj, that of gate_proj serves up_proj.
    Raises GrowmergeError for a token that the model does not have.
    """
    vocabulary = model.config.vocab_size
    largest = max(int(sequence.max()) for sequence in sequences)
    if largest >= vocabulary:
        raise GrowmergeError(
            f"text to compute Gram matrices from has token {largest}, but the model has {vocabulary} tokens; use the "
            "tokenizer of the model"
        )
    sums: dict[str, Tensor] = {}

    def add(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found = inputs[0].reshape(-1, inputs[0].shape[-1]).float()
        gram = (found.T @ found).double()
        sums[name] = sums[name] + gram if name in sums else gram

    tied = bool(model.config.tie_word_embeddings)
    handles = [
        module.register_forward_pre_hook(partial(add, name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and _of(name) == name and not (tied and name + WEIGHT == HEAD)
    ]
    try:
        for sequence in sequences:
            (model.model if tied else model)(sequence[None].to(model.device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    tokens = sum(map(len, sequences))
    return {name: total / tokens for name, total in sums.items()}


def read_gram(folder: Path, tensor: str) -> Tensor | None:
    """The matrix for the inputs of the weights `tensor`: float32 [in, in]; None if they are not of a linear layer."""
    name = _of(tensor.removesuffix(WEIGHT))
    with safe_open(folder / GRAMS, "pt") as file:
        return file.get_tensor(name) if tensor.endswith(WEIGHT) and name in file.keys() else None  # noqa: SIM118


def _of(name: str) -> str:
    """The layer whose matrix stands for the inputs of the layer `name`."""
    path, _, last = name.rpartition(".")
    return f"{path}.{SAME_INPUT[last]}" if last in SAME_INPUT else name
