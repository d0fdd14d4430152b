"""One look for all figures: sizes of a two-column paper, colours that colour-blind readers can tell apart."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from growmerge.figures.common.fonts import FONT, drawable, fallback_fonts
from growmerge.figures.common.palette import (
    BASE_COLOURS,
    CHANCE_KEY,
    DASHES,
    GREY,
    LIGHT,
    MEASURE_LABELS,
    METHOD_LABELS,
    MISSING_KEY,
    TEXT_WIDTH,
    Look,
    interlaced,
    language_look,
    looks,
    measure_label,
    method_label,
)
from growmerge.tables.markdown import TOO_FEW

# What figures draw with: the palette, and parts of matplotlib, which is loaded with this module.
__all__ = [
    "BASE_COLOURS",
    "CHANCE_KEY",
    "DASHES",
    "GREY",
    "LIGHT",
    "MEASURE_LABELS",
    "METHOD_LABELS",
    "MISSING_KEY",
    "TEXT_WIDTH",
    "Artist",
    "Axes",
    "Figure",
    "GridSpec",
    "Line2D",
    "Look",
    "MaxNLocator",
    "Normalize",
    "Patch",
    "Rectangle",
    "drawable",
    "interlaced",
    "language_look",
    "looks",
    "measure_label",
    "method_label",
]

# The caller's settings and matplotlibrc must not change a figure, so all of matplotlib's defaults stand first. The
# backend is left out: it belongs to windows, and no figure here is shown in one.
RC: dict[Any, Any] = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"} | {
    # The first comes with matplotlib, so what it can write looks the same on every machine; for other scripts, what the
    # machine has.
    "font.family": [FONT, *fallback_fonts()],
    "text.parse_math": False,  # names are text, whatever is between dollar signs
    "svg.fonttype": "path",
    "svg.hashsalt": "growmerge",
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.6,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,  # TrueType, as publishers ask for: Type 3 fonts cannot be edited or searched
}

# Intervals of means over models, behind their marks.
WIDE: dict[str, Any] = {"linewidth": 3.0, "alpha": 0.3}


@contextmanager
def applied() -> Iterator[None]:
    """Within it figures are drawn in this style, whatever the caller's settings are, which stay as they were."""
    with mpl.rc_context(RC):
        yield


def save_figure(figure: Figure, pdf: Path, png: Path, dpi: int = 200) -> None:
    """Write both files, and an SVG beside the PDF; the PNG has `dpi` dots per inch.

    Equal figures give equal bytes: no date, no version, no random ids. The SVG draws letters as outlines, since the
    machine that shows it may lack the font.
    """
    with mpl.rc_context(RC):
        _settle(figure)
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Creator": "growmerge", "Producer": None})
        figure.savefig(png, format="png", dpi=dpi, metadata={"Software": None})
        figure.savefig(pdf.with_suffix(".svg"), format="svg", metadata={"Date": None, "Creator": None})


def _settle(figure: Figure) -> None:
    """Lay the axes out once, for all files.

    The last digits of a layout change from run to run, and with them the ids of clipping rectangles in an SVG.
    """
    for _ in range(2):  # panels of equal aspect find their places in the second pass
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        x, y, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(x, 6), round(y, 6), round(width, 6), round(height, 6)))


def nothing(text: str) -> Figure:
    """What stands in place of a figure that has nothing to show."""
    figure = Figure(figsize=(TEXT_WIDTH, 0.8), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color=GREY)
    return figure


def offsets(count: int, width: float = 0.8) -> list[float]:
    """Positions of `count` marks side by side around 0, within `width`."""
    return [(index - (count - 1) / 2) * width / max(count, 1) for index in range(count)]


def category_axis(axes: Axes, labels: Sequence[str]) -> None:
    """One slot per label at 0, 1, ..., every other slot shaded."""
    for slot in range(1, len(labels), 2):
        axes.axvspan(slot - 0.5, slot + 0.5, color=LIGHT, linewidth=0, zorder=0)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.5, max(len(labels), 1) - 0.5)
    axes.tick_params(axis="x", length=0)


