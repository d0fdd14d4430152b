"""The ways that speed/scoring.py times: log-probabilities of minimal pairs, and whole evaluations of them.

Each is made in the process that it runs in, and made once there (`timed`).
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from growmerge.benchmarks.items import Item
from growmerge.data.tokenizer import load_tokenizer
from growmerge.evaluation.results import harness_results
from growmerge.evaluation.scorer import score_items
from growmerge.models.external import load_model

CELL = ("pairs", "eng")
# What is timed: numbers that it found for the pairs, the log-probability of each text or the accuracy alone.
Way = Callable[[list[Item]], list[float]]


def ours(model: PreTrainedModel, folder: Path) -> Way:
    """Rule score_model's log-probabilities."""
    tokenizer, begin, _ = load_tokenizer(folder)

    def score(items: list[Item]) -> list[float]:
        return score_items(model, tokenizer, {CELL: items}, bos_id=begin)["logprob"].to_pylist()

    return score


def our_evaluation(model: PreTrainedModel, folder: Path) -> Way:
    """Rule score_model's work, without files: log-probabilities, and all that results.json says, the accuracy too."""
    tokenizer, begin, _ = load_tokenizer(folder)

    def evaluate(items: list[Item]) -> list[float]:
        scores = score_items(model, tokenizer, {CELL: items}, bos_id=begin)
        about: dict[str, Any] = {"configs": {CELL: {}}, "few_shot": {}, "versions": {CELL: 0}, "seconds": 0.0}
        results = harness_results(scores.to_pandas(), model_name="model", **about)
        return [results["results"]["_".join(CELL)]["acc,none"]]

    return evaluate


def harness(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int) -> Way:
    """lm-evaluation-harness's model, given the requests of a task of minimal pairs."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch)

    def score(items: list[Item]) -> list[float]:
        texts = [text for item in items for text in item.candidates]
        requests = [Instance("loglikelihood", {}, ("", text), index) for index, text in enumerate(texts)]
        return [logprob for logprob, _ in lm.loglikelihood(requests, disable_tqdm=True)]

    return score


def harness_evaluation(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int) -> Way:
    """lm-evaluation-harness's own task of BLiMP, with these pairs in place of BLiMP's."""
    import lm_eval
    from datasets import Dataset
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch)
    template = (Path(lm_eval.__file__).parent / "tasks/blimp/_template_yaml").read_text(encoding="utf-8")
    settings = {key: value for key, value in yaml.safe_load(template).items() if key != "dataset_path"}
    settings["target_delimiter"] = ""  # the same texts for both: by default it puts a space before each sentence

    def evaluate(items: list[Item]) -> list[float]:
        right, wrong = zip(*(item.candidates for item in items), strict=True)
        data = {settings["validation_split"]: Dataset.from_dict({"sentence_good": right, "sentence_bad": wrong})}
        task = ConfigurableTask(config={**settings, "task": "pairs", "custom_dataset": lambda **_: data})
        with contextlib.redirect_stderr(io.StringIO()):  # its progress
            results = lm_eval.evaluate(lm, {"pairs": task}, log_samples=False)
        return [results["results"]["pairs"]["acc,none"]]

    return evaluate


def minicons(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int) -> Way:
    """minicons' scorer, in batches of sentences of similar length."""
    from minicons.scorer import IncrementalLMScorer

    scorer = IncrementalLMScorer(model, "cpu", tokenizer=tokenizer)

    def score(items: list[Item]) -> list[float]:
        texts = [text for item in items for text in item.candidates]
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        found = [0.0] * len(texts)
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            logprobs = scorer.sequence_score(
                [texts[index] for index in some], reduction=lambda logprob: logprob.sum().item(), bos_token=True
            )
            for index, logprob in zip(some, logprobs, strict=True):
                found[index] = logprob
        return found

    return score


OURS = "growmerge"
EVALUATION, LOGPROBS = "Evaluation", "Log-probabilities alone"
OTHERS = {EVALUATION: {"harness": harness_evaluation}, LOGPROBS: {"harness": harness, "minicons": minicons}}


def prepare(threads: int) -> None:
    """What every process does first."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(threads)


@cache
def _model(folder: Path) -> PreTrainedModel:
    return load_model(folder)


@cache
def _way(part: str, name: str, batch: int | None, folder: Path) -> Way:
    if batch is None:
        return {EVALUATION: our_evaluation, LOGPROBS: ours}[part](_model(folder), folder)
    return OTHERS[part][name](_model(folder), AutoTokenizer.from_pretrained(folder), batch)


def timed(part: str, name: str, batch: int | None, folder: Path, items: list[Item]) -> tuple[float, list[float]]:
    """Seconds of this process for these items, and what was found. Our engine (`OURS`) takes no batch."""
    score = _way(part, name, batch, folder)
    start = time.process_time()
    found = score(items)
    return time.process_time() - start, found
