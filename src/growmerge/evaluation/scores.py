"""The scores of one model: a folder that is brought up to date cell by cell.

A cell is a benchmark in a language. It is scored again only if the model, the benchmark or the scorer changed: a new
benchmark or language re-scores nothing that is there. Most benchmarks are scored by log-likelihoods (items.parquet);
those that say how to decode are generated, and what the model wrote is kept (translations.parquet).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from transformers import PreTrainedModel

from growmerge import ids
from growmerge.artifacts import (
    MANIFEST,
    elapsed,
    read_manifest,
    replacing,
    sha256_file,
    verify,
    write_atomically,
    write_manifest,
)
from growmerge.benchmarks.items import ITEMS, TRANSLATIONS, read_items
from growmerge.catalogue.entry import Decoding
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.encode import EncodedItems, encode_items
from growmerge.evaluation.generation import GENERATOR_VERSION
from growmerge.evaluation.results import RESULTS, results_of, results_text
from growmerge.evaluation.scorer import SCORE_SCHEMA, SCORER_VERSION, score_encoded
from growmerge.evaluation.translations import TRANSLATION_SCHEMA, translate
from growmerge.evaluation.unfinished import Unfinished
from growmerge.models.external import load_model
from growmerge.models.published import published_checkpoint

logger = logging.getLogger(__name__)
Cell = tuple[str, str]  # (benchmark, language)
UNFINISHED = "unfinished"

# What was tokenized last, by what it was made from.
_last: dict[Any, tuple[EncodedItems, str | None]] = {}


def load_on_device(checkpoint: Path) -> PreTrainedModel:
    """The model in a folder, on the GPU if there is one."""
    return load_model(checkpoint, device=scoring_device())


def scoring_device() -> str:
    """Where models are scored: on the GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Scored:
    """What is scored: `digest` identifies it, `checkpoint` gives the folder of its tokenizer.

    `load` makes the model: from that folder, or from memory if the model is not on the disk.

    `inputs` are the artifacts it is, or is made from, and `config` how: both go into the manifest of the scores.
    `name` is what the results file calls it; the default is that of the folder of its scores.
    """

    digest: str
    checkpoint: Callable[[], Path]
    inputs: Sequence[Path]
    config: Any = None
    name: str | None = None
    load: Callable[[Path], PreTrainedModel] = load_on_device


def score_model(
    folder: Path,
    model: Path,
    cells: Mapping[Cell, Path],
    *,
    step: int | None = None,
    name: str | None = None,
    tokens_per_batch: int,
    decoding: Mapping[str, Decoding] | None = None,
) -> None:
    """Bring the scores of a published model in `folder` up to date (see `update_scores`).

    With a `step`, of its intermediate checkpoint; `model` is then what holds it (see `published_checkpoint`). Raises
    GrowmergeError for a damaged model or benchmark.
    """
    checkpoint = model if step is None else published_checkpoint(model, step)
    scored = Scored(verify(checkpoint).digest, lambda: checkpoint, inputs=[checkpoint], name=name)
    update_scores(folder, scored, cells, tokens_per_batch=tokens_per_batch, decoding=decoding)


def parity_references(benchmarks: Iterable[Path]) -> dict[Cell, Path]:
    """The cells of the English sides of parallel sentences, from the folders {benchmark}/{language} of their items."""
    return {(ids.parity_reference(folder.parent.name), folder.name): folder for folder in benchmarks}


