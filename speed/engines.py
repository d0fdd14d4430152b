"""Ways to train the same model on the same batches: ours, ours with other heads, transformers' Trainer, a bare loop.

For training.py and training_gpu.py. Each returns when every optimizer step ended, and the trained model.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from heads import LigerGradient, TorchGradient
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset
from transformers import LlamaForCausalLM, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from growmerge.artifacts import publish
from growmerge.config.models import Architecture
from growmerge.config.training import Training
from growmerge.data.mixture import Mixture
from growmerge.data.shards import SCHEMA, TOKENS, TokenCorpus
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.flops import training_flops
from growmerge.study.phases import Component, Phase
from growmerge.study.schedule import schedule
from growmerge.training.batches import sequences
from growmerge.training.loop import Run, Settings
from growmerge.training.ranks import Ranks


@dataclass
class Measured:
    """One run: the model it trains, when each step ended (seconds), and how many sequences went at a time at last."""

    model: LlamaForCausalLM
    ends: list[float] = field(default_factory=list)
    micro_batch: int | None = None

    def seconds(self, skip: int) -> list[float]:
        """Duration of every step after the first `skip` (compilation, first allocations)."""
        return np.diff(self.ends)[max(0, skip - 1) :].tolist()


@dataclass(frozen=True)
class Setting:
    """What is trained: a shape, a batch, so many steps, on synthetic text."""

    architecture: Architecture
    vocabulary: int
    training: Training
    steps: int
    device: torch.device
    folder: Path

    def model(self) -> LlamaForCausalLM:
        """The same random model every time."""
        model = initialise(llama_config(self.architecture, self.vocabulary, 0, 0), 0)
        torch.nn.Module.to(model, self.device)  # transformers' wrapper of it has lost the types
        return model.train()

    def mixture(self) -> tuple[Mixture, dict[str, TokenCorpus]]:
        """Our order of a corpus of random tokens, long enough for one epoch, drawn once."""
        t, shard = self.training, self.folder / "tokens/text/1-of-1"
        count = self.steps * t.batch_sequences
        if not shard.exists():
            tokens = np.random.default_rng(0).zipf(1.3, count * t.sequence_length + 1) % self.vocabulary
            with publish(shard) as draft:
                with pa.ipc.new_file(str(draft.folder / TOKENS), SCHEMA) as writer:
                    writer.write_batch(pa.record_batch([pa.array(tokens.astype(np.uint32))], schema=SCHEMA))
                draft.facts |= {"tokens": len(tokens), "documents": 1}
        corpora = {"text": TokenCorpus([shard], t.sequence_length)}
        return Mixture([Phase((Component("text"),))], {"text": len(corpora["text"])}, 1, t.batch_sequences), corpora

    def flops(self, steps: int) -> float:
        """As the log counts them (growmerge.study.flops)."""
        t = self.training
        return training_flops(self.architecture, self.vocabulary, 1, steps * t.batch_sequences, t.sequence_length)


class TimedRun(Run):
    """Our loop; notes the time after every step."""

    measured: Measured

    def _keep(self, done: int) -> None:
        super()._keep(done)
        _now(self.measured, self.ranks.device)


class LigerRun(TimedRun):
    """The same loop with liger-kernel's head."""

    gradient_type = LigerGradient


class TorchRun(TimedRun):
    """The same loop with torch's head."""

    gradient_type = TorchGradient


def liger(setting: Setting) -> Measured:
    """This repository's loop with liger-kernel's fused head and cross-entropy."""
    return ours(setting, LigerRun)


def torchs(setting: Setting) -> Measured:
    """This repository's loop with torch's chunked `linear_cross_entropy`."""
    return ours(setting, TorchRun)


