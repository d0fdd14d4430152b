"""The fitted coefficients of a merge as an artifact: made once, so that the merge itself stays deterministic."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from growmerge.artifacts import digest_of, publish, read_manifest, verify
from growmerge.benchmarks.items import ITEMS, read_items
from growmerge.catalogue.merge_registry import merge_methods
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.encode import encode_items
from growmerge.evaluation.engine import max_positions
from growmerge.merging.blocks import workers
from growmerge.merging.fit_state import FitState
from growmerge.merging.inputs import Inputs
from growmerge.merging.merge import merge_in_memory
from growmerge.merging.recipe import Recipe
from growmerge.merging.tuning import Fit, Text, Tunable, fit
from growmerge.models.checkpoints import load_checkpoint
from growmerge.study.merge_params import method_params
from growmerge.study.tuning import tuning_parameters

COEFFICIENTS = "coefficients.json"

logger = logging.getLogger(__name__)


def tune_coefficients(recipe: Recipe, texts: Mapping[str, Path], folder: Path, work: Path) -> None:
    """Fit the coefficients of the merge `recipe` to `texts` (language -> artifact of items), and publish them.

    If the method has another one for the embedding, the embedding is merged first and stays as it is during the fit.
    coefficients.json maps the names of tensors to {language: coefficient}. The manifest says how they were fitted, the
    bits per byte of each language's text before and after, and the `tokens` of all steps together. The same inputs give
    the same bytes on one machine. An unfinished fit is kept in `work`, from which the next call with the same inputs
    and method goes on; the folder is removed at the end.

    Raises GrowmergeError for models that are damaged or do not fit together, and for a text that is too long for them.
    """
    start = time.monotonic()
    how = _fit_of(recipe)
    with workers() as crew:
        models = Inputs(recipe.checkpoints, crew)
        others = [name for name in models.shapes if recipe.of_tensor(name) is not recipe]
        # The fit reads all members in fp32, however they are stored.
        of_others = replace(recipe.of_embedding, mixed_dtypes=True)
        fixed = merge_in_memory({"": of_others}, models, crew, others)[""] if others else {}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_checkpoint(recipe.base, device=device)
    read = {code: _read(texts[code], code, recipe.members[code], max_positions(model)) for code in recipe.languages}

    def tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
        return dict(load_checkpoint(checkpoint, device=device).named_parameters())

    with torch.no_grad():
        base = {name: weight.clone() for name, weight in model.named_parameters()}  # the fit changes the model
        experts = {code: tensors(recipe.members[code]) for code in recipe.languages}
        tunable = Tunable(model, base, experts, fixed)
    del base, experts
    read_by_others = [part.of_statistics for part in recipe.parts[1:]]
    statistics = [path for found in read_by_others for folders in found.values() for path in folders.values()]
    inputs = [*recipe.checkpoints, *(texts[code] for code in recipe.languages), *statistics]
    config = {"method": method_params(recipe.method, merge_methods(recipe.modules)), **asdict(how)}
    state = FitState(work, digest_of({"inputs": [read_manifest(path).digest for path in inputs], "config": config}))
    with publish(folder, inputs=inputs, config=config, since=start) as draft:
        tunable.merge(tunable.equal())
        before = tunable.bits_per_byte(read)
        coefficients = fit(tunable, read, how, state)
        after = tunable.bits_per_byte(read)
        by_tensor = {
            name: dict(zip(tunable.languages, of_tensor, strict=True))
            for name, of_tensor in zip(tunable.names, coefficients.tolist(), strict=True)
        }
        (draft.folder / COEFFICIENTS).write_text(json.dumps(by_tensor, indent=1) + "\n", encoding="utf-8")
        draft.facts |= {
            "bits_per_byte": {"before": before, "after": after},
            "tokens": tunable.tokens,
            "texts": {code: len(of_language) for code, of_language in read.items()},
            "device": device,
        }
    state.remove()
    means = [sum(found.values()) / len(found) for found in (before, after)]
    logger.info("%d steps: bits per byte of the tuning text %.4f, before %.4f", how.steps, means[1], means[0])


def read_coefficients(folder: Path, tensor: str) -> dict[str, float]:
    """The coefficients of a tensor, by language. Raises GrowmergeError if none were fitted for it."""
    by_tensor: dict[str, dict[str, float]] = json.loads((folder / COEFFICIENTS).read_text(encoding="utf-8"))
    if tensor not in by_tensor:
        raise GrowmergeError(
            f"{folder / COEFFICIENTS}: has no coefficients of tensor {tensor}; remove {folder} and rerun"
        )
    return by_tensor[tensor]


def _fit_of(recipe: Recipe) -> Fit:
    """How the method is configured to be fitted."""
    how = tuning_parameters(recipe.method, recipe.registered)
    return Fit(int(how["steps"]), how["learning_rate"], int(how["texts"]), recipe.seed)


def _read(folder: Path, code: str, model: Path, positions: int) -> Sequence[Text]:
    """The tuning text of a language, in the tokens of its model."""
    verify(folder)
    items = read_items(folder / ITEMS)
    tokenizer, begin, _ = load_tokenizer(model)
    requests = encode_items(tokenizer, {("tuning", code): items}, bos_id=begin).requests
    for item, request in zip(items, requests, strict=True):
        if excess := request.excess(positions):
            raise GrowmergeError(
                f"{folder / ITEMS}: text {item.id!r} is {excess} tokens longer than the models' {positions} positions; "
                "lower `piece_bytes` of the benchmark of bits per byte"
            )
    return [Text(request, len(item.candidates[0].encode())) for item, request in zip(items, requests, strict=True)]
