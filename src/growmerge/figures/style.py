"""One look for all figures: sizes of a two-column paper, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec

import matplotlib as mpl
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

TEXT_WIDTH = 6.3  # inches: both columns of an ACL paper
GREY, LIGHT = "0.35", "0.955"

# The caller's settings and matplotlibrc must not change a figure, so all of matplotlib's defaults stand first. The
# backend is left out: it belongs to windows, and no figure here is shown in one.
RC: dict[Any, Any] = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"} | {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same on every machine
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

MEASURE_LABELS = {
    "acceptability": "Linguistic acceptability",
    "parity": "Information parity",
    "facts": "Factual knowledge",
    "belebele": "Belebele accuracy",
    "hellaswag": "HellaSwag accuracy",
    "xcsqa": "X-CSQA accuracy",
    "translation": "Translation (chrF++)",
    "heldout_translation": "Translation (chrF++)",
}
SETUP_LABELS = {"1x": "1×", "1x_cloned": "1× cloned", "2x": "2×"}
SIMILARITY_LABELS = {
    "cka": "CKA",
    "cka_without_first": "CKA without\nfirst token",
    "cka_standardised": "CKA\nstandardised",
    "cosine": "Cosine of lan-\nguage vectors",
    "sign_conflicts": "Sign\nconflicts",
    "weighted_sign_conflicts": "Sign conflicts\nweighted",
    "weight_cosine": "Cosine of\nweights",
    "l2_difference": "L2\ndifference",
    "mean_l2_difference": "Mean L2\ndifference",
    "stable_rank_difference": "Stable-rank\ndifference",
    "typological_distance": "Typological\ndistance",
}
METHOD_LABELS = {
    "linear": "Linear",
    "task_arithmetic": "Task\narithmetic",
    "ties": "TIES",
    "dare_ties": "DARE-\nTIES",
    "multislerp": "Multi-\nSLERP",
}
DASHES: tuple[Any, ...] = tuple(
    (0, on_and_off)
    for on_and_off in ((5, 1.5), (2.5, 1.2), (6, 1.2, 1, 1.2), (3, 1, 1, 1, 1, 1), (10, 2), (8, 1, 2, 1, 2, 1))
)


# Tol's "muted" (2021), for languages: none of the setups' colours, and a shape for each.
LANGUAGE_COLOURS = ("#332288", "#CC6677", "#117733", "#DDCC77", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499")
LANGUAGE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
# Okabe and Ito (2008); each setup has a shape, too, so that a print in grey can be read.
_LOOKS = {"1x": ("#0072B2", "o"), "1x_cloned": ("#E69F00", "s"), "2x": ("#009E73", "^"), "scratch": ("#CC79A7", "D")}
_OTHER_LOOKS = (("#D55E00", "v"), ("#56B4E9", "P"), ("#000000", "X"), ("#B8A800", "p"))

P = ParamSpec("P")


class Look(NamedTuple):
    """Colour, marker and name of a setup."""

    colour: str
    marker: str
    label: str


def looks(setups: Iterable[str]) -> dict[str, Look]:
    """A look for every setup: the same for the papers' setups in every figure, in order for any other."""
    setups = list(setups)
    others = [setup for setup in setups if setup not in _LOOKS]
    spare = {setup: _OTHER_LOOKS[index % len(_OTHER_LOOKS)] for index, setup in enumerate(others)}
    return {setup: Look(*(_LOOKS | spare)[setup], SETUP_LABELS.get(setup, setup)) for setup in setups}


def language_look(place: int) -> Look:
    """A look for the language that stands at `place` among those of a figure."""
    colour = LANGUAGE_COLOURS[place % len(LANGUAGE_COLOURS)]
    return Look(colour, LANGUAGE_MARKERS[place % len(LANGUAGE_MARKERS)], "")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in this style whatever the caller's settings are, and leave those as they were."""

    @wraps(draw)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return inner


def save_figure(figure: Figure, pdf: Path, png: Path, dpi: int = 200) -> None:
    """Write both files, the PNG with `dpi` dots per inch; equal figures give equal bytes: no date, no version."""
    with mpl.rc_context(RC):
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Creator": "growmerge", "Producer": None})
        figure.savefig(png, format="png", dpi=dpi, metadata={"Software": None})


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


def measure_label(measure: str) -> str:
    """The name of a measure in two lines, short enough to stand beside a low panel."""
    return MEASURE_LABELS.get(measure, measure).replace(" ", "\n", 1)


def method_label(method: str) -> str:
    """The name of a merge method in one line."""
    return METHOD_LABELS.get(method, method).replace("-\n", "-").replace("\n", " ")


def make_room(axes: Axes, share: float) -> None:
    """Extend the panel downwards by `share` of its height, for what stands at its foot."""
    low, high = axes.get_ylim()
    axes.set_ylim(low - share * (high - low), high)


def key(label: str, **look: Any) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], label=label, **{"linestyle": "none", "color": GREY, **look})


def setup_keys(by_setup: dict[str, Look]) -> list[Artist]:
    """Legend entries for the setups."""
    return [key(look.label, color=look.colour, marker=look.marker) for look in by_setup.values()]


CHANCE_KEY: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9}
MISSING_KEY: dict[str, Any] = {"marker": "x", "markersize": 3.2, "markeredgewidth": 0.9}
