"""Sequences fit into the model; the schedule and the decay of weights make sense."""

from __future__ import annotations

from growmerge.config.problems import Problem
from growmerge.config.schema import Study


def check_training(study: Study) -> None:
    """Raise Problem at the first fault."""
    longest, length = study.architecture.max_position_embeddings, study.training.sequence_length
    if length > longest:
        raise Problem(
            "training.sequence_length",
            length,
            f"is longer than architecture.max_position_embeddings, which is {longest}",
        )
    training = study.training
    if training.warmup_share + training.decay_share > 1:
        message = f"with a warmup_share of {training.warmup_share}, it is more than all steps"
        raise Problem("training.decay_share", training.decay_share, message)
    if training.learning_rate * training.weight_decay >= 1:
        message = f"with a learning_rate of {training.learning_rate}, each step would take all of a weight away"
        raise Problem("training.weight_decay", training.weight_decay, message)
