"""Sequences fit into the model."""

from __future__ import annotations

from growmerge.config.problems import Problem
from growmerge.config.schema import Study


def check_training(study: Study) -> None:
    """Raise Problem if a sequence is longer than the model's positions."""
    longest, length = study.architecture.max_position_embeddings, study.training.sequence_length
    if length > longest:
        raise Problem(
            "training.sequence_length",
            length,
            f"is longer than architecture.max_position_embeddings, which is {longest}",
        )
