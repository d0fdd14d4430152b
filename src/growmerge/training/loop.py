"""The training loop: steps over a mixture with AdamW or Muon, a log, saved states and a clean end when asked for.

Our own rather than transformers' Trainer: the order of the data is a function of (seed, step), so resuming needs no
replaying of a data loader, on any number of ranks; see docs/notebook.md for what was measured.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from growmerge.allocator import KEPT_IN_TRAINING, keep_freed_memory
from growmerge.artifacts import TRAINING_LOG
from growmerge.config.training import Training
from growmerge.data.mixture import Mixture
from growmerge.data.shards import TokenCorpus
from growmerge.errors import GrowmergeError
from growmerge.models.asymmetry import block_asymmetry
from growmerge.models.memory import is_out_of_memory
from growmerge.study.schedule import Schedule
from growmerge.training.batches import read_ahead, sequences
from growmerge.training.gradient import Gradient, is_compilation_failure
from growmerge.training.hardware import bf16_peak, peak_memory_mb
from growmerge.training.log import Entry, Spikes, TrainingLog
from growmerge.training.nonfinite import where_not_finite
from growmerge.training.optimizer import make_optimizer, set_learning_rate, unfold_gradient
from growmerge.training.ranks import Ranks
from growmerge.training.state import newest_state, restore_state, save_state
from growmerge.training.stopping import AGAIN, Diverged, StopRequest, mark_diverged, stop_on_signal

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do, and where its traces go."""

    mixture: Mixture
    corpora: Mapping[str, TokenCorpus]
    training: Training
    schedule: Schedule
    width: int
    flops_per_step: float
    work: Path
    save_checkpoint: Callable[[int], None]
    tensorboard: Path | None = None