def update_scores(
    folder: Path,
    model: Scored,
    cells: Mapping[Cell, Path],
    *,
    tokens_per_batch: int,
    decoding: Mapping[str, Decoding] | None = None,
    summary: bool = True,
) -> int:
    """Score what is missing of `cells` (cell -> benchmark folder) in `folder`; returns how many cells were.

    Cells of the benchmarks in `decoding` are generated as it says, and are in translations.parquet, which is there only
    if `decoding` names a benchmark (and has no rows if no cell is of such a benchmark); all others are in
    items.parquet. With `summary`, results.json is next to them, their summary in lm-evaluation-harness's layout;
    without, it can be written later (`results.write_results`). `model.checkpoint` and `model.load` are called only if
    something is missing. Cells that are no longer requested are dropped. A text is scored, or a prompt continued, after
    the tokenizer's beginning-of-text token (its end-of-document token if it has none), which the manifest names.

    Each file is replaced in one step, the manifest written last. Cells that are done while others are still to come
    are kept in `folder`/unfinished, where the next call finds them.

    Raises GrowmergeError for a damaged benchmark and, if something is missing, for a model or tokenizer that cannot be
    loaded and for what `score_encoded` and `translate` refuse. Scores in `folder` that are damaged are made again.
    """
    start = time.monotonic()
    decoding = decoding or {}
    benchmarks = {cell: verify(benchmark) for cell, benchmark in cells.items()}
    wanted = {
        cell: _identity(model.digest, benchmark.digest, decoding.get(cell[0])) for cell, benchmark in benchmarks.items()
    }
    rows, begin = _finished(folder, wanted)
    unfinished = Unfinished(folder / UNFINISHED)
    for cell in wanted.keys() - rows.keys():
        found = unfinished.load(cell)
        if found and found[1].get("scored") == wanted[cell]:
            rows[cell], begin = found[0], found[1]["begin"]
    missing = {cell: (cells[cell], benchmarks[cell].digest) for cell in wanted if cell not in rows}
    if missing:
        for new, begin in _score(model, missing, decoding, tokens_per_batch):
            rows |= new
            if len(rows) < len(wanted):
                for cell, table in new.items():
                    unfinished.save(cell, table, {"scored": wanted[cell], "begin": begin})

    generated = [cell for cell in wanted if cell[0] in decoding]
    tables = {ITEMS: _together([rows[cell] for cell in wanted if cell not in generated], SCORE_SCHEMA)}
    if decoding:
        tables[TRANSLATIONS] = _together([rows[cell] for cell in generated], TRANSLATION_SCHEMA)
    for name, table in tables.items():
        with replacing(folder / name) as temporary:
            pq.write_table(table, temporary)
    if summary:
        few_shot = {cell: b.facts["few_shot"] for cell, b in benchmarks.items() if "few_shot" in b.facts}
        frames = [table.to_pandas() for table in tables.values()]
        results = results_of(frames, wanted, begin, few_shot, model.name or folder.name, elapsed(start))
        write_atomically(folder / RESULTS, results_text(results))
    write_manifest(
        folder / MANIFEST,
        [*tables, *([RESULTS] if summary else [])],
        inputs=[*model.inputs, *cells.values()],
        config=model.config,
        facts={"model": model.digest, "begin": begin, "cells": {"/".join(cell): wanted[cell] for cell in wanted}},
        seconds=elapsed(start),
    )
    unfinished.remove()
    if not decoding:
        (folder / TRANSLATIONS).unlink(missing_ok=True)
    if not summary:
        (folder / RESULTS).unlink(missing_ok=True)
    logger.info("%s: scored %d cells, kept %d", folder, len(missing), len(wanted) - len(missing))
    return len(missing)


def is_scored(
    folder: Path, model: str, cells: Mapping[Cell, Path], decoding: Mapping[str, Decoding] | None = None
) -> bool:
    """Whether `folder` says that it has the scores of all `cells` of the model with that digest; no file is verified.

    For callers that must know it before they load a model; `update_scores` checks it again.
    """
    try:
        scored = read_manifest(folder).facts.get("cells", {}) if (folder / MANIFEST).exists() else {}
        wanted = {
            cell: _identity(model, read_manifest(benchmark).digest, (decoding or {}).get(cell[0]))
            for cell, benchmark in cells.items()
        }
    except GrowmergeError:
        return False
    return all(scored.get("/".join(cell)) == identity for cell, identity in wanted.items())


