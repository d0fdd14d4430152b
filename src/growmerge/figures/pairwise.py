"""Heat maps of pairwise merges with the experts on the diagonal (Glocker et al. 2025, Figure 4)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from growmerge import ids
from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.config.analysis import Analysis
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import VALUES, Selection
from growmerge.figures.common.wider import answer, between_widths, comparisons, rule, wider_setups
from growmerge.figures.common.wording import over
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure as Drawing

with lazily():
    import matplotlib as mpl
    import numpy as np
    import pandas as pd

    from growmerge.figures.common import style, summaries

COLUMNS = ("measure", "setup", "language", "partner", "method", "id", *VALUES)
COLOURS = "cividis"
HATCHED: dict[str, Any] = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "////", "linewidth": 0}


def _models(shown: Shown) -> list[Model]:
    """Merges of two by one method, and the experts."""
    return shown.pairs()


def _selection(shown: Shown) -> dict[str, Any]:
    """`wider` says which setups are wider than which."""
    return wider_setups(shown)


def pairwise_data(summary: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per cell: the score in `language` of its merge with `partner` by `selection.method`.

    Where both are the same language, the expert's (kept with an empty method). NaN and n = 0 without a score. With
    several seeds, also `seeds`, over how many of them a score is the mean.
    """
    wanted = []
    for measure, setup in product(summaries.measures(summary), selection.setups):
        for language, partner in product(selection.languages, repeat=2):
            kind, method = ("model", "") if language == partner else ("merge", selection.method)
            target = ids.combination({language, partner})
            wanted.append((measure, setup, language, partner, kind, method, target))
    names = ["measure", "setup", "language", "partner", "kind", "method", "target"]
    columns = [*COLUMNS, *(["seeds"] if "seeds" in summary else [])]
    return summaries.look_up(pd.DataFrame(wanted, columns=names), summary)[columns]


def draw_pairwise(table: pd.DataFrame) -> Drawing:
    """Draw `pairwise_data`: rows are measures, columns setups; one colour scale per measure, bright is best."""
    names, setups = list(table["measure"].unique()), list(table["setup"].unique())
    looks = style.looks(setups)
    # Panels are square. Some 1.3 inches of the width are labels and the colour bar; the least side is that of a label.
    fitting = min((style.TEXT_WIDTH - 1.3) / max(len(setups), 1), 0.4 * table["language"].nunique())
    side = max(fitting, 0.9)
    width = side * len(setups) + 1.3
    figure = style.Figure(figsize=(width, (side + 0.12) * len(names) + 0.45), layout="compressed")
    panels = figure.subplots(len(names), len(setups), squeeze=False)
    for measure, row in zip(names, panels, strict=True):
        rows = table[table["measure"] == measure]
        norm = _scale(rows)
        colours = mpl.colormaps[f"{COLOURS}_r" if measure in LOWER_IS_BETTER else COLOURS]
        for setup, axes in zip(setups, row, strict=True):
            _heat_map(axes, rows[rows["setup"] == setup], norm, colours)
            axes.label_outer()
        row[0].set_ylabel(style.measure_label(measure) + "\nscore in")
        mappable = mpl.cm.ScalarMappable(norm, colours)
        bar = figure.colorbar(mappable, ax=list(row), fraction=0.05, pad=0.015, aspect=18)
        bar.outline.set_visible(False)
    for setup, axes in zip(setups, panels[0], strict=True):
        axes.set_title(looks[setup].label)
    for axes in panels[-1]:
        axes.set_xlabel("merged with")
    if table["value"].isna().any():
        figure.legend(handles=[style.Patch(label="no score", **HATCHED)], loc="outside lower right")
    return figure


def _scale(rows: pd.DataFrame) -> Normalize:
    """Over all scores and chance; any range if there is no score."""
    known = pd.concat([rows["value"], rows["chance"]]).dropna()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    return style.Normalize(low, high if high > low else low + 0.01)


def _heat_map(axes: Axes, rows: pd.DataFrame, norm: Normalize, colours: Colormap) -> None:
    languages = list(dict.fromkeys(rows["language"]))
    for cell in rows.itertuples():
        x, y = languages.index(cell.partner) - 0.5, languages.index(cell.language) - 0.5
        if pd.isna(cell.value):
            axes.add_patch(style.Rectangle((x, y), 1, 1, gid="missing", **HATCHED))
            continue
        colour = colours(norm(cell.value))
        axes.add_patch(style.Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6, gid="cell"))
        # Relative luminance (ITU-R BT.709): white on dark cells, black on light ones.
        ink = "white" if np.dot(colour[:3], (0.2126, 0.7152, 0.0722)) < 0.45 else "black"
        weight = "bold" if cell.language == cell.partner else "normal"
        reach = _reach(cell) if "seeds" in rows else ""
        centred: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
        axes.text(x + 0.5, y + (0.36 if reach else 0.5), f"{cell.value:.2f}", size=6, weight=weight, **centred)
        if reach:
            axes.text(x + 0.5, y + 0.72, reach, size=4.5, gid="interval", **centred)
    axes.set_xticks(range(len(languages)), languages)
    axes.set_yticks(range(len(languages)), languages)
    axes.set_xlim(-0.5, len(languages) - 0.5)
    axes.set_ylim(len(languages) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _reach(cell: Any) -> str:
    """Half the width of the interval of a mean over seeds; empty where it has none."""
    return f"±{(cell.high - cell.low) / 2:.2f}" if pd.notna(cell.low) else ""


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Pairwise merges by {selection.method}, {over(selection)}. A cell is the score in its row's language of the "
        "merge with its column's language; the diagonal (bold) is the model of that language before merging. Brighter "
        "is better. Colours are comparable along a row of panels; they reach from the worst score, or chance if "
        f"that is worse, to the best. Hatched: no score.{_reaches(selection)}{rule(selection)}"
    )


def _reaches(selection: Selection) -> str:
    """What stands below the scores, after other sentences; nothing in a study of one seed."""
    return " Below a score: half the width of its 95 % interval over seeds and items." if selection.averaged else ""


def _finding(drawn: Drawn) -> str:
    """RQ2 of Glocker et al. 2025, from the merges of two."""
    found = comparisons(drawn, "setup", of_merges=True)
    return answer("Do wider models merge better (RQ2), two at a time?", found, drawn.selection)


FIGURE = Figure(
    models=_models,
    data=pairwise_data,
    draw=draw_pairwise,
    caption=_caption,
    finding=_finding,
    selection=_selection,
    contrasts=between_widths("setup"),
)
