"""A summary of known scores, such as `growmerge.tables.summary.summarise` makes."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel

from growmerge.figures.common.selection import Selection
from growmerge.tables.summary import SUMMARY_COLUMNS

REACH = 0.04  # from a score to either end of its interval
CHANCE = 0.5

Scores = Mapping[str, Mapping[str, Mapping[str, float | None]]]


def summary_of(scores: Scores) -> pd.DataFrame:
    """By model, measure and language, a score, or None for a hole; every model has a row for each cell that any has."""
    cells = sorted({(m, x) for of_model in scores.values() for m, row in of_model.items() for x in row})
    rows = []
    for identifier, of_model in scores.items():
        for measure, language in cells:
            value = of_model.get(measure, {}).get(language)
            there = value is not None
            number = float(value) if there else np.nan
            counts = (100 if there else 0, 0, np.nan if measure == "parity" else CHANCE)
            key = (measure, language, "all")
            rows.append((identifier, *_about(identifier), *key, number, number - REACH, number + REACH, *counts))
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)).astype({"step": "Int64"})


def _about(identifier: str) -> tuple[str, str, str, str, int, int | None]:
    """Kind, setup, target, method, number of languages and step, as the grid writes them into an id."""
    first, *rest = identifier.split("/")
    if first == "external" or not rest:
        return ("external" if rest else "base", "", "", "", 0, None)
    target, _, step = rest[0].partition("@")
    method = "".join(rest[1:])
    kind = "merge" if method else "checkpoint" if step else "model"
    if "~" in method:
        kind, method = "healed", method.partition("~")[0]
    return (kind, first, target, method, len(target.split("+")), int(step) if step else None)


def without(summary: pd.DataFrame, **where: str) -> pd.DataFrame:
    """The summary with holes where the columns have these values."""
    chosen = np.logical_and.reduce([summary[column] == value for column, value in where.items()])
    assert chosen.any()
    holes = {column: summary[column].where(~chosen) for column in ("value", "low", "high")}
    return summary.assign(n=summary["n"].where(~chosen, 0), **holes)


def artists(figure, gid: str) -> list:
    """The artists marked `gid`, in all panels."""
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def legend(figure) -> list[str]:
    """The labels of the figure's legend."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def clashes(figure) -> list[tuple[str, str]]:
    """Labels of axes, titles and legend that stand on each other or beyond the edge of the figure."""
    figure.draw_without_rendering()
    texts = [axes.title for axes in figure.axes] + [text for box in figure.legends for text in box.get_texts()]
    for axes in figure.axes:
        texts += [axes.xaxis.label, axes.yaxis.label]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            ticks = [tick for tick in axis.get_major_ticks() if min(limits) <= tick.get_loc() <= max(limits)]
            texts += [tick.label1 for tick in ticks if tick.label1.get_visible() and axes.axison]
    legends = [("the legend", box.get_window_extent()) for box in figure.legends]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    assert len(boxes) > 10
    found = [(one, other) for i, (one, box) in enumerate(boxes) for other, its in boxes[i + 1 :] if box.overlaps(its)]
    edge = figure.bbox
    beyond = [text for text, box in boxes + legends if not (edge.contains(*box.p0) and edge.contains(*box.p1))]
    return found + [(text, "the edge") for text in beyond]


def selection(languages, setups, methods=(), method="linear", **own) -> Selection:
    """A selection; what is a figure's own as rules hand it over, as plain data."""
    return Selection(languages, setups, methods, method, own={key: plain(value) for key, value in own.items()})


def plain(value):
    """Dataclasses and models of the configuration within a list as dictionaries."""
    if isinstance(value, list | tuple):
        return [asdict(v) if is_dataclass(v) else v.model_dump() if isinstance(v, BaseModel) else v for v in value]
    return value
