"""A summary of scores in the layout of lm-evaluation-harness's results files, for the tools that read those."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import pandas as pd

from growmerge.artifacts import provenance
from growmerge.evaluation.benchmarks.entry import Normalisation
from growmerge.evaluation.outcomes import normalised, outcomes

# The harness's names for the share of right items by summed log-probability and by that per character, and ours beside.
_ACCURACIES: dict[str, Normalisation] = {"acc": "sum", "acc_norm": "character", "acc_token": "token"}
# Of cells with one candidate: the mean of what a sentence costs, in nats.
_COSTS: dict[str, Normalisation] = {"nll": "sum", "nll_character": "character", "nll_token": "token"}


def harness_results(
    scores: pd.DataFrame,
    *,
    model_name: str,
    configs: Mapping[tuple[str, str], Mapping[str, Any]],
    few_shot: Mapping[tuple[str, str], int],
    version: int,
    seconds: float,
) -> dict[str, Any]:
    """The results file of lm_eval 0.4.13 (`EvalResults` in its result_schema.py) for rows of a score table.

    A task is named benchmark_language; `configs` and `few_shot` say about cells (benchmark, language) what the harness
    says about tasks. A cell whose items have several candidates gets accuracies, another the mean negative
    log-likelihood (nll), each with its standard error; `ties` and `cut` are shares of items. There is no filter but
    "none", and there are no groups.
    """
    tasks = {f"{benchmark}_{language}": (benchmark, language) for benchmark, language in configs}
    cells = dict(list(scores.groupby(["benchmark", "language"], sort=False)))
    about = provenance()
    results = {task: _metrics(task, cells[cell]) for task, cell in tasks.items()}
    counts = {task: {"original": n, "effective": n} for task in tasks if (n := results[task]["sample_len"])}
    return {
        "results": results,
        "group_subtasks": {task: [] for task in tasks},
        "configs": {task: {"task": task, **configs[cell]} for task, cell in tasks.items()},
        "versions": dict.fromkeys(tasks, version),
        "n-shot": {task: few_shot[cell] for task, cell in tasks.items() if cell in few_shot},
        "higher_is_better": {task: _directions(results[task]) for task in tasks},
        "n-samples": counts,
        "config": {"model": "growmerge", "model_args": {"pretrained": model_name}},
        "git_hash": about["commit"],
        "date": time.time(),
        "transformers_version": about["versions"].get("transformers"),
        "model_source": "growmerge",
        "model_name": model_name,
        "model_name_sanitized": model_name.replace("/", "__"),
        "total_evaluation_time_seconds": str(seconds),
    }


def _metrics(task: str, rows: pd.DataFrame) -> dict[str, Any]:
    """What the harness says of a task: {"metric,filter": mean, "metric_stderr,filter": its standard error}."""
    items = rows["item"].nunique()
    metrics: dict[str, Any] = {"name": task, "alias": task, "sample_len": items}
    if len(rows) == items:
        for name, by in _COSTS.items():
            metrics |= _mean(name, -normalised(rows, by))
    else:
        for name, by in _ACCURACIES.items():
            metrics |= _mean(name, outcomes(rows, by)["right"].astype(float))
        metrics["ties,none"] = float(outcomes(rows)["tie"].mean())
    metrics["cut,none"] = float((rows.groupby("item")["cut"].max() > 0).mean())
    return metrics


def _mean(name: str, values: pd.Series) -> dict[str, float | str]:
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else "N/A"
    return {f"{name},none": float(values.mean()), f"{name}_stderr,none": error}


def _directions(metrics: Mapping[str, Any]) -> dict[str, bool]:
    names = {key.split(",")[0] for key in metrics if "," in key}
    return {name: name in _ACCURACIES for name in sorted(names) if not name.endswith("_stderr")}
