"""Hidden states of models over the same English sentences, and their CKA (Aycock et al. 2026, section 4)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LlamaForCausalLM

from growmerge.comparing.similarity import centred_gram, cka_matrix
from growmerge.comparing.statistics import Value
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint

POSITIONS_PER_BATCH = 4096  # the hidden states of all layers are held for so many (24 layers of 2048: 0.8 GB)

# What is pooled, and whether features are standardised. The first is the published measure. In it a few huge
# activations, most of them at the first token, can make up nearly all of the variance; the others are without those.
VARIANTS = {
    "cka": (0, False),
    "cka_without_first": (1, False),
    "cka_standardised": (1, True),
}

States = NDArray[np.float32]


@torch.inference_mode()
def pooled_states(model: LlamaForCausalLM, texts: Sequence[Sequence[int]]) -> States:
    """Means over tokens of the states after each decoder layer: fp32 [2, layers, len(texts), hidden].

    First over all tokens of a text, then without its first one. `texts` are token ids, at least two each, as the model
    reads them; those beyond its positions are cut off. The states after the last layer are those after the final norm,
    as transformers gives them; the embeddings are left out.
    """
    positions = model.config.max_position_embeddings
    shape = (2, model.config.num_hidden_layers, len(texts), model.config.hidden_size)
    pooled = np.empty(shape, dtype=np.float32)
    longest_first = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
    while longest_first:
        width = min(len(texts[longest_first[0]]), positions)
        count = max(1, POSITIONS_PER_BATCH // width)
        batch, longest_first = longest_first[:count], longest_first[count:]
        # Padding follows each text, so causal attention hides it.
        inputs = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros(len(batch), width)
        for row, index in enumerate(batch):
            tokens = texts[index][:positions]
            inputs[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1.0
        mask = mask.to(model.device)
        outputs = model.model(input_ids=inputs.to(model.device), use_cache=False, output_hidden_states=True)
        for layer, states in enumerate(outputs.hidden_states[1:]):
            for pooling, first in enumerate((0, 1)):
                weights = mask[:, first:, None]
                means = (states[:, first:].float() * weights).sum(1) / weights.sum(1)
                pooled[pooling, layer, batch] = means.cpu().numpy()
    return pooled


def compare_states(
    members: Mapping[str, Path], sentences: Sequence[str], work: Path, device: str | torch.device = "cpu"
) -> list[Value]:
    """Linear CKA of all pairs of `members` (name -> checkpoint) over `sentences`, layer by layer and its mean.

    Measures `VARIANTS`; a layer stands for the states after it, no layer for the mean over layers. A sentence is read
    after the beginning-of-text token, as in scoring.

    One model is in memory at a time; the states wait in a file under `work`, removed at the end, and the Gram matrices
    of one layer take 8 n² bytes a model, for n sentences. Raises GrowmergeError for fewer than three sentences.
    """
    if len(sentences) < 3:
        raise GrowmergeError(f"comparison: {len(sentences)} English sentences are too few for CKA; give it more text")
    names = list(members)
    work.mkdir(parents=True, exist_ok=True)
    values: list[Value] = []
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        states = [
            _states(folder, sentences, Path(scratch) / f"{i}.npy", device) for i, folder in enumerate(members.values())
        ]
        for measure, (pooling, standardise) in VARIANTS.items():
            layers = [
                cka_matrix([centred_gram(of_model[pooling, layer], standardise) for of_model in states])
                for layer in range(states[0].shape[1])
            ]
            for layer, matrix in [(None, np.mean(layers, axis=0)), *enumerate(layers)]:
                for (i, first), (j, second) in combinations(enumerate(names), 2):
                    values.append(Value(first, second, measure, float(matrix[i, j]), layer))
        del states
    return values


def _states(folder: Path, sentences: Sequence[str], path: Path, device: str | torch.device) -> States:
    """The pooled states of a model, in a file that is read as needed."""
    tokenizer, begin, _ = load_tokenizer(folder)
    encodings = tokenizer.encode_batch(list(sentences), add_special_tokens=False)
    texts = [[begin, *encoding.ids] for encoding in encodings]
    if empty := [sentence for sentence, text in zip(sentences, texts, strict=True) if len(text) < 2]:
        raise GrowmergeError(f"{folder}: its tokenizer makes no token of the sentence {empty[0]!r}; leave it out")
    np.save(path, pooled_states(load_checkpoint(folder, device=device), texts))
    states: States = np.load(path, mmap_mode="r")
    return states
