"""Which models each table shows, and what a figure, drawn from the table of its name, selects of them.

Pure, for Snakemake's parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from growmerge.ids import MULTI
from growmerge.study.costs import Costs
from growmerge.study.grid import Grid, Model
from growmerge.study.matching import Match
from growmerge.study.sweeps import density_sweeps, main_methods


def shown_models(grid: Grid, compared: Sequence[Model]) -> dict[str, list[Model]]:
    """Table -> its models; a table without merges (or whatever it is about) is left out.

    `compared` are the models that are compared by compute (`growmerge.study.matching.compared_models`).
    """
    study = grid.study
    setups = [setup.name for setup in study.setups]
    pairwise, main = study.analysis.pairwise_method, main_methods(study.merging.methods)
    swept = {name for names in density_sweeps(study.merging.methods).values() for name in names.values()}
    nested = {combination for order in grid.series for combination in grid.nested(order)}

    models = [model for model in grid.models if model.setup in setups]
    experts = [model for model in models if len(model.languages) == 1]
    merges = [merge for merge in grid.merges if merge.setup in setups and merge.step is None]
    of_main = [merge for merge in merges if merge.method in main]

    tables = {
        "baselines": [*grid.bases, *models, *grid.externals],
        "pairwise": _if_any([m for m in merges if len(m.languages) == 2 and m.method == pairwise], experts),
        "methods": _if_any(of_main, experts),
        "density": _if_any([m for m in merges if swept and m.method in {*swept, pairwise}], experts),
        "series": _if_any([m for m in of_main if m.target in nested], experts),
        "over_training": _over_training(grid, main),
        "sharing": _sharing(grid, pairwise),
        "compute_matched": list(compared),
    }
    return {table: chosen for table, chosen in tables.items() if chosen}


def translators(grid: Grid) -> list[Model]:
    """Whose translations are set side by side: models of one language and of all, merges of all, models of others."""
    study = grid.study
    setups, main = [setup.name for setup in study.setups], main_methods(study.merging.methods)
    models = [model for model in grid.models if model.setup in setups]
    merges = [m for m in grid.merges if m.setup in setups and m.method in main and m.step is None]
    everything = [merge for merge in merges if len(merge.languages) == len(study.languages)]
    return [*models, *everything, *grid.externals]


def _if_any(merges: list[Model], experts: list[Model]) -> list[Model]:
    """The merges with the models that they are held against."""
    return [*experts, *merges] if merges else []


def _over_training(grid: Grid, methods: Sequence[str]) -> list[Model]:
    """The mixed model and the merges of all languages: at the steps that are merged, and finished."""
    merged = grid.study.merging.over_training
    setups = merged.setups if merged else []
    everything = len(grid.study.languages)
    return [
        *grid.mixed_over_training,
        *(model for model in grid.models if model.setup in setups and model.target == MULTI),
        *(m for m in grid.merges if m.setup in setups and m.method in methods and len(m.languages) == everything),
    ]


def _sharing(grid: Grid, method: str) -> list[Model]:
    """Setups whose experts branch off a common model, and the one whose experts share nothing but where they start."""
    setups = grid.sharing_setups
    models = [model for model in grid.models if model.setup in setups and model.target != MULTI]
    sizes = grid.study.sharing.sizes if grid.study.sharing else []
    merges = [m for m in grid.merges if m.setup in setups and m.method == method and m.step is None]
    return [*models, *(merge for merge in merges if len(merge.languages) in sizes)]


def figure_selection(figure: str, costs: Costs, matches: Sequence[Match]) -> dict[str, Any]:
    """The fields of a figure's `growmerge.figures.Selection` as plain data, only those that it draws.

    What it does not draw is left out, so that an edit of it draws nothing again.
    """
    grid = costs.grid
    study, merging = grid.study, grid.study.merging
    main, pairwise = main_methods(merging.methods), study.analysis.pairwise_method
    setups = [setup.name for setup in study.setups]
    chosen: dict[str, Any] = {"languages": study.language_codes, "setups": setups, "english": study.english.code}
    # A panel for each setup and method: those of several setups would not fit a page.
    of_setups = main if len(setups) == 1 else [pairwise]
    if figure == "baselines":
        chosen["bases"] = list(dict.fromkeys(setup.base for setup in study.setups))
    elif figure == "methods":
        chosen["methods"] = main
    elif figure == "density":
        chosen["settings"] = [method.model_dump() for method in merging.methods]
    elif figure == "compute_matched":
        chosen["matches"] = [asdict(match) for match in matches]
    elif figure == "series":
        chosen |= {"orders": grid.series, "methods": of_setups}
    elif figure == "over_training":
        followed = merging.over_training.setups if merging.over_training else []
        steps = {model.id: costs.steps(model.id) for model in grid.models if costs.can_tell(model.id)}
        chosen |= {"setups": followed, "methods": of_setups, "steps": steps, "tokens_per_step": costs.tokens(1)}
    elif figure == "sharing":
        chosen |= {"setups": list(grid.sharing_setups), "shares": grid.sharing_setups}
    return chosen
