"""A summary of scores in the layout of lm-evaluation-harness's results files, for the tools that read those.

    python -m growmerge.evaluation.results results/STUDY/scores/SETUP/COMBINATION/METHOD ...

writes it for merges that are not kept. The jobs that score them do not: thousands of merges would have thousands of
such files, which only repeat what the items say.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from growmerge.artifacts import read_manifest, verify, write_atomically
from growmerge.benchmarks.items import ITEMS, TRANSLATIONS
from growmerge.catalogue.entry import BITS_PER_BYTE, Normalisation
from growmerge.errors import GrowmergeError
from growmerge.evaluation.chrf import of_corpus, resampled, signature, stacked
from growmerge.evaluation.outcomes import bits_per_byte, normalised, outcomes
from growmerge.provenance import provenance

RESULTS = "results.json"
# The harness's names for the share of right items by summed log-probability and by that per character, and ours beside.
_ACCURACIES: dict[str, Normalisation] = {"acc": "sum", "acc_norm": "character", "acc_token": "token"}
# For cells with one candidate: the mean cost of a sentence, in nats.
_COSTS: dict[str, Normalisation] = {"nll": "sum", "nll_character": "character", "nll_token": "token"}
CHRF = "chrf++"  # the harness's name, too
_RESAMPLES = 1000  # for its standard error
_CELL = ("benchmark", "language")
_Cell = tuple[str, str]
_Metrics = dict[str, float | str]


def harness_results(
    scores: pd.DataFrame,
    translations: pd.DataFrame | None = None,
    *,
    model_name: str,
    configs: Mapping[tuple[str, str], Mapping[str, Any]],
    few_shot: Mapping[tuple[str, str], int],
    versions: Mapping[tuple[str, str], int],
    seconds: float,
) -> dict[str, Any]:
    """The results file of lm_eval 0.4.13 (`EvalResults` in its result_schema.py) for rows of score tables.

    A task is named benchmark_language; `configs`, `few_shot` and `versions` say about cells (benchmark, language) what
    the harness says about tasks. A cell of `scores` whose items have several candidates gets accuracies, another the
    mean negative log-likelihood (nll) and the bits per byte of all together; one of `translations` the chrF++ of the
    corpus. Each but bits per byte has its standard error, which is a bootstrap's for chrF++. `ties`, `cut`, `ended` and
    `lost_examples` are shares of items. There is no
    filter but "none", and there are no groups. What is no number is the harness's "N/A": all that rests on a
    log-probability which is NaN, and the standard error of one item.
    """
    tasks = {f"{benchmark}_{language}": (benchmark, language) for benchmark, language in configs}
    metrics = _score_metrics(scores)
    if translations is not None:
        metrics |= {cell: _translation_metrics(rows) for cell, rows in translations.groupby(list(_CELL), sort=False)}
    about = provenance()
    results = {task: {"name": task, "alias": task, **metrics[cell]} for task, cell in tasks.items()}
    counts = {task: {"original": n, "effective": n} for task in tasks if (n := results[task]["sample_len"])}
    return {
        "results": results,
        "group_subtasks": {task: [] for task in tasks},
        "configs": {task: {"task": task, **configs[cell]} for task, cell in tasks.items()},
        "versions": {task: versions[cell] for task, cell in tasks.items()},
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


def results_of(
    frames: Sequence[pd.DataFrame],
    cells: Mapping[_Cell, Mapping[str, Any]],
    begin: str | None,
    few_shot: Mapping[_Cell, int],
    name: str,
    seconds: float,
) -> dict[str, Any]:
    """The results file of a score folder: `frames` are its items, and its translations if there are any.

    `cells` says what the rows of each cell depend on, as the manifest has it; `begin` is the token before every text.
    """
    about: dict[_Cell, dict[str, Any]] = {cell: {**identity, "begin": begin} for cell, identity in cells.items()}
    about |= {cell: {**of_cell, "signature": signature()} for cell, of_cell in about.items() if "generator" in of_cell}
    return harness_results(
        *frames,
        model_name=name,
        configs={cell: {"dataset_path": cell[0], "dataset_name": cell[1], "metadata": about[cell]} for cell in cells},
        few_shot=few_shot,
        versions={cell: identity.get("generator", identity.get("scorer")) for cell, identity in cells.items()},
        seconds=seconds,
    )


def results_text(results: Mapping[str, Any]) -> str:
    """A results file as JSON."""
    return json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_results(folder: Path) -> None:
    """Write the results file of finished scores next to them; the scores and their manifest stay as they are.

    A results file that the manifest has stays, too: another date would make the scores look damaged. Raises
    GrowmergeError if the scores are damaged or absent.
    """
    if RESULTS not in verify(folder).files:
        write_atomically(folder / RESULTS, results_text(results_from(folder)))


def results_from(folder: Path) -> dict[str, Any]:
    """The results file of finished scores. Raises GrowmergeError if they are damaged or absent."""
    manifest = verify(folder)
    cells = {_cell(key): identity for key, identity in manifest.facts["cells"].items()}
    benchmarks = {digest: Path(source) for source, digest in manifest.inputs.items() if Path(source).exists()}
    facts = {
        cell: read_manifest(benchmarks[identity["benchmark"]]).facts
        for cell, identity in cells.items()
        if identity["benchmark"] in benchmarks
    }
    few_shot = {cell: of_cell["few_shot"] for cell, of_cell in facts.items() if "few_shot" in of_cell}
    frames = [pd.read_parquet(folder / name) for name in (ITEMS, TRANSLATIONS) if name in manifest.files]
    name, seconds = "/".join(folder.parts[-2:]), manifest.provenance.get("wall_seconds", 0.0)
    return results_of(frames, cells, manifest.facts["begin"], few_shot, name, seconds)


def _cell(key: str) -> _Cell:
    benchmark, language = key.split("/")
    return benchmark, language


def read_metrics(folder: Path) -> dict[_Cell, _Metrics]:
    """What the results file of scores says of each cell, or would say: "sample_len" and {metric: number or "N/A"}."""
    path = folder / RESULTS
    said = json.loads(path.read_text(encoding="utf-8")) if path.exists() else results_from(folder)
    return {
        (about["dataset_path"], about["dataset_name"]): {
            key.removesuffix(",none"): value for key, value in said["results"][task].items()
        }
        for task, about in said["configs"].items()
    }


def _score_metrics(scores: pd.DataFrame) -> dict[_Cell, _Metrics]:
    """What the harness says of each task: {"metric,filter": mean, "metric_stderr,filter": its standard error}.

    Of all cells at once: pandas takes as long for few rows as for many.
    """
    cut = scores.groupby([*_CELL, "item"])["cut"].max() > 0
    metrics: dict[_Cell, _Metrics] = {cell: {"sample_len": n} for cell, n in cut.groupby(level=_CELL).size().items()}
    compared = (scores.groupby(list(_CELL))["candidate"].transform("max") > 0).to_numpy()
    if compared.any():
        judged = {name: outcomes(scores[compared], by) for name, by in _ACCURACIES.items()}
        for name, found in judged.items():
            _add_means(metrics, name, found["right"])
        _add_shares(metrics, "ties", judged["acc"]["tie"].where(judged["acc"]["right"].notna()))
    alone = scores[~compared].set_index(list(_CELL))
    for name, by in _COSTS.items():
        _add_means(metrics, name, -normalised(alone, by))
    for cell, texts in alone.groupby(level=_CELL):
        metrics[cell][f"{BITS_PER_BYTE},none"] = _number(bits_per_byte(texts))
    _add_shares(metrics, "cut", cut)
    return metrics


def _translation_metrics(rows: pd.DataFrame) -> _Metrics:
    counts = stacked(rows["counts"])
    # Of a single one, the deviation of what is resampled is 0.
    error = resampled(counts, _RESAMPLES, np.random.default_rng(0)).std(ddof=1) if len(rows) > 1 else math.nan
    return {
        "sample_len": len(rows),
        f"{CHRF},none": of_corpus(counts),
        f"{CHRF}_stderr,none": _number(error),
        "ended,none": float(rows["ended"].mean()),
        "lost_examples,none": float((rows["lost_examples"] > 0).mean()),
    }


def _add_means(metrics: dict[_Cell, _Metrics], name: str, values: pd.Series) -> None:
    cells = values.groupby(level=_CELL)
    # With a NaN the mean is NaN: one over what is left would answer another question.
    errors = cells.std(skipna=False) / cells.size() ** 0.5
    for (cell, mean), error in zip(cells.mean(skipna=False).items(), errors, strict=True):
        metrics[cell] |= {f"{name},none": _number(mean), f"{name}_stderr,none": _number(error)}


def _add_shares(metrics: dict[_Cell, _Metrics], name: str, values: pd.Series) -> None:
    for cell, share in values.astype(float).groupby(level=_CELL).mean(skipna=False).items():
        metrics[cell][f"{name},none"] = _number(share)


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else "N/A"


def _directions(metrics: Iterable[str]) -> dict[str, bool]:
    names = {key.split(",")[0] for key in metrics if "," in key}
    return {name: name in _ACCURACIES or name == CHRF for name in sorted(names) if not name.endswith("_stderr")}


if __name__ == "__main__":
    try:
        for argument in sys.argv[1:]:
            write_results(Path(argument))
    except GrowmergeError as error:
        sys.exit(str(error))
