"""HyperCloning: a model n times as wide that computes the same function (Samragh et al. 2024, arXiv:2409.12903)."""

import copy
import hashlib
import logging
import math
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from growmerge.artifacts import publish, verify
from growmerge.config.models import Clone
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint, model_from_tensors, parameter_count, save_checkpoint
from growmerge.models.stored import EMBEDDING, FINAL_NORM, HEAD

logger = logging.getLogger(__name__)


def publish_clone(folder: Path, parent: Path, clone: Clone, seed: int) -> None:
    """HyperClone the checkpoint `parent` as `clone` says, and publish the clone as `folder`.

    Raises GrowmergeError for a damaged parent, and as `hyperclone` does.
    """
    verify(parent)
    model = hyperclone(load_checkpoint(parent), clone.factor, clone.snr_db, seed)
    with publish(folder, inputs=[parent], config={**clone.model_dump(), "seed": seed}) as draft:
        save_checkpoint(model, draft.folder, parent)
        draft.facts["parameters"] = parameter_count(model)
        logger.info("%s parameters", f"{parameter_count(model):,}")


def hyperclone(model: LlamaForCausalLM, factor: int, snr_db: float | None = None, seed: int = 0) -> LlamaForCausalLM:
    """Return a new Llama with `factor` times the width, heads and key-value heads, and the logits of `model`.

    Every hidden vector of the clone is the source's vector repeated `factor` times. With n = `factor`:

    - linear weight [out, in] -> [n*out, n*in], tiled and divided by n; biases and norm weights tiled;
    - embedding [vocab, hidden] -> [vocab, n*hidden], tiled;
    - head_dim, softmax scale and RoPE stay. Whole heads are repeated block-wise, so that query head b*H + q still reads
      key-value head b*K + q // (H/K), as it did in the source;
    - head: an untied one is a linear layer whose output keeps its size: tiled along its input and divided by n. A tied
      one is the embedding and cannot be divided; the 1/n goes into the final norm instead. That needs no custom code,
      but multiplies the gradient of that one tensor by n.

    Without noise the copies receive equal gradients and stay copies (see `growmerge.models.asymmetry`). With `snr_db`,
    each [out, in] block of a linear weight gets Gaussian noise, +N on one input block and -N on the next, which cancels
    on the repeated input; for odd n the last input block stays as it is. The power of N lies `snr_db` decibels below
    that of the block. Embedding, head, norms and biases get none. The noise depends on `seed` and the tensor only.

    The arithmetic is done in fp32 or better and rounded to the source's dtype once, so the logits agree up to rounding
    in that dtype (in bf16, W+N and W-N are rounded each). The source is not changed, nor any global random state.

    Raises GrowmergeError when `model` is not a plain Llama, `factor` is below 1 or `snr_db` is not finite.
    """
    if not isinstance(model, LlamaForCausalLM) or model.config.model_type != "llama":
        raise GrowmergeError(f"HyperCloning needs a plain LlamaForCausalLM, not {type(model).__name__}.")
    if factor < 1:
        raise GrowmergeError(f"HyperCloning factor {factor}: it must be a whole number of at least 1.")
    if snr_db is not None and not math.isfinite(snr_db):
        raise GrowmergeError(f"HyperCloning snr_db {snr_db}: give a finite number of decibels, or none for no noise.")

    config = copy.deepcopy(model.config)
    for key in ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads"):
        setattr(config, key, getattr(config, key) * factor)

    tied = config.tie_word_embeddings
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name == HEAD and tied:
            continue
        source = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
        if name == EMBEDDING:
            wide = source.repeat(1, factor)
        elif name == HEAD:
            wide = source.repeat(1, factor) / factor
        elif source.ndim == 2:
            wide = (source / factor).repeat(factor, factor)
            if snr_db is not None:
                _add_noise(wide, factor, snr_db, _generator(seed, name))
        elif name == FINAL_NORM and tied:
            wide = source.repeat(factor) / factor
        else:
            wide = source.repeat(factor)
        tensors[name] = wide.to(tensor.dtype)

    clone = model_from_tensors(config, tensors)
    clone.generation_config = copy.deepcopy(model.generation_config)
    return clone.train(model.training)


def _add_noise(wide: Tensor, factor: int, snr_db: float, generator: torch.Generator) -> None:
    """Add +N and -N to neighbouring input blocks of `wide` [factor*out, factor*in] in place, a new N for each pair."""
    rows, columns = wide.shape[0] // factor, wide.shape[1] // factor
    blocks = wide.view(factor, rows, factor, columns)
    power = blocks[0, :, 0].square().mean() / 10 ** (snr_db / 10)
    for out in range(factor):
        for left in range(0, factor - 1, 2):
            # Drawn on the CPU: a clone made on a GPU has the same noise.
            noise = torch.randn(rows, columns, generator=generator).to(wide)
            noise *= (power / noise.square().mean()).sqrt()
            blocks[out, :, left] += noise
            blocks[out, :, left + 1] -= noise


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))
