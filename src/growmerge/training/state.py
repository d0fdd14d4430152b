"""The state of an unfinished training: saved atomically, found again after a kill, ignored when damaged.

States live in an undeclared work folder, which Snakemake will not delete when a job is killed.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from growmerge.artifacts import publish, read_manifest, verify
from growmerge.disk import writing
from growmerge.errors import GrowmergeError
from growmerge.training.optimizer import Optimizers

logger = logging.getLogger(__name__)
TENSORS = "state.safetensors"


def save_state(work: Path, step: int, model: LlamaForCausalLM, optimizer: Optimizers, kept: int) -> None:
    """Save weights and optimizer after `step` finished steps.

    Once it is whole, all but the newest `kept` are removed: should it be damaged, the one before serves. Raises
    GrowmergeError, and removes none, if the disk is full.
    """
    tensors = {f"weight/{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        tensors |= {f"{moment}/{name}": value for moment, value in optimizer.state[parameter].items()}
    needed = sum(tensor.nbytes for tensor in tensors.values())
    with publish(work / f"state-{step:08d}") as draft, writing(needed):
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, draft.folder / TENSORS)
        draft.facts["step"] = step
    for older in _states(work)[:-kept]:
        shutil.rmtree(older)


def newest_state(work: Path) -> Path | None:
    """The newest whole state, if there is one."""
    for folder in reversed(_states(work)):
        try:
            verify(folder)
        except GrowmergeError as error:
            logger.warning("ignoring a damaged training state: %s", error)
            continue
        return folder
    return None


def restore_state(folder: Path, model: LlamaForCausalLM, optimizer: Optimizers) -> int:
    """Restore a state in place, tensor by tensor; returns its finished steps."""
    parameters = dict(model.named_parameters())
    with safe_open(folder / TENSORS, framework="pt") as file, torch.no_grad():
        for key in file.keys():  # noqa: SIM118 (not a mapping)
            kind, name = key.split("/", 1)
            parameter, tensor = parameters[name], file.get_tensor(key)
            if kind == "weight":
                parameter.copy_(tensor)
            else:
                # A copy: the file may vanish, and the memory is aligned.
                optimizer.state[parameter][kind] = tensor.to(parameter.device, copy=True)
    return int(read_manifest(folder).facts["step"])


def _states(work: Path) -> list[Path]:
    return sorted(work.glob("state-*"))
