"""What trainings came to: length, cost, loss, spikes, and whether the copies in a clone have moved apart."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from growmerge.artifacts import TRAINING_LOG, verify
from growmerge.frames import write_frame
from growmerge.ids import ALL
from growmerge.study.grid import Model
from growmerge.study.replicates import ModelsBySeed, seeds_of

logger = logging.getLogger(__name__)
FACTS = ("steps", "tokens", "flops", "loss", "loss_spikes")  # of the manifest of a trained model
COLUMNS = (
    *("id", "setup", "target", "width"),
    *FACTS,
    *("block_asymmetry_first", "block_asymmetry_last"),
)


def write_trainings(
    models: Sequence[Model], models_folder: Path, parquet: Path, replicates: ModelsBySeed | None = None
) -> None:
    """One row per trained model (`models_folder`/{id}) in `parquet`, and a .csv beside it: columns `COLUMNS`.

    `tokens` are target tokens, `flops` those of the training without its ancestors, `loss` is that of the last step in
    nats per token. `loss_spikes` is how many steps had a loss far above those before (`growmerge.training.log.Spikes`);
    no step is skipped. `block_asymmetry_first` and `_last` are `growmerge.models.asymmetry.block_asymmetry` after the
    first and the last step, empty at width 1. A last one of 0 means that the copies in a clone stayed equal to the bit,
    so that the model has learned no more than one of the width it was cloned from. A model that is not there is a
    hole: a row without numbers.

    With `replicates` (by id, the models by seed that are the same with other seeds), the column `seed` says of which
    seed a row is, as in `summary.summarise`: ALL for a model that is made once, with the first seed.

    Raises GrowmergeError for a training log that differs from its manifest.
    """
    start = time.monotonic()
    folders = {model.id: models_folder / model.id for model in models}
    there = [folder for folder in folders.values() if folder.exists()]
    table = pd.DataFrame([_row(model, folders[model.id]) for model in models], columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(("steps", "tokens", "loss_spikes"), "Int64"))
    if replicates:
        table["seed"] = table["id"].map(seeds_of(replicates)).fillna(ALL)
    symmetric = list(table.loc[table["block_asymmetry_last"] == 0, "id"])
    facts = {"models": len(table), "models_without_training": len(table) - len(there), "symmetric": symmetric}
    write_frame(table, parquet, there, None, facts, start)
    spikes = [f"{row.id} {row.loss_spikes}" for row in table[table["loss_spikes"].fillna(0) > 0].itertuples()]
    if spikes:
        logger.warning("spikes of the loss, which the training logs date: %s", ", ".join(spikes))
    if symmetric:
        logger.warning("the copies in these clones stayed exactly equal: %s", ", ".join(symmetric))


def _row(model: Model, folder: Path) -> dict[str, Any]:
    row = {"id": model.id, "setup": model.setup, "target": model.target, "width": model.width}
    if not folder.exists():
        return row
    facts = verify(folder, only=[TRAINING_LOG]).facts
    lines = (folder / TRAINING_LOG).read_text(encoding="utf-8").splitlines()
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    return row | {
        **{name: facts[name] for name in FACTS},
        "block_asymmetry_first": first.get("block_asymmetry"),
        "block_asymmetry_last": last.get("block_asymmetry"),
    }
