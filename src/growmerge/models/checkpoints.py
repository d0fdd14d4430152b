"""Model folders: plain Llama in safetensors, loadable by stock transformers, and never a reason to run foreign code."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.utils import logging as transformers_logging

from growmerge.disk import writing
from growmerge.errors import GrowmergeError
from growmerge.models.stored import EMBEDDING, HEAD, read_json, stored_tensors, unreadable

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def parameter_count(model: LlamaForCausalLM) -> int:
    """Return the number of parameters; a tied head counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def model_from_tensors(config: LlamaConfig, tensors: Mapping[str, Tensor]) -> LlamaForCausalLM:
    """Return a Llama in evaluation mode that owns `tensors`: all of one dtype and device, a tied head not among them.

    No weight is initialised first, so it is fast and leaves the global random state alone.
    """
    return fill(_empty_model(config), tensors)


def save_checkpoint(model: LlamaForCausalLM, folder: Path, tokenizer_folder: Path | None) -> None:
    """Write `model`, and the tokenizer of `tokenizer_folder`, so that stock transformers loads both from `folder`.

    The weights keep their dtype. Not atomic: the caller writes to a temporary folder and publishes it. Raises FullDisk
    if the disk is full.
    """
    if tokenizer_folder is not None and not (tokenizer_folder / "tokenizer.json").is_file():
        raise GrowmergeError(f"{tokenizer_folder}: no tokenizer.json; give the folder of a fast tokenizer.")
    folder.mkdir(parents=True, exist_ok=True)
    with _no_progress_bar(), writing(sum(tensor.nbytes for tensor in model.parameters())):
        model.save_pretrained(folder)
    if tokenizer_folder is not None:
        for name in TOKENIZER_FILES:
            if (tokenizer_folder / name).is_file():
                shutil.copyfile(tokenizer_folder / name, folder / name)


def load_checkpoint(
    folder: Path, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu"
) -> LlamaForCausalLM:
    """Load a plain Llama from `folder` in evaluation mode; every tensor is checked against config.json first.

    Only config.json and safetensors files are read. Raises GrowmergeError for a folder that is not a plain Llama, holds
    pickled weights only, or whose tensors are damaged, missing, unexpected, or of another shape or kind than its
    configuration says.
    """
    model = empty_model(read_config(folder), folder)
    return fill(model, read_weights(folder, model, dtype, device))


def read_config(folder: Path) -> dict[str, Any]:
    """What `folder`/config.json says. Raises GrowmergeError if it is not there or not a JSON object."""
    return read_json(folder / "config.json")


def refuse_foreign(values: Mapping[str, Any], folder: Path) -> None:
    """Raise GrowmergeError if a configuration asks for code from outside or for quantized weights."""
    path = folder / "config.json"
    if "auto_map" in values:
        raise GrowmergeError(
            f"{path}: auto_map asks for remote code, which is never run; only models that transformers has itself, "
            "and HyperLlama, can be used."
        )
    if "quantization_config" in values:
        raise GrowmergeError(
            f"{path}: quantization_config: quantized weights are not supported; use the original model."
        )


def empty_model(values: Mapping[str, Any], folder: Path) -> LlamaForCausalLM:
    """Return the plain Llama that the configuration `values` of `folder` describes, without weights.

    Raises GrowmergeError for a configuration of anything else.
    """
    path = folder / "config.json"
    refuse_foreign(values, folder)
    if values.get("model_type") != "llama":
        raise GrowmergeError(f"{path}: model_type is {values.get('model_type')!r}; only 'llama' is supported.")
    try:
        config = LlamaConfig.from_dict(dict(values))
        # The file may name an attention kernel of the hub, which would be code from outside.
        config._attn_implementation = "sdpa"
        return _empty_model(config)
    except Exception as error:  # whatever a foreign configuration trips over is that file's fault
        raise GrowmergeError(f"{path}: not a valid Llama configuration: {error}") from error


def read_weights(
    folder: Path, model: LlamaForCausalLM, dtype: torch.dtype | None = None, device: str | torch.device = "cpu"
) -> dict[str, Tensor]:
    """Read the weights of `folder`, all that `model` asks for and no others, a tied head not among them.

    Without `dtype` every tensor keeps the one that it is stored in. Raises GrowmergeError as `load_checkpoint` does.
    """
    stored = stored_tensors(folder, model)
    tensors: dict[str, Tensor] = {}
    for path in dict.fromkeys(tensor.path for tensor in stored.values()):
        try:
            with safe_open(path, framework="pt") as file:
                for name in (name for name, tensor in stored.items() if tensor.path == path):
                    # A copy: the file may vanish afterwards, and the memory is aligned, on which matrix kernels depend.
                    tensors[name] = file.get_tensor(name).to(device=device, dtype=dtype, copy=True)
        except (SafetensorError, OSError) as error:
            raise unreadable(path, error) from error
    tied = model.config.tie_word_embeddings
    if tied and HEAD in tensors and not torch.equal(tensors.pop(HEAD), tensors[EMBEDDING]):
        raise GrowmergeError(
            f"{folder}: tensor {HEAD} differs from {EMBEDDING}, but config.json says tie_word_embeddings; "
            f"set it to false if this model has a head of its own."
        )
    return tensors


def _empty_model(config: LlamaConfig) -> LlamaForCausalLM:
    with torch.device("meta"):
        return LlamaForCausalLM(config)


def fill(model: LlamaForCausalLM, tensors: Mapping[str, Tensor]) -> LlamaForCausalLM:
    """Return the empty `model` in evaluation mode, with `tensors` as its weights: as `model_from_tensors` has them."""
    state = dict(tensors)
    if model.config.tie_word_embeddings:
        state[HEAD] = state[EMBEDDING]
    model.load_state_dict(state, strict=True, assign=True)
    model.tie_weights()
    # The rotary frequencies are not in the state; they are computed from the configuration.
    model.model.rotary_emb = LlamaRotaryEmbedding(model.config).to(state[EMBEDDING].device)
    return model.eval()


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Keep the bar of `save_pretrained`, one for each checkpoint, out of the log of a training."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
