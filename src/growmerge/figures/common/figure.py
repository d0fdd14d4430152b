"""What a figure is: the models that it shows, its data, its drawing, its caption, and what it shows, in one object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from growmerge.config.analysis import Analysis
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import measured, of_noiseless_clones
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Drawn:
    """What a finding is found in: the plotted `data`, the `table` (Parquet) that they come from, and the selection."""

    data: pd.DataFrame
    table: Path
    selection: Selection


@dataclass(frozen=True)
class Figure:
    """A figure; `FIGURE` of a module in `growmerge.figures` is drawn under the name of the module.

    Attributes:
        models: the models that it shows, of those that the study has; without any it is not drawn.
        data: what is plotted, one line a mark, from the table of these models; it is saved as the CSV beside the
            figure.
        draw: draws exactly these data; in the style of all figures.
        caption: what is shown, how to read it, how far to trust it. What scores are, and the study, are added to it.
        finding: what it shows, in numbers, computed from the data; empty where there is nothing to say. Without one
            the figure poses no question.
        selection: what `data` and `caption` want to know beside languages, setups and English, as plain data; other
            `setups` or `methods` replace the study's. Whatever stands in it draws the figure anew when it is edited.
        source: `scores`: the table has a summary of the scores of its models (`growmerge.tables.summary`), and is made
            for it. `comparisons`: a rule of its own makes the table of its name from comparisons of models. `gap`: the
            table of shares of the gap to joint training (`growmerge.tables.gap`), whose name is the figure's.
            `tokenizer`: likewise the table of what the tokenizer makes of each language
            (`growmerge.tables.tokenizer`).
    """

    models: Callable[[Shown], Sequence[Model]]
    data: Callable[[pd.DataFrame, Selection], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Drawing]
    caption: Callable[[Selection, Analysis], str]
    finding: Callable[[Drawn], str] | None = None
    selection: Callable[[Shown], Mapping[str, Any]] = lambda shown: {}
    source: Literal["scores", "comparisons", "gap", "tokenizer"] = "scores"

    def selected(self, shown: Shown) -> dict[str, Any]:
        """What `Selection.of` reads: params of the rule that draws the figure."""
        study = shown.study
        common = {"languages": study.language_codes, "setups": shown.setups, "english": study.english.code}
        noiseless = {"noiseless": shown.noiseless} if shown.noiseless else {}  # no param where there is none
        return common | noiseless | dict(self.selection(shown))

    def text(
        self, selection: Selection, analysis: Analysis, *, study: str, measures: Collection[str] | None = None
    ) -> str:
        """The caption as one paragraph.

        The figure's own, what clones without noise are, what the scores in `measures` are, the study and its note.
        """
        scores = "" if measures is None else measured(measures, analysis)
        own, clones = self.caption(selection, analysis), of_noiseless_clones(selection)
        parts = (own, clones, scores, f"Study: {study}.", analysis.note)
        return " ".join(part for part in parts if part)

    def drawn(self, data: pd.DataFrame) -> Drawing:
        """`draw` in the style of all figures."""
        from growmerge.figures.common import style  # with matplotlib

        with style.applied():
            return self.draw(data)
