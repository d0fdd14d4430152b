"""Sequences fit into the model; the schedule and the decay of weights make sense."""

from __future__ import annotations

from growmerge.config.problems import Problem
from growmerge.config.schema import Study
from growmerge.config.training import Training


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
    # Jobs read the whole configuration again, defaults and all.
    unused = training.muon_learning_rate != Training.model_fields["muon_learning_rate"].default
    if training.optimizer == "adamw" and unused:
        message = "training.optimizer is adamw, which does not use it; remove it, or set training.optimizer to muon"
        raise Problem("training.muon_learning_rate", training.muon_learning_rate, message)
    if training.optimizer == "muon" and training.layer_scale is not None:
        message = "training.optimizer is muon, which moves these matrices at muon_learning_rate; remove one of the two"
        raise Problem("training.layer_scale", training.layer_scale, message)
    for key in ("learning_rate", *(["muon_learning_rate"] if training.optimizer == "muon" else [])):
        rate: float = getattr(training, key)
        if rate * training.weight_decay >= 1:
            message = f"with a {key} of {rate}, each step would take all of a weight away"
            raise Problem("training.weight_decay", training.weight_decay, message)