def _identity(model: str, benchmark: str, decoding: Decoding | None) -> dict[str, object]:
    """All that the rows of a cell depend on."""
    by = {"generator": GENERATOR_VERSION, "decoding": asdict(decoding)} if decoding else {"scorer": SCORER_VERSION}
    return {"model": model, "benchmark": benchmark, **by}


def _finished(folder: Path, wanted: Mapping[Cell, Mapping[str, object]]) -> tuple[dict[Cell, pa.Table], str | None]:
    """The rows of finished cells that match `wanted`, and the beginning-of-text token; none if missing or damaged."""
    if not (folder / MANIFEST).exists():
        return {}, None
    try:
        manifest = verify(folder)
        cells, begin = manifest.facts["cells"], manifest.facts["begin"]
    except GrowmergeError as error:
        logger.warning("scoring again: %s", error)
        return {}, None
    schemas = {ITEMS: SCORE_SCHEMA, TRANSLATIONS: TRANSLATION_SCHEMA}
    kept = {cell for cell, identity in wanted.items() if cells.get("/".join(cell)) == identity}
    rows: dict[Cell, pa.Table] = {}
    for name in manifest.files.keys() & schemas.keys():
        here = {cell for cell in kept if ("generator" in wanted[cell]) == (name == TRANSLATIONS)}
        if here:  # else the columns may be those of an older version
            table = pq.read_table(folder / name, columns=schemas[name].names).cast(schemas[name])
            rows |= {cell: part for cell in here if (part := _of_cell(table, cell)).num_rows}
    return rows, begin


def _of_cell(table: pa.Table, cell: Cell) -> pa.Table:
    benchmark, language = cell
    return table.filter(pc.and_(pc.equal(table["benchmark"], benchmark), pc.equal(table["language"], language)))


def _together(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *tables])


def _score(
    scored: Scored,
    cells: Mapping[Cell, tuple[Path, str]],
    decoding: Mapping[str, Decoding],
    tokens_per_batch: int,
) -> Iterator[tuple[dict[Cell, pa.Table], str | None]]:
    """The rows of `cells` (cell -> benchmark folder and digest), and the token that begins every text.

    First those by log-likelihood, all together; then what is generated, cell by cell, which takes far longer.
    """
    checkpoint = scored.checkpoint()
    by_likelihood = {cell: source for cell, source in cells.items() if cell[0] not in decoding}
    encoded = _encoded(checkpoint, by_likelihood) if by_likelihood else None
    model = scored.load(checkpoint)
    if encoded:
        table = score_encoded(model, encoded[0], tokens_per_batch)
        yield {cell: _of_cell(table, cell) for cell in by_likelihood}, encoded[1]
    if len(by_likelihood) == len(cells):
        return
    tokenizer, begin_id, end_id = load_tokenizer(checkpoint)
    for cell, (benchmark, _) in cells.items():
        if cell in by_likelihood:
            continue
        table = translate(
            model,
            tokenizer,
            cell,
            read_items(benchmark / ITEMS),
            decoding[cell[0]],
            begin_id=begin_id,
            end_id=end_id,
            tokens_per_batch=tokens_per_batch,
        )
        yield {cell: table}, tokenizer.id_to_token(begin_id)


def _encoded(checkpoint: Path, cells: Mapping[Cell, tuple[Path, str]]) -> tuple[EncodedItems, str | None]:
    """The texts of `cells` as requests, and the token that begins each; the last are kept for the next model.

    The merges of a job share a tokenizer and are scored on the same items.
    """
    names = ("tokenizer.json", "tokenizer_config.json")
    files = tuple(sha256_file(checkpoint / name) if (checkpoint / name).exists() else None for name in names)
    key = (files, tuple((cell, digest) for cell, (_, digest) in cells.items()))
    if key not in _last:
        tokenizer, begin_id, _ = load_tokenizer(checkpoint)
        items = {cell: read_items(benchmark / ITEMS) for cell, (benchmark, _) in cells.items()}
        _last.clear()
        _last[key] = encode_items(tokenizer, items, bos_id=begin_id), tokenizer.id_to_token(begin_id)
    return _last[key]
