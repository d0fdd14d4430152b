"""What a job asks for, as functions of the model's size and the attempt."""

from __future__ import annotations

from growmerge.config import Study
from growmerge.models.cost import parameters

PROCESS = 3000  # MB: Python with torch and transformers, and batches


def training_memory(study: Study, width: int, attempt: int) -> int:
    """MB: weights, gradients and two moments in fp32, half as much again, and the process; more at every attempt."""
    return attempt * (PROCESS + round(1.5 * 16 * _millions(study, width)))


def inference_memory(study: Study, width: int, models: int, attempt: int) -> int:
    """MB: so many models in fp32, and the process; more at every attempt."""
    return attempt * (PROCESS + round(models * 4 * _millions(study, width)))


def _millions(study: Study, width: int) -> float:
    return parameters(study.architecture, study.tokenizer.vocab_size, width) / 1e6
