"""What the page does not show, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd

from growmerge import ids
from growmerge.figures import FIGURES
from growmerge.figures.common.wording import listed
from growmerge.ids import ALL
from growmerge.report.made import Made
from growmerge.report.page import Hole
from growmerge.study.grid import Grid, Model
from growmerge.study.layout import Layout
from growmerge.study.matching import Match
from growmerge.tables.statistics import FEWEST_ITEMS

ENSEMBLE_WRITES_NOTHING = "the mean of several models' probabilities is scored, but generates no text"


def holes(
    shown: Sequence[Model],
    grid: Grid,
    layout: Layout,
    made: Made,
    scores: pd.DataFrame,
    drawn: Collection[str],
    matches: Sequence[Match],
) -> Iterator[Hole]:
    """What is not there, the gravest first; those without names do not concern this study."""
    yield Hole("Damaged artifacts", "their manifests cannot be read", list(made.damaged.values()))
    lasting = [*grid.bases, *grid.models, *grid.healed, *grid.kept.values()]
    unmade = [model.id for model in lasting if made.of(_in_results(layout.model(model.id), layout)) is None]
    yield Hole("Models that do not exist", "their jobs have not run, or have failed", unmade)
    scored = {model.id: Path(layout.score(model.id)).parent for model in shown}
    unscored = [name for name, folder in scored.items() if made.of(_in_results(str(folder), layout)) is None]
    yield Hole("Models without scores", "their scoring has not run, or has failed", unscored)
    yield from _cells(grid, scores, set(unscored), {model.id for model in grid.ensembles})
    yield Hole(
        "Pairs of setups that are not compared at equal cost",
        f"even the first checkpoint of the dearer model costs over {grid.study.analysis.matching_bound:.0%} more",
        [f"{match.target}: {match.cheaper} and {match.dearer}" for match in matches if match.excluded],
    )
    yield Hole("Figures that are not drawn", "the study has no models for them", [f for f in FIGURES if f not in drawn])
    for benchmark in grid.study.benchmarks:
        lacking = [language for language in grid.scored_languages if not benchmark.has(language)]
        yield Hole(f"Languages without the benchmark {benchmark.name}", "it has no items in them", lacking)
    if grid.study.scoring.languages == "own":
        yield Hole(
            "Scores in languages that a model has not learned",
            "the configuration asks for none: scoring.languages is own",
            [f"{sum(model.scored_in is not None for model in shown)} models are scored in their own languages alone"],
        )
    if temporary := [merge for merge in grid.merges if not layout.kept_merges([merge])]:
        yield Hole(
            "Weights of merges",
            "a merge is made in memory, scored, and not kept, since merging.keep is false; ask for its path to get it",
            [f"{len(temporary)} merges, such as {layout.results}/merges/{temporary[0].id}"],
        )


def _cells(grid: Grid, scores: pd.DataFrame, unscored: set[str], ensembles: set[str]) -> Iterator[Hole]:
    """Scores without a number, or without an interval."""
    rows = scores[(scores["subset"] == ALL) & ~scores["id"].isin(unscored)]
    without = rows[rows["value"].isna()]
    silent = without["id"].isin(ensembles)
    yield Hole("Scores of ensembles in translation", ENSEMBLE_WRITES_NOTHING, _names(without[silent]))
    yield Hole("Scores without a number", "the model has no score for these items", _names(without[~silent]))
    few = rows[rows["value"].notna() & rows["low"].isna()]
    by_cell = few[["measure", "language", "n"]].drop_duplicates(["measure", "language"])
    yield Hole(
        "Intervals",
        f"an interval over fewer than {FEWEST_ITEMS} items says nothing",
        [f"{row.measure} in {row.language} ({int(row.n)} items)" for row in by_cell.itertuples()],
    )


def _names(rows: pd.DataFrame) -> list[str]:
    """`2x/swe: facts in isl and swe`, one line a model and measure."""
    return [
        f"{model}: {measure} in {listed(list(those['language']))}"
        for (model, measure), those in rows.groupby(["id", "measure"], sort=False)
    ]


def _in_results(path: str, layout: Layout) -> str:
    return path.removeprefix(f"{layout.results}{ids.SLASH}")
