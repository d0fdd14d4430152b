"""Names, colours, markers and dashes: the same for a setup, language, measure or method in every figure.

Plain data without matplotlib, so that files of figures can use it while rules are parsed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

TEXT_WIDTH = 6.3  # inches: both columns of an ACL paper
GREY, LIGHT = "0.35", "0.955"

MEASURE_LABELS = {
    "acceptability": "Linguistic acceptability",
    "parity": "Information parity",
    "bits_per_byte": "Held-out text (bits per byte)",
    "facts": "Factual knowledge",
    "belebele": "Belebele accuracy",
    "hellaswag": "HellaSwag accuracy",
    "xcsqa": "X-CSQA accuracy",
    "translation": "Translation (chrF++)",
    "heldout_translation": "Translation (chrF++)",
}
SETUP_LABELS = {"1x": "1×", "1x_cloned": "1× cloned", "2x": "2×"}
METHOD_LABELS = {
    "linear": "Linear",
    "task_arithmetic": "Task\narithmetic",
    "ties": "TIES",
    "dare_ties": "DARE-\nTIES",
    "multislerp": "Multi-\nSLERP",
    "linear_rows": "Linear,\nrows",
    "ties_rows": "TIES,\nrows",
    "dare_ties_rows": "DARE-TIES,\nrows",
    "iso_c_rows": "Iso-C,\nrows",
    "regmean_rows": "RegMean,\nrows",
    "tuned_rows": "tuned,\nrows",
}
DASHES: tuple[Any, ...] = tuple(
    (0, on_and_off)
    for on_and_off in ((5, 1.5), (2.5, 1.2), (6, 1.2, 1, 1.2), (3, 1, 1, 1, 1, 1), (10, 2), (8, 1, 2, 1, 2, 1))
)


# Tol's "muted" (2021), for languages: none of the setups' colours, and a shape for each. Its four pale colours are
# darkened to a contrast of 3 to 1 with page and shaded slots, as WCAG 2.1 (1.4.11) asks of graphics.
LANGUAGE_COLOURS = ("#332288", "#CC6677", "#117733", "#997700", "#3377AA", "#882255", "#1F8A7A", "#7A7A22", "#AA4499")
# For bases, whose lines lie on each other where their scores are equal: see `interlaced`.
BASE_COLOURS = ("#000000", "#332288", "#7A7A22", "#882255", "#117733")
LANGUAGE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
# Okabe and Ito (2008); each setup has a shape, too, so that a print in grey can be read.
_LOOKS = {"1x": ("#0072B2", "o"), "1x_cloned": ("#E69F00", "s"), "2x": ("#009E73", "^"), "scratch": ("#CC79A7", "D")}
_OTHER_LOOKS = (("#D55E00", "v"), ("#56B4E9", "P"), ("#000000", "X"), ("#B8A800", "p"))


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


def interlaced(count: int) -> list[tuple[float, tuple[float, float]]]:
    """Dashes for `count` lines: where lines coincide, each is seen in the gaps of the others."""
    length = 3.0
    return [(length * index, (length, length * max(count - 1, 1))) for index in range(count)]


def measure_label(measure: str) -> str:
    """The name of a measure in two lines, short enough to stand beside a low panel."""
    return MEASURE_LABELS.get(measure, measure).replace(" ", "\n", 1)


def method_label(method: str) -> str:
    """The name of a merge method in one line."""
    return METHOD_LABELS.get(method, method).replace("-\n", "-").replace("\n", " ")


CHANCE_KEY: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9}
MISSING_KEY: dict[str, Any] = {"marker": "x", "markersize": 3.2, "markeredgewidth": 0.9}
