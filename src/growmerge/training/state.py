"""The state of an unfinished training: saved atomically, found again after a kill, ignored when damaged.

States live in an undeclared work folder, which Snakemake will not delete when a job is killed.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.optim import Optimizer
from transformers import LlamaForCausalLM

from growmerge.artifacts import publish, verify
from growmerge.errors import GrowmergeError

logger = logging.getLogger(__name__)
TENSORS = "state.safetensors"
KEPT = 2  # states: should the newest be damaged, the one before it serves


def save_state(work: Path, step: int, model: LlamaForCausalLM, optimizer: Optimizer) -> None:
    """Save weights and optimizer after `step` finished steps; older states are removed once this one is whole."""
    tensors = {f"weight/{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        tensors |= {f"{moment}/{name}": value for moment, value in optimizer.state[parameter].items()}
    with publish(work / f"state-{step:08d}") as draft:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, draft.folder / TENSORS)
        draft.facts["step"] = step
    for older in _states(work)[:-KEPT]:
        shutil.rmtree(older)


def load_state(work: Path, model: LlamaForCausalLM, optimizer: Optimizer) -> int:
    """Restore the newest whole state in place; returns its finished steps, 0 if there is none."""
    for folder in reversed(_states(work)):
        try:
            facts = verify(folder).facts
        except GrowmergeError as error:
            logger.warning("ignoring a damaged training state: %s", error)
            continue
        _restore(load_file(folder / TENSORS), model, optimizer)
        return int(facts["step"])
    return 0


def _restore(tensors: dict[str, torch.Tensor], model: LlamaForCausalLM, optimizer: Optimizer) -> None:
    names = dict(model.named_parameters())
    moments: dict[str, dict[str, torch.Tensor]] = {name: {} for name in names}
    for key, tensor in tensors.items():
        kind, name = key.split("/", 1)
        if kind == "weight":
            names[name].data.copy_(tensor)
        else:
            moments[name][kind] = tensor
    state = optimizer.state_dict()
    order = [name for group in optimizer.param_groups for name in _names_of(group["params"], names)]
    state["state"] = {i: moments[name] for i, name in enumerate(order)}
    optimizer.load_state_dict(state)


def _names_of(parameters: list[torch.nn.Parameter], names: dict[str, torch.nn.Parameter]) -> list[str]:
    by_parameter = {parameter: name for name, parameter in names.items()}
    return [by_parameter[parameter] for parameter in parameters]


def _states(work: Path) -> list[Path]:
    return sorted(work.glob("state-*"))
