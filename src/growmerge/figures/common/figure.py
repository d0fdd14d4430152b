"""What a figure is: the models that it shows, its data, its drawing, its caption, and what it shows, in one object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from growmerge.config.analysis import Analysis
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import measured, of_noiseless_clones, of_seeds
from growmerge.study.grid import Model
from growmerge.study.groups import Group
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Drawn:
    """What a finding is found in: the plotted `data`, the `table` (Parquet) that they come from, and the selection.

    `contrasts` is the table (Parquet) of the contrasts that the figure asks for, `signal` that of what benchmarks can
    tell; None without any.
    """

    data: pd.DataFrame
    table: Path
    selection: Selection
    contrasts: Path | None = None
    signal: Path | None = None


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
        contrasts: the kinds of contrasts between its models (`growmerge.tables.contrasts`) that `finding` reads; a
            table of them is made for it. For figures of scores.
        signal: whether `finding` reads what benchmarks can tell (`growmerge.tables.signal`).
        over_seeds: whether, with several seeds, it shows the means over them; else the first seed. Its models are
            always of the first seed, and the table has the means in their place.
        groups: the groups of its models whose means it shows. With several seeds, the table has these means with their
            intervals (`growmerge.tables.group_means`), which `summaries.with_intervals` adds to the data.
    """

    models: Callable[[Shown], Sequence[Model]]
    data: Callable[[pd.DataFrame, Selection], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Drawing]
    caption: Callable[[Selection, Analysis], str]
    finding: Callable[[Drawn], str] | None = None
    selection: Callable[[Shown], Mapping[str, Any]] = lambda shown: {}
    source: Literal["scores", "comparisons", "gap", "tokenizer"] = "scores"
    contrasts: Callable[[Shown], Collection[str]] = lambda shown: ()
    signal: bool = False
    over_seeds: bool = True
    groups: Callable[[Shown], Sequence[Group]] = lambda shown: ()

    def selected(self, shown: Shown) -> dict[str, Any]:
        """What `Selection.of` reads: params of the rule that draws the figure."""
        study = shown.study
        names = {language.code: language.name for language in study.languages}
        names |= {study.english.code: study.english.name}
        common = {
            "languages": study.language_codes,
            "setups": shown.setups,
            "english": study.english.code,
            "names": names,
        }
        noiseless = {"noiseless": shown.noiseless} if shown.noiseless else {}  # no param where there is none
        replicates = shown.grid.replicates
        seeds = {"seeds": replicates.seeds, "over_seeds": self.over_seeds} if replicates.further else {}
        return common | noiseless | seeds | dict(self.selection(shown))

    def text(
        self, selection: Selection, analysis: Analysis, *, study: str, measures: Collection[str] | None = None
    ) -> str:
        """The caption as one paragraph.

        The figure's own, which seeds it shows, what clones without noise are, what the scores in `measures` are, the
        study and its note.
        """
        scores = "" if measures is None else measured(measures, analysis)
        own, clones = self.caption(selection, analysis), of_noiseless_clones(selection)
        parts = (own, of_seeds(selection), clones, scores, f"Study: {study}.", analysis.note)
        return " ".join(part for part in parts if part)

    def drawn(self, data: pd.DataFrame, names: Mapping[str, str] | None = None) -> Drawing:
        """`draw` in the style of all figures, with the `names` of languages (by code) that it shows by their codes."""
        from growmerge.figures.common import style  # with matplotlib

        with style.applied():
            figure = self.draw(data)
            style.name_languages(figure, names or {})
            return figure
