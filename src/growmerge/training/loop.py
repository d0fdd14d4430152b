"""The training loop: steps over a mixture with AdamW, a log, saved states and a clean end on SIGTERM.

Our own rather than transformers' Trainer: the order of the data is a function of (seed, step), so resuming needs no
replaying of a data loader; see docs/notebook.md for what was measured.
"""

from __future__ import annotations

import json
import logging
import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import LlamaForCausalLM

from growmerge.config.schema import Training
from growmerge.data.mixture import Mixture
from growmerge.data.shards import TokenCorpus
from growmerge.errors import GrowmergeError
from growmerge.models.asymmetry import block_asymmetry
from growmerge.models.logits import rows_at_a_time
from growmerge.training.batches import micro_batches
from growmerge.training.schedule import Schedule
from growmerge.training.state import load_state, save_state

logger = logging.getLogger(__name__)
AGAIN = 75  # exit status EX_TEMPFAIL: interrupted, run it again and it resumes


@dataclass
class Run:
    """One training run and where its traces go."""

    model: LlamaForCausalLM
    mixture: Mixture
    corpora: Mapping[str, TokenCorpus]
    training: Training
    schedule: Schedule
    width: int
    work: Path
    save_checkpoint: Callable[[int], None]
    _stop: bool = field(default=False, init=False)

    def run(self) -> float:
        """Train to the end; returns the last logged loss.

        Resumes from the newest whole state in `work`; a resumed run on a CPU ends with the same bits as one that was
        never interrupted. SIGTERM (a time limit, a preemption): saves the state and exits with status 75.
        Raises GrowmergeError on a loss or gradient that is not finite, before the optimizer step.
        """
        optimizer = make_optimizer(self.model, self.training, self.width)
        first = load_state(self.work, self.model, optimizer)
        if first:
            logger.info("resuming after step %d", first)
        previous = signal.signal(signal.SIGTERM, self._on_signal)
        log = TrainingLog(self.work / "training_log.jsonl", first, self.schedule.steps, self.tokens_per_step)
        try:
            for step in range(first, self.schedule.steps):
                rate = self.schedule.learning_rate(step)
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["scale"]
                loss, norm = self._accumulate(step)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                self._after(step + 1, loss, rate, norm, log, optimizer)
        finally:
            signal.signal(signal.SIGTERM, previous)
        return log.last_loss

    @property
    def tokens_per_step(self) -> int:
        """Target tokens of an optimizer step."""
        return self.training.batch_sequences * self.training.sequence_length

    def _accumulate(self, step: int) -> tuple[float, float]:
        """Gradients of the mean loss over the global batch; (loss, gradient norm before clipping)."""
        t = self.training
        device = self.model.device
        total = torch.zeros((), device=device)
        for batch in micro_batches(
            self.mixture, self.corpora, step, t.batch_sequences, max(1, t.micro_batch_sequences // self.width)
        ):
            total += backward(self.model, batch.to(device, non_blocking=True), self.tokens_per_step, t.precision)
        unfold_gradient(self.model, self.width)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), t.gradient_clip)
        values = float(total), float(norm)
        if not all(map(math.isfinite, values)):
            raise GrowmergeError(
                f"step {step + 1}: the loss is {values[0]} and the gradient norm {values[1]}. Training stopped before "
                f"this step; the last good state is kept in {self.work}. Lower training.learning_rate "
                f"({t.learning_rate}) or lengthen the warm-up."
            )
        return values

    def _after(
        self, done: int, loss: float, rate: float, norm: float, log: TrainingLog, optimizer: torch.optim.Optimizer
    ) -> None:
        t, last = self.training, done == self.schedule.steps
        if done % t.log_every == 0 or last or done == 1:
            more = {"block_asymmetry": block_asymmetry(self.model, self.width)} if self.width > 1 else {}
            log.write({"step": done, "loss": loss, "learning_rate": rate, "gradient_norm": norm, **more})
        if last:
            return
        if done % t.checkpoint_every == 0:
            self.save_checkpoint(done)
        if done % t.state_every == 0 or self._stop:
            save_state(self.work, done, self.model, optimizer)
        if self._stop:
            logger.info("interrupted by SIGTERM; state saved after step %d, the next attempt resumes there", done)
            raise SystemExit(AGAIN)

    def _on_signal(self, *_: Any) -> None:
        self._stop = True


