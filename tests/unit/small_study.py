"""A study of two languages whose models are really made, in seconds: drawn, trained, cloned, merged and scored."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from conftest import ARCHITECTURE, ROOT, VOCABULARY, Tiny

from growmerge.artifacts import read_manifest, write_manifest
from growmerge.config import load_files
from growmerge.merging.merge import keep_merge
from growmerge.merging.request import Request
from growmerge.models.hyperclone import publish_clone
from growmerge.models.initialise import publish_initialisation
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.tables.summary import SCORE_COLUMNS
from growmerge.tables.tables import write_table
from growmerge.training.train import train_model

MERGE = "2x/isl+swe/linear"
CONFIGURATION = {
    "study": "small",
    "languages": [
        {"code": "swe", "name": "Swedish", "corpus": "swe", "epochs": 1},
        {"code": "isl", "name": "Icelandic", "corpus": "isl", "epochs": 1},
    ],
    "replay": {"corpora": {"eng80": 0.1, "code": 0.0}},
    "tokenizer": {"vocab_size": VOCABULARY},
    "architecture": ARCHITECTURE.model_dump(),
    "bases": [
        {"name": "init", "from": "random"},
        {"name": "base-1x", "from": "init", "train": [{"eng20": 1}]},
        {"name": "base-2x", "from": "base-1x", "clone": {"factor": 2}},
    ],
    "setups": [{"name": "2x", "base": "base-2x"}],
    "training": {"sequence_length": 32, "batch_sequences": 4, "checkpoint_every": 10, "state_every": 100},
    "merging": {
        "keep": True,
        "methods": [{"name": "linear", "parameters": {"weight": 1.0}}],
        "ensemble": None,
        "healing": None,
        "rounds": None,
        "series": {"drawn": 0},
        "over_training": None,
    },
    "comparison": {"typology": None},
    "benchmarks": [{"name": "acceptability", "limit": 30}],
}


def load(**overlay):
    """The study, with `overlay` over its configuration, and its layout."""
    Path("study.yaml").write_text(yaml.safe_dump(CONFIGURATION | overlay), encoding="utf-8")
    study = load_files(ROOT / "config/config.yaml", ROOT / "config/miniature.yaml", Path("study.yaml"))
    return study, Layout(study, Grid(study))


def make(folder):
    """Make all of it in `folder`."""
    torch.set_num_threads(1)
    before = Path.cwd()
    os.chdir(folder)
    try:
        study, layout = load()
        tiny = Tiny(Path(layout.results))
        for seed, (corpus, documents) in enumerate(
            {"eng20": 150, "eng80": 150, "code": 20, "swe": 150, "isl": 120}.items()
        ):
            tiny.shard(corpus, documents, seed)
        publish_initialisation(
            Path(layout.model("init")), Path(layout.results, "tokenizer"), ARCHITECTURE, VOCABULARY, 1
        )
        train(study, layout, "base-1x")
        publish_clone(Path(layout.model("base-2x")), Path(layout.model("base-1x")), study.bases[2].clone, study.seed)
        train(study, layout, "2x/swe")
        train(study, layout, "2x/isl")
        merge(study, layout)
        score(study, layout, ["2x/swe", "2x/isl"])
    finally:
        os.chdir(before)


def train(study, layout, name):
    recipe = layout.recipes.of(name)
    train_model(
        Path(layout.parent(name)),
        {corpus: [Path(shard) for shard in layout.shards(corpus)] for corpus in layout.recipes.corpora_of(name)},
        recipe,
        recipe.completed(study.training.model_dump(), layout.recipes.checkpoint_every(name)),
        study.architecture,
        model_folder=Path(layout.model(name)),
        checkpoints_folder=Path(layout.checkpoints(name)),
        work=Path(layout.results, "work", name),
    )


def merge(study, layout):
    (method,) = study.merging.methods
    request = Request(
        combination="isl+swe",
        holders=[Path(member) for member in layout.members("2x", "isl+swe")],
        methods=[layout.method_params(method)],
        bases={"linear": Path(layout.merge_base("2x", "isl+swe", "linear"))},
        modules=[],
        statistics=[],
        dtype=study.merging.dtype,
        seed=study.seed,
        device="cpu",
        mixed_dtypes=False,
    )
    (recipe,) = request.recipes().values()
    keep_merge(Path(layout.results, "merges", MERGE), recipe, Path(layout.score(MERGE)).parent)


def score(study, layout, names, digests=None):
    """Scores of 30 pairs, of which 24 are right, and the table of them; `digests`: of the models they name."""
    rows = [
        ("acceptability", language, f"p{n}", "", candidate, float(-2 + (n < 24) * (1 - 2 * candidate)), 2, 9, 9, 0)
        for language in ("swe", "isl", "eng")
        for n in range(30)
        for candidate in (0, 1)
    ]
    frame = pd.DataFrame(rows, columns=[*SCORE_COLUMNS, "tokens", "characters", "bytes", "cut"])
    for name in names:
        items = Path(layout.score(name))
        items.parent.mkdir(parents=True, exist_ok=True)
        model = layout.grid.model(name)
        frame[frame["language"].isin(model.scored_in or np.unique(frame["language"]))].to_parquet(items)
        facts = {"model": (digests or {}).get(name) or read_manifest(Path(layout.model(name))).digest}
        write_manifest(items.with_name("manifest.json"), [items.name], facts=facts)
    write_table(
        [layout.grid.model(name) for name in names],
        Path(layout.results, "scores"),
        [],
        Path(layout.results, "tables/scores.parquet"),
        resamples=50,
        seed=1,
        parity="mean_of_ratios",
        measured=study.measured,
    )
