"""From a study and its results to report.html."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from growmerge import ids
from growmerge.artifacts import verify, write_atomically
from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.config import Study
from growmerge.figures import FIGURES
from growmerge.figures.common.palette import MEASURE_LABELS
from growmerge.figures.common.wording import listed
from growmerge.report.costs import costs, machines, planned
from growmerge.report.coverage import coverage
from growmerge.report.figures import figures
from growmerge.report.made import Made, plain
from growmerge.report.missing import holes
from growmerge.report.models import OWN, models
from growmerge.report.page import Page
from growmerge.report.recipe import recipe
from growmerge.report.samples import results, sample, texts
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid, Model
from growmerge.study.layout import Layout
from growmerge.study.matching import match_compute
from growmerge.study.plan_report import readable_bytes
from growmerge.study.shown import Shown
from growmerge.tables.markdown import decimals
from growmerge.tables.summary import of_single_models

logger = logging.getLogger(__name__)
MOST_BYTES = 10_000_000  # a page that mail and browsers take without complaint
TEMPLATES = "templates"
# The tables that the page shows, with what they hold. Those of single figures are parts of the table of scores.
TABLES = {
    "tables/scores.csv": "Every score: model, measure, language and subset, with intervals",
    "tables/means.csv": "Means over languages, and how much scores vary between them",
    "tables/contrasts.csv": "Two models on the same items: difference, interval, sign test, adjusted by Holm",
    "tables/gap.csv": "Which share of the gap between base and joint training is won back",
    "tables/signal.csv": "What each benchmark can tell in each language: floor, spread of models, noise",
    "tables/trainings.csv": "Length, cost, loss and loss spikes of every training",
    "tables/benchmarks.csv": "Items, data sets and licences of every benchmark",
    "tables/similarity_and_drop_correlations.csv": "Whether similarity before merging predicts the drop",
    "compute_match.csv": "Which checkpoints of two setups cost the same",
}
KINDS = {
    "base": "bases",
    "model": "adapted models",
    "merge": "merges",
    "healed": "merges that are trained on, and their controls",
    "ensemble": "ensembles",
    "checkpoint": "intermediate checkpoints",
    "external": "models of others",
}


def write_report(study: Study, html: Path) -> None:
    """Write the page of a study, whose results are where the configuration has them, to `html`.

    Everything that the page shows is in it: it asks for no other file and no address. It shows what exists, and names
    what does not. Raises GrowmergeError for a damaged table, figure or score.
    """
    write_atomically(html, rendered(page(study)))
    size = html.stat().st_size
    logger.info("%s: %s", html, readable_bytes(size))
    if size > MOST_BYTES:
        logger.warning("%s: is larger than %s; some programs open it slowly", html, readable_bytes(MOST_BYTES))


def page(study: Study) -> Page:
    """What the report of a study shows."""
    grid = Grid(study)
    layout = Layout(study, grid)
    folder = Path(layout.results)
    stated = Costs(grid, stated_counts(study))
    matches = match_compute(stated, study.analysis.matching_bound)
    chosen = Shown(stated, matches)
    shown = [*grid, *chosen.checkpoints.values()]
    made = Made.under(folder)
    table = folder / "tables/scores.parquet"
    verify(table)
    scores = of_single_models(pd.read_parquet(table))
    rows, plan_unknown = planned(grid, layout)
    drawn = figures([name for name, figure in FIGURES.items() if figure.models(chosen)], folder)
    tables = {name: what for name, what in TABLES.items() if (folder / name).exists()}
    lacking = holes(shown, grid, layout, made, scores, [figure.name for figure in drawn], matches)
    data = {
        "languages": {study.english.code: "English"} | {x.code: x.name for x in study.languages},
        "own": OWN,
        "measures": _measures(scores),
        "benchmarks": {b.name: {"metric": b.entry.metric.name, "measure": b.measured[0]} for b in study.benchmarks},
        "models": models(shown, grid, layout, made, scores, rows),
        "manifests": {name: plain(manifest) for name, manifest in made.manifests.items()},
        "files": {name: (folder / name).read_text(encoding="utf-8") for name in [*tables, *(f.csv for f in drawn)]},
        **_samples(study, grid, layout, [model for model in shown if _is_scored(model, layout, made)]),
    }
    return Page(
        study=study.study,
        summary=_summary(study, grid),
        counts=_counts(shown, layout, made),
        gpu=f"{study.plan.gpu} ({study.plan.peak_tflops:g} TFLOP/s, {study.plan.utilisation:.0%} utilised)",
        costs=costs(rows, made, grid),
        plan_unknown=plan_unknown,
        hardware=machines(made),
        figures=drawn,
        tables=list(tables.items()),
        holes=[hole for hole in lacking if hole.names],
        coverage=coverage(grid, scores),
        recipe=recipe(study, made),
        data=data,
    )


def rendered(page: Page) -> str:
    """The page as one HTML file.

    Its policy lets it load nothing, and run no script and use no style but its own.
    """
    folder = files("growmerge.report") / TEMPLATES
    style, script = ((folder / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    environment = Environment(
        loader=PackageLoader("growmerge.report", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bytes": readable_bytes,
        "number": _number,
        "score": _score,
        "duration": _duration,
        "label": _label,
    }
    return environment.get_template("page.html.j2").render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_packed(page.data),
    )


def _summary(study: Study, grid: Grid) -> list[str]:
    languages = listed([f"{language.name} ({language.code})" for language in study.languages])
    setups = listed([f"{setup.name} (from {setup.base})" for setup in study.setups])
    methods = listed([method.name for method in study.merging.methods])
    benchmarks = listed([benchmark.name for benchmark in study.benchmarks])
    sentences = [
        f"The study adapts language models to {languages}. Setups: {setups}.",
        f"It merges the adapted models in {len(grid.combinations)} combinations of languages by {methods}.",
        f"Models are scored on {benchmarks}.",
    ]
    if seeds := grid.replicates.further:
        named = listed([str(seed) for seed in [study.seed, *seeds]])
        sentences.append(f"It does so with the seeds {named}; scores of models are of one seed, figures show means.")
    return [*sentences, study.analysis.note] if study.analysis.note else sentences


def _counts(shown: Sequence[Model], layout: Layout, made: Made) -> list[tuple[str, int, int]]:
    """How many models of each kind there are, and how many of them are scored."""
    counts = []
    for kind, name in KINDS.items():
        those = [model for model in shown if model.kind == kind]
        if those:
            counts.append((name, sum(_is_scored(model, layout, made) for model in those), len(those)))
    return counts


def _is_scored(model: Model, layout: Layout, made: Made) -> bool:
    """Whether a model is scored: its scores have a manifest."""
    return made.of(str(Path(layout.score(model.id)).parent.relative_to(layout.results))) is not None


def _measures(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Name, label, decimals and direction of every measure, in the order of the table."""
    whole = scores[scores["subset"] == ids.ALL]
    return [
        {
            "name": measure,
            "label": _label(measure),
            "digits": decimals(measure, whole.loc[whole["measure"] == measure, "value"].dropna()),
            "lower": measure in LOWER_IS_BETTER,
        }
        for measure in whole["measure"].unique()
    ]


def _samples(study: Study, grid: Grid, layout: Layout, scored: Sequence[Model]) -> dict[str, Any]:
    items = sample(grid, layout)
    outcomes = {model.id: results(study, Path(layout.score(model.id)), items) for model in scored}
    return {"items": texts(items), "outcomes": outcomes}


def _label(measure: str) -> str:
    return MEASURE_LABELS.get(measure, measure)


def _number(value: float | None) -> str:
    """With three digits; a dash for what is not known."""
    return "–" if value is None else f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _score(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _duration(hours: float | None) -> str:
    """In the unit that fits; a dash for what is not known."""
    if hours is None:
        return "–"
    if hours >= 1:
        return f"{_number(hours)} h"
    return f"{60 * hours:.3g} min" if hours >= 1 / 60 else f"{3600 * hours:.2g} s"


def _packed(data: Mapping[str, Any]) -> str:
    """JSON, compressed, in characters that HTML leaves as they are; equal data give equal text."""
    text = json.dumps(_finite(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")


def _finite(data: Any) -> Any:
    """The same with None for numbers that JSON does not know: the loss of a training that diverged, say."""
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
