"""Every scored model of the grid: what it is, its scores, its manifests, its training curve."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import MANIFEST, TRAINING_LOG
from growmerge.ids import ALL
from growmerge.report.made import Made, wall_seconds
from growmerge.study.grid import Grid, Model
from growmerge.study.layout import Layout
from growmerge.study.plan_rows import Row

OWN = "own"  # stands for a model's own languages, among the codes of languages
POINTS = 80  # of a training curve, which is drawn a few hundred pixels wide


def models(
    shown: Sequence[Model],
    grid: Grid,
    layout: Layout,
    made: Made,
    scores: pd.DataFrame,
    rows: Iterable[Row],
) -> dict[str, dict[str, Any]]:
    """By id, each of `shown` and each of their ancestors as the page reads it.

    `scores` is the table of that name, `rows` the plan. `manifests` are paths in the folder of results, those of the
    model and of its scores, as far as they exist. `curve` is a list of [tokens, loss].
    """
    every = {model.id: model for model in [*shown, *grid.bases, *grid.models, *grid.kept.values()]}
    expected = {row.id: row for row in rows if row.kind not in ("shards", "score", "coefficients")}
    values = _scores(scores, every, grid.study.language_codes)
    return {
        model_id: {
            "kind": model.kind,
            "setup": model.setup,
            "method": model.method,
            "target": model.target,
            "languages": list(model.languages),
            "parents": list(model.parents),
            "step": model.step,
            "scores": values.get(model_id, {}),
            **_made(model, layout, made),
            **_planned(expected.get(model_id)),
        }
        for model_id, model in every.items()
    }


def _made(model: Model, layout: Layout, made: Made) -> dict[str, Any]:
    kept = layout.kept_merges([model]) if model.kind == "merge" else []
    folders = [*kept, layout.model(model.id), str(Path(layout.score(model.id)).parent)]
    names = [str(Path(folder).relative_to(layout.results)) for folder in folders]
    found = {name: manifest for name in dict.fromkeys(names) if (manifest := made.of(name)) is not None}
    own = found.get(names[0])
    return {
        "manifests": [f"{name}/{MANIFEST}" for name in found],
        "seconds": {name: wall_seconds(manifest) for name, manifest in found.items()},
        "facts": {key: own.facts[key] for key in ("steps", "tokens", "flops", "loss") if key in own.facts}
        if own
        else {},
        "curve": curve(Path(layout.results, names[0], TRAINING_LOG)) if own and TRAINING_LOG in own.files else [],
    }


def _planned(row: Row | None) -> dict[str, Any]:
    return {"planned": {"parameters": row.parameters, "tokens": row.tokens, "flops": row.flops} if row else None}


def curve(log: Path, points: int = POINTS) -> list[list[float]]:
    """[tokens, loss in nats per token] over a training, evenly thinned to about `points`, the last step included.

    Steps whose loss is not finite are left out.
    """
    lines = log.read_text(encoding="utf-8").splitlines()
    steps = [step for line in lines if line.strip() and math.isfinite((step := json.loads(line))["loss"])]
    every = max(1, -(-len(steps) // points))
    kept = [step for place, step in enumerate(steps) if place % every == 0 or place == len(steps) - 1]
    return [[step["tokens"], round(step["loss"], 4)] for step in kept]


def _scores(
    table: pd.DataFrame, models: Mapping[str, Model], languages: Sequence[str]
) -> dict[str, dict[str, dict[str, list[float | None]]]]:
    """id -> measure -> language -> [value, low, high, n, chance]; None where there is no number.

    Under `OWN` is the mean over the model's own languages, or over all target languages if it has learned none, as far
    as the measure has them. It has a value only if all of them do, and an interval only if it is a
    single one.
    """
    found: dict[str, dict[str, dict[str, list[float | None]]]] = {}
    for row in table[table["subset"] == ALL].itertuples():
        numbers = [_plain(number) for number in (row.value, row.low, row.high, row.n, row.chance)]
        found.setdefault(str(row.id), {}).setdefault(str(row.measure), {})[str(row.language)] = numbers
    for model_id, measures in found.items():
        own = (models[model_id].languages if model_id in models else ()) or tuple(languages)
        for by_language in measures.values():
            cells = [by_language[code] for code in own if code in by_language]
            known = [value for cell in cells if (value := cell[0]) is not None]
            if len(cells) == 1:
                by_language[OWN] = cells[0]
            elif cells and len(known) == len(cells):
                by_language[OWN] = [sum(known) / len(known), None, None, len(known), cells[0][4]]
    return found


def _plain(number: Any) -> float | None:
    return None if pd.isna(number) else round(float(number), 5)
