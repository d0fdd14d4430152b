"""The state of an unfinished fit of coefficients: what a killed job goes on from.

Two jobs may fit the same at once, if one outlived its Snakemake. Each writes whole states of the same fit, and each can
go on from those of the other, so that they need no lease.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from growmerge.artifacts import digest_of, write_atomically

STATE = "state.json"
_MOMENTS = ("exp_avg", "exp_avg_sq")


class FitState:
    """The state in a work folder of the fit with this `identity`, a digest of all that shapes the coefficients.

    It is text, in which fp32 numbers are exact, and has some kilobytes.
    """

    def __init__(self, work: Path, identity: str) -> None:
        self._work = work
        self._identity = identity

    def save(self, tokens: int, coefficients: Tensor, optimizer: torch.optim.Adam) -> None:
        """Save the coefficients after a step, and the moments of Adam. `tokens`: so many were read until here."""
        adam = optimizer.state[coefficients]
        state = {"step": int(adam["step"]), "tokens": tokens, "coefficients": coefficients.tolist()}
        state |= {moment: adam[moment].tolist() for moment in _MOMENTS}
        write_atomically(self._work / STATE, json.dumps({"digest": self._digest(state), "state": state}))

    def restore(self, coefficients: Tensor, optimizer: torch.optim.Adam) -> tuple[int, int]:
        """Restore both in place. Returns how many steps are done and how many tokens were read.

        Without a state, or with one that is damaged or of another fit, nothing is restored, and both numbers are 0.
        """
        try:
            read = json.loads((self._work / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # ValueError: a damaged file
            return 0, 0
        state = read.get("state", {})
        if read.get("digest") != self._digest(state):
            return 0, 0
        coefficients.copy_(torch.tensor(state["coefficients"]))
        moments = {moment: torch.tensor(state[moment]) for moment in _MOMENTS}
        optimizer.state[coefficients] = {"step": torch.tensor(float(state["step"])), **moments}
        return state["step"], state["tokens"]

    def remove(self) -> None:
        """Remove the work folder, once the coefficients are published."""
        shutil.rmtree(self._work, ignore_errors=True)

    def _digest(self, state: dict[str, Any]) -> str:
        return digest_of([self._identity, state])