def backward(model: LlamaForCausalLM, batch: torch.Tensor, denominator: int, precision: str) -> torch.Tensor:
    """Accumulate the gradients of the summed cross-entropy of `batch` [sequences, length + 1] over `denominator`.

    Head and loss run in chunks, each with its backward pass: logits never stand in memory for a whole batch, and on a
    CPU they stay in its cache. Returns the loss, detached.
    """
    device = batch.device.type
    with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
        hidden = model.model(input_ids=batch[:, :-1], use_cache=False).last_hidden_state.flatten(0, 1)
    leaf = hidden.detach().requires_grad_()
    rows = rows_at_a_time(model.config.vocab_size, device)
    total = torch.zeros((), device=batch.device)
    for states, targets in zip(leaf.split(rows), batch[:, 1:].flatten().split(rows), strict=True):
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            logits = model.lm_head(states)
        loss = F.cross_entropy(logits.float(), targets, reduction="sum") / denominator
        loss.backward()
        total += loss.detach()
    hidden.backward(leaf.grad)
    return total


def fold_of(model: LlamaForCausalLM, width: int) -> int:
    """What HyperCloning by `width` has divided the final norm's weight by: 1 if head and embedding are untied."""
    return width if model.config.tie_word_embeddings else 1


def unfold_gradient(model: LlamaForCausalLM, width: int) -> None:
    """Give the final norm the gradient that it had if the logits were divided at run time, for clipping and Adam."""
    grad = model.model.norm.weight.grad
    assert grad is not None
    grad /= fold_of(model, width)


def make_optimizer(model: LlamaForCausalLM, training: Training, width: int) -> torch.optim.AdamW:
    """Fused AdamW; weight decay on every parameter, as in the published runs.

    HyperCloning folds 1/width into the final norm's weight of a tied model. That weight's learning rate is divided by
    the same number (and its decay multiplied), as its gradient is before clipping: training moves exactly as if the
    logits were divided at run time (Glocker et al. 2025, section 3.2).
    """
    fold = fold_of(model, width)
    final_norm = model.model.norm.weight
    rest = [parameter for parameter in model.parameters() if parameter is not final_norm]
    groups = [
        {"params": rest, "scale": 1.0, "weight_decay": training.weight_decay},
        {"params": [final_norm], "scale": 1.0 / fold, "weight_decay": training.weight_decay * fold},
    ]
    betas = (training.beta1, training.beta2)
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=betas, eps=training.eps, fused=True)


class TrainingLog:
    """One JSON line every few steps, and the same for people with the time left."""

    def __init__(self, path: Path, first: int, steps: int, tokens_per_step: int) -> None:
        """Continue the log of a resumed run: lines after its last saved step are dropped."""
        self._path, self._steps, self._tokens_per_step = path, steps, tokens_per_step
        self._first, self._start, self.last_loss = first, time.monotonic(), math.nan
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= first]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def write(self, entry: dict[str, Any]) -> None:
        """Log an entry that has at least step, loss and learning_rate."""
        done = entry["step"]
        speed = (done - self._first) * self._tokens_per_step / (time.monotonic() - self._start)
        entry |= {"tokens": done * self._tokens_per_step, "tokens_per_second": round(speed, 1)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        left = (self._steps - done) * self._tokens_per_step / speed
        self.last_loss = entry["loss"]
        logger.info(
            "step %d/%d  loss %.4f  lr %.2e  %s tokens/s  %d:%02d left",
            done, self._steps, entry["loss"], entry["learning_rate"], f"{speed:,.0f}", *divmod(round(left), 60),
        )  # fmt: skip
