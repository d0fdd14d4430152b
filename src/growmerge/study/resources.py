"""What a job asks for, as functions of the model's size, its work and the attempt."""

from __future__ import annotations

from growmerge import ids
from growmerge.config import Study
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs
from growmerge.study.flops import parameters
from growmerge.study.grid import Model

PROCESS = 3000  # MB: Python with torch and transformers, and batches
DAY = 1440  # minutes
NODE_GPUS = (1, 2, 4, 8)
# So many merges of a combination are made from one reading of its members, and wait in memory to be scored.
MERGES_AT_ONCE = 5
MERGED_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4}  # of a merged parameter, by `merging.dtype`
MARGIN = 1.5  # of a training's run time: slower data, saved states, a busy file system


def training_gpus(costs: Costs, model_id: str) -> int:
    """The fewest GPUs of a node (1, 2, 4 or 8) that train a model within a day; 1 where its tokens are not known."""
    minutes = gpu_minutes(costs, model_id) or 0
    return next((gpus for gpus in NODE_GPUS if minutes <= gpus * DAY), NODE_GPUS[-1])


def training_minutes(costs: Costs, model_id: str, attempt: int) -> int:
    """Minutes that a training takes on `training_gpus`, with a margin; a day where its tokens are not known.

    More at every attempt. A profile caps this at what its cluster allows; what is cut off resumes.
    """
    minutes = gpu_minutes(costs, model_id)
    if minutes is None:
        return escalate(DAY, attempt)
    return escalate(30 + round(MARGIN * minutes / training_gpus(costs, model_id)), attempt)


def gpu_minutes(costs: Costs, model_id: str) -> float | None:
    """Minutes on one GPU as the plan's `peak_tflops` and `utilisation` have it; None where tokens are not known."""
    plan = costs.grid.study.plan
    try:
        flops = costs.flops(model_id, costs.steps(model_id))
    except GrowmergeError:
        return None
    return flops / (plan.peak_tflops * 1e12 * plan.utilisation) / 60


def training_memory(costs: Costs, model_id: str, attempt: int) -> int:
    """MB: weights, gradients and two moments in fp32, half as much again, and a process with weights for every GPU."""
    millions = costs.parameters(costs.grid.model(model_id).width) / 1e6
    processes = training_gpus(costs, model_id) * (PROCESS + 4 * millions)
    return escalate(round(processes + 1.5 * 16 * millions), attempt)


def inference_memory(study: Study, width: int, models: int, attempt: int) -> int:
    """MB: so many models in fp32, and the process; more at every attempt."""
    millions = parameters(study.architecture, study.tokenizer.vocab_size, width) / 1e6
    return escalate(PROCESS + round(models * 4 * millions), attempt)


def merging_memory(study: Study, width: int, attempt: int) -> int:
    """MB: the merges that wait to be scored, and three models in fp32; more at every attempt.

    One of the three is the model that is scored, two are room for the tensors that are read and merged.
    """
    millions = parameters(study.architecture, study.tokenizer.vocab_size, width) / 1e6
    held = MERGES_AT_ONCE * MERGED_BYTES[study.merging.dtype]
    return escalate(PROCESS + round((3 * 4 + held) * millions), attempt)


def scoring_minutes(translates: bool, attempt: int) -> int:
    """Minutes to score a model, which takes longer if it also `translates`; more at every attempt."""
    return escalate(90 if translates else 30, attempt)


def ensemble_memory(study: Study, ensemble: Model, attempt: int) -> int:
    """MB: all models of an ensemble in fp32, and as much as two more for their probabilities; more at every attempt."""
    return inference_memory(study, ensemble.width, len(ensemble.parents) + 2, attempt)


def ensemble_minutes(ensemble: Model, attempt: int) -> int:
    """Minutes to score an ensemble, as long as its models one after another; more at every attempt."""
    return len(ensemble.parents) * scoring_minutes(False, attempt)


def tuning_memory(study: Study, width: int, combination: str, attempt: int) -> int:
    """MB to fit the coefficients of a merge, in fp32: each expert, its difference, base, merge and gradient, logits."""
    return inference_memory(study, width, 2 * len(ids.languages_of(combination)) + 6, attempt)


def merging_minutes(translates: bool, attempt: int) -> int:
    """Minutes to make and score all merges of a combination; more at every attempt.

    Merges that write without an end take the longest: minutes a language.
    """
    return escalate(480 if translates else 120, attempt)


def escalate(amount: int, attempt: int) -> int:
    """Twice and thrice as much at the second and third attempt; no more, as later ones are due to interruptions."""
    return amount * min(attempt, 3)