class Run:
    """One training run of a model, on all ranks alike; the first of them writes.

    After `run`: `micro_batch` (sequences in a forward pass), `halved` (how often it was, for want of memory), and on
    the first rank `loss` (of the last step: mean cross-entropy of a token, in nats) and `spikes` (their number).
    """

    gradient_type = Gradient  # scripts in speed/ put others in its place

    def __init__(self, model: LlamaForCausalLM, settings: Settings, ranks: Ranks) -> None:
        t = settings.training
        self.model, self.settings, self.ranks = model, settings, ranks
        self.micro_batch, self.halved = max(1, t.micro_batch_sequences // settings.width), 0
        self.loss, self.spikes = math.nan, 0
        if ranks.device.type == "cpu":
            keep_freed_memory(KEPT_IN_TRAINING)
        self._optimizer = make_optimizer(model, t, settings.width)
        compiled = t.compile if t.compile is not None else ranks.device.type == "cuda"
        self._gradient = self.gradient_type(model, t.precision, compiled)
        self._share = ranks.share(t.batch_sequences)
        self._stop = StopRequest()
        self._saved, self._saved_at = 0, time.monotonic()

    @property
    def tokens_per_step(self) -> int:
        """Target tokens of an optimizer step."""
        return self.settings.training.batch_sequences * self.settings.training.sequence_length

    def run(self) -> None:
        """Train to the end.

        Resumes from the newest whole state; a resumed run on a CPU ends with the same bits as one that was never
        interrupted, if the number of ranks is the same. SIGTERM, SIGUSR1, SIGINT or SIGHUP to any rank (a time limit,
        a preemption, Ctrl-C, a closed terminal): gives up the step it is in, saves the state and exits with status 75.
        Raises Diverged on a loss or gradient that is not finite, before the optimizer step, and GrowmergeError if even
        single sequences do not fit into memory.
        """
        s = self.settings
        first = self._resume()
        steps = range(first, s.schedule.steps)
        with ExitStack() as stack:
            log = stack.enter_context(closing(self._open_log(first))) if self.ranks.first else None
            batches = stack.enter_context(closing(read_ahead(self._batch, steps)))
            self._stop = stack.enter_context(stop_on_signal())
            for step, batch in zip(steps, batches, strict=True):
                rate = s.schedule.learning_rate(step)
                set_learning_rate(self._optimizer, rate)
                loss, norm = self._accumulate(step, batch)
                self._optimizer.step()
                if log:
                    self._write(log, {"step": step + 1, "loss": loss, "learning_rate": rate, "gradient_norm": norm})
                    self._keep(step + 1)
            if log:
                self.loss, self.spikes = log.last_loss, log.spikes

    def _resume(self) -> int:
        folder = self.ranks.from_first(newest_state(self.settings.work) if self.ranks.first else None)
        if folder is None:
            return 0
        self._saved = restore_state(folder, self.model, self._optimizer)
        logger.info("resuming after step %d", self._saved)
        return self._saved

    def _batch(self, step: int) -> torch.Tensor:
        start = step * self.settings.training.batch_sequences
        positions = range(start + self._share.start, start + self._share.stop)
        batch = sequences(self.settings.mixture, self.settings.corpora, positions)
        if self.ranks.device.type != "cuda":
            return batch
        with torch.cuda.device(self.ranks.device):  # a thread starts with device 0, and would open it for every rank
            return batch.pin_memory()

    def _accumulate(self, step: int, batch: torch.Tensor) -> tuple[float, float]:
        """Gradients of the mean loss over the global batch, clipped; (loss, gradient norm before clipping)."""
        while True:
            own_loss, full = self._accumulate_share(batch)
            loss, stop, full_ranks = self.ranks.add_up([own_loss, bool(self._stop), full])
            if stop:
                self._leave(step)
            if not full_ranks:
                break
            self._halve(step)
        self.ranks.add_up_gradients(self.model.parameters())
        unfold_gradient(self.model, self.settings.width)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.training.gradient_clip).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._diverge(step, batch, f"the loss is {loss} and the gradient norm {norm}")
        return loss, norm

    def _accumulate_share(self, batch: torch.Tensor) -> tuple[float, bool]:
        """This rank's part of the loss, and whether the memory was too small. A request to stop cuts it short."""
        self._optimizer.zero_grad()
        total = torch.zeros((), device=self.ranks.device)
        try:
            for start in range(0, len(batch), self.micro_batch):
                if self._stop:
                    break
                part = batch[start : start + self.micro_batch].to(self.ranks.device, non_blocking=True)
                total += self._gradient.add(part, self.tokens_per_step)
            return total.item(), False
        except Exception as error:
            if is_out_of_memory(error):
                return 0.0, True
            if is_compilation_failure(error):
                raise GrowmergeError(
                    f"torch.compile failed: {str(error).strip().splitlines()[0]}. It needs a C++ compiler, and Triton "
                    "on a GPU; or set training.compile to false"
                ) from error
            raise

    def _halve(self, step: int) -> None:
        if self.micro_batch == 1:
            raise GrowmergeError(
                f"step {step + 1}: out of memory even with one sequence at a time. Use a device (or a memory limit) "
                f"with more memory, or a smaller training.sequence_length ({self.settings.training.sequence_length})"
            )
        self.micro_batch //= 2
        self.halved += 1
        if self.ranks.device.type == "cuda":
            torch.cuda.empty_cache()
        text = "step %d: out of memory; going on with %d sequences at a time, the batch stays the same"
        logger.warning(text, step + 1, self.micro_batch)

    def _diverge(self, step: int, batch: torch.Tensor, what: str) -> None:
        t = self.settings.training
        first = step * t.batch_sequences + self._share.start
        found = where_not_finite(self._gradient, batch.to(self.ranks.device), self.micro_batch, self.tokens_per_step)
        own = found and self.settings.mixture.span(first + found.start, first + found.stop)
        places = [
            f"on rank {rank} in sequences {', '.join(f'{corpus}:{index}' for corpus, index in names)}"
            for rank, names in enumerate(self.ranks.gather(own))
            if names
        ]
        message = (
            f"step {step + 1}: {what}; {' and '.join(places) or 'computed again, no sequence gives such a number'}. "
            f"Training stopped before this step; states before it are kept in {self.settings.work}. Lower "
            f"training.learning_rate ({t.learning_rate}) or lengthen the warm-up."
        )
        raise Diverged(mark_diverged(self.settings.work, message) if self.ranks.first else message)

    def _leave(self, step: int) -> None:
        if self.ranks.first and step > self._saved:
            self._save_state(step)
        self.ranks.from_first(step)  # nobody ends before: torchrun then leaves the others half a minute
        cause = self._stop.signal or "a signal to another rank"
        logger.info("interrupted by %s; the next attempt goes on after step %d", cause, step)
        raise SystemExit(AGAIN)

    def _keep(self, done: int) -> None:
        """Save what is due after so many finished steps."""
        t = self.settings.training
        if done == self.settings.schedule.steps:
            return
        if done % t.checkpoint_every == 0:
            self.settings.save_checkpoint(done)
        if done % t.state_every == 0 or time.monotonic() - self._saved_at >= 60 * t.state_minutes:
            self._save_state(done)

    def _save_state(self, done: int) -> None:
        save_state(self.settings.work, done, self.model, self._optimizer, self.settings.training.states_kept)
        self._saved, self._saved_at = done, time.monotonic()

    def _open_log(self, first: int) -> TrainingLog:
        self._spikes = Spikes()
        peak = bf16_peak(self.ranks.device) if self.settings.training.precision == "bf16" else None
        return TrainingLog(
            self.settings.work / TRAINING_LOG,
            first,
            self.settings.schedule.steps,
            tokens_per_step=self.tokens_per_step,
            flops_per_step=self.settings.flops_per_step,
            peak=peak and peak * self.ranks.size,
            tensorboard=self.settings.tensorboard,
        )

    def _write(self, log: TrainingLog, entry: Entry) -> None:
        done = entry["step"]
        if self._spikes.is_one(entry["loss"]):
            entry["spike"] = True
        elif not (done % self.settings.training.log_every == 0 or done in (1, self.settings.schedule.steps)):
            return
        entry["memory_mb"] = peak_memory_mb(self.ranks.device)
        if self.settings.width > 1:
            entry["block_asymmetry"] = block_asymmetry(self.model, self.settings.width)
        log.write(entry)
