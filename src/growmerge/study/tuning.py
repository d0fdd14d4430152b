"""How the coefficients of a merge are fitted to text, as its method is configured. Pure: rules and plans need it."""

from __future__ import annotations

import inspect

from growmerge.catalogue.merge_methods import TUNED
from growmerge.catalogue.merge_registry import MergeMethod
from growmerge.config import Study
from growmerge.config.merging import Method
from growmerge.study.flops import training_flops

TEXT_TOKENS = 40  # of a held-out text or a sentence of some twenty words


def tuning_parameters(method: Method, registered: MergeMethod) -> dict[str, float]:
    """The parameters of a method that asks for coefficients; what is not configured, its function's signature says."""
    signature = inspect.signature(registered.function).parameters
    found = {name: method.parameters.get(name, signature[name].default) for name in TUNED}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def tuning_texts(how: dict[str, float], languages: int) -> int:
    """How many texts a fit with these parameters passes through: at every step some of each language."""
    return round(how["steps"] * how["texts"]) * languages


def tuning_flops(study: Study, width: int, texts: int) -> float:
    """FLOPs of a fit on so many texts of `TEXT_TOKENS`: forward and backward."""
    return training_flops(study.architecture, study.tokenizer.vocab_size, width, texts, TEXT_TOKENS)