def ours(setting: Setting, kind: type[TimedRun] = TimedRun) -> Measured:
    """This repository's loop, logging as configured."""
    mixture, corpora = setting.mixture()
    settings = Settings(
        mixture=mixture,
        corpora=corpora,
        training=setting.training,
        schedule=schedule(setting.training, setting.steps),
        width=1,
        flops_per_step=setting.flops(1),
        work=setting.folder / f"ours-{random.getrandbits(64):x}",
        save_checkpoint=lambda step: None,
    )
    run = kind(setting.model(), settings, Ranks(setting.device))
    run.measured = Measured(run.model)
    run.run()
    run.measured.micro_batch = run.micro_batch
    return run.measured


def bare(setting: Setting) -> Measured:
    """What anyone would write: whole logits, batches that are already in memory, nothing logged or saved."""
    t, model = setting.training, setting.model()
    measured, batches = Measured(model), list(_batches(setting))
    plan = schedule(t, setting.steps)
    optimizer = torch.optim.AdamW(
        model.parameters(), t.learning_rate, (t.beta1, t.beta2), t.eps, t.weight_decay, fused=True
    )
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate(step)
        optimizer.zero_grad()
        for part in batch.split(t.micro_batch_sequences):
            tokens = part.to(setting.device)
            with torch.autocast(setting.device.type, torch.bfloat16, enabled=t.precision == "bf16"):
                logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())
            (loss * len(part) / len(batch)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), t.gradient_clip)
        optimizer.step()
        _now(measured, setting.device)
    return measured


def trainer(setting: Setting, **flags: Any) -> Measured:
    """transformers' Trainer on the same batches, with the same optimizer and schedule."""
    t, measured = setting.training, Measured(setting.model())
    plan = schedule(t, setting.steps)
    arguments = TrainingArguments(
        output_dir=str(setting.folder / "trainer"),
        max_steps=setting.steps,
        per_device_train_batch_size=t.micro_batch_sequences,
        gradient_accumulation_steps=t.batch_sequences // t.micro_batch_sequences,
        learning_rate=t.learning_rate,
        adam_beta1=t.beta1,
        adam_beta2=t.beta2,
        adam_epsilon=t.eps,
        weight_decay=t.weight_decay,
        max_grad_norm=t.gradient_clip,
        optim="adamw_torch_fused",
        logging_steps=t.log_every,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=setting.device.type == "cpu",
        bf16=t.precision == "bf16",
        remove_unused_columns=False,
        **flags,
    )

    class Clock(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            _now(measured, setting.device)

    class Alike(Trainer):
        def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LambdaLR:
            shares = [plan.learning_rate(min(step, plan.steps - 1)) / plan.peak for step in range(plan.steps + 1)]
            optimizer = optimizer or self.optimizer
            assert optimizer is not None, "the Trainer makes it first"
            self.lr_scheduler = LambdaLR(optimizer, shares.__getitem__)
            return self.lr_scheduler

        def get_train_dataloader(self) -> DataLoader:
            return self.accelerator.prepare(
                DataLoader(data, batch_size=t.micro_batch_sequences, pin_memory=not arguments.use_cpu)
            )

    data = Sequences(setting)
    loop = Alike(model=measured.model, args=arguments, train_dataset=data, callbacks=[Clock()])
    loop.remove_callback(PrinterCallback)
    loop.train()
    return measured


class Sequences(Dataset):
    """Our order of the sequences as a dataset of inputs and targets."""

    def __init__(self, setting: Setting) -> None:
        self._rows = torch.cat(list(_batches(setting)))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        inputs, targets = self._rows[index, :-1], self._rows[index, 1:]
        return {"input_ids": inputs, "labels": targets, "shift_labels": targets}


def _batches(setting: Setting) -> Iterator[torch.Tensor]:
    mixture, corpora = setting.mixture()
    batch = setting.training.batch_sequences
    for step in range(setting.steps):
        yield sequences(mixture, corpora, range(step * batch, (step + 1) * batch))


def _now(measured: Measured, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    measured.ends.append(time.perf_counter())