def chance_line(axes: Axes, chance: pd.Series) -> None:
    """A dotted line at the level of guessing, where the measure has one."""
    for level in chance.dropna().unique():
        axes.axhline(level, color=GREY, linestyle=":", linewidth=0.9, zorder=1, gid="chance")


def mark_missing(axes: Axes, x: float, colour: str) -> None:
    """A cross at the foot of the panel where a score should stand."""
    transform = axes.get_xaxis_transform()
    axes.plot([x], [0.035], "x", color=colour, markersize=3.2, markeredgewidth=0.9, transform=transform, gid="missing")


def make_room(axes: Axes, share: float) -> None:
    """Extend the panel downwards by `share` of its height, for what stands at its foot."""
    low, high = axes.get_ylim()
    axes.set_ylim(low - share * (high - low), high)


def key(label: str, **look: Any) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], label=label, **{"linestyle": "none", "color": GREY, **look})


def bars_key(meaning: str) -> Line2D:
    """A legend entry that says what thin vertical bars mean; a figure names its own, since they differ."""
    return key(f"bars: {meaning}", marker="|", markersize=7, markeredgewidth=0.8)


def means_key(table: pd.DataFrame) -> list[Line2D]:
    """The legend entry of `wide_bar` and `bar_at_edge`, if a mean of `table` has an interval."""
    if "interval_low" not in table or table["interval_low"].isna().all():
        return []
    return [key("95 % interval of a mean", linestyle="-", **WIDE)]


def wide_bar(axes: Axes, x: float, mark: Any, colour: str) -> None:
    """Draw the interval over seeds of the mean `mark`, if `summaries.with_intervals` has given it one."""
    if pd.notna(getattr(mark, "interval_low", None)):
        axes.vlines(x, mark.interval_low, mark.interval_high, color=colour, zorder=1.8, gid="interval", **WIDE)


def bar_at_edge(axes: Axes, place: int, mark: Any, colour: str) -> None:
    """Draw the interval of a mean that is a line across the panel: at the right edge, in column `place` from 0 on."""
    if pd.notna(getattr(mark, "interval_low", None)):
        x, transform = 1.012 + 0.016 * place, axes.get_yaxis_transform()
        ends = [mark.interval_low, mark.interval_high]
        look = {"color": colour, "clip_on": False, "transform": transform, "solid_capstyle": "butt", **WIDE}
        axes.plot([x, x], ends, gid="at edge", **look)


def name_languages(figure: Figure, names: Mapping[str, str]) -> None:
    """Write the names of the languages whose codes the figure shows above its legend: `swe Swedish   isl Icelandic`.

    Codes stay at the marks, where names have no room, and as they are in tables. A name that no font can draw, or that
    is the code, is left out. In lines of some 100 characters, which fit the width of the text.
    """
    labels = figure.findobj(Text)
    shown = {label.get_text().strip().removeprefix("+") for label in labels}
    known = [f"{code} {name}" for code, name in names.items() if code in shown and drawable(name, code) != code]
    if not known:
        return
    wide = "\N{NO-BREAK SPACE}"
    line = textwrap.fill("   ".join(entry.replace(" ", wide) for entry in known), 100, break_long_words=False)
    legend = figure.legends[0] if figure.legends else figure.legend(handles=[], loc="outside lower center")
    legend.set_title(line.replace(wide, " "))
    legend.get_title().set(size=RC["legend.fontsize"], color=GREY, multialignment="center", gid="languages")


def too_few(table: pd.DataFrame) -> list[Line2D]:
    """A legend entry without a mark, if a score of `table` has no interval since it rests on too few items."""
    without = table["value"].notna() & table["low"].isna()
    return [key(f"no interval: {TOO_FEW}", marker="")] if without.any() else []


def letter_marker(letter: str) -> MarkerStyle:
    """A letter as a marker. Only mathematics can be one, so it is read as such here, and nowhere else (`RC`)."""
    with mpl.rc_context({"text.parse_math": True}):
        return MarkerStyle(rf"$\mathrm{{{letter}}}$")


def setup_keys(by_setup: dict[str, Look]) -> list[Artist]:
    """Legend entries for the setups."""
    return [key(look.label, color=look.colour, marker=look.marker) for look in by_setup.values()]
