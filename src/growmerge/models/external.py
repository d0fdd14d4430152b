"""Models of others, of any architecture that transformers has itself: loaded to be scored, beside the study's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint, read_config, refuse_foreign
from growmerge.models.stored import weight_files


def load_model(folder: Path, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu") -> PreTrainedModel:
    """Load a causal language model in evaluation mode: plain Llama by `load_checkpoint`, others by transformers.

    Raises GrowmergeError for a model that needs remote code, is quantized or pickled, or whose weights are damaged or
    not exactly those of its architecture (transformers would draw the missing ones at random).
    """
    values = read_config(folder)
    if values.get("model_type") == "llama":
        return load_checkpoint(folder, dtype, device)
    refuse_foreign(values, folder)
    weight_files(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        # The file may name an attention kernel of the hub, which would be code from outside.
        config._attn_implementation = None
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:  # whatever a foreign model trips over is that folder's fault
        reason = str(error).strip().splitlines()[0]
        raise GrowmergeError(
            f"{folder}: cannot be loaded ({type(error).__name__}: {reason}); download it again or leave it out"
        ) from error
    model, report = loaded
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if report[kind]:
            first = sorted(map(str, report[kind]))[0]
            raise GrowmergeError(
                f"{folder}: the weights are not those of {type(model).__name__}: {kind.replace('_', ' ')}: {first} "
                f"({len(report[kind])} in all); download it again or leave it out"
            )
    return model.to(device).eval()
