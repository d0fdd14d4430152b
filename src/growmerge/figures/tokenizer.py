"""What the tokenizer makes of each language, before anything is trained: the cost of a text, the vocabulary used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from growmerge.config.analysis import Analysis
from growmerge.figures.common.figure import Drawn, Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import listed
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown
from growmerge.study.tokenizer import MOST_TIMES_ENGLISH

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

with lazily():
    import pandas as pd

    from growmerge.figures.common import style

# Column of the table -> title of its panel, factor to the unit of its axis.
PANELS = {
    "bytes_per_token": ("Bytes per token", 1),
    "tokens_per_word": ("Tokens per word", 1),
    "fragments": ("Fragments (% of tokens)", 100),
    "vocabulary": ("Vocabulary used (%)", 100),
}
_COLOUR = "#56B4E9"  # Okabe and Ito (2008); light, so that lines over it can be seen


def _models(shown: Shown) -> list[Model]:
    """What is trained on the tokenizer's output; models of others bring their own tokenizers."""
    trained = {model.id for model in shown.grid.trained}
    return [model for model in [*shown.bases, *shown.models] if model.id in trained]


def _selection(shown: Shown) -> dict[str, Any]:
    """No setups: one tokenizer is that of all."""
    return {"setups": []}


def tokenizer_data(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line a bar: `language`, `statistic` (of `PANELS`), `value`, and `times_english`.

    English stands first, then the languages in the order of the selection. `times_english` are the tokens a byte, over
    those of English. A language without held-out text has NaN.
    """
    order = list(dict.fromkeys([selection.english, *selection.languages]))
    table = table.set_index("language").reindex(order).reset_index()
    bars = table.melt(["language", "times_english"], list(PANELS), "statistic", "value")
    bars.insert(0, "english", bars["language"] == selection.english)
    return bars


def draw_tokenizer(bars: pd.DataFrame) -> Drawing:
    """A panel for each statistic, a bar for each language; a line at English, one at twice its tokens a byte."""
    languages = list(dict.fromkeys(bars["language"]))
    height = 0.17 * len(languages) + 0.85
    figure = style.Figure(figsize=(style.TEXT_WIDTH, height), layout="constrained")
    for axes, (statistic, (title, factor)) in zip(
        figure.subplots(1, len(PANELS), sharey=True), PANELS.items(), strict=True
    ):
        part = bars[bars["statistic"] == statistic]
        values = factor * part["value"]
        colours = ["0.65" if english else _COLOUR for english in part["english"]]
        axes.barh(range(len(part)), values.fillna(0.0), height=0.7, color=colours, gid="bar")
        for place in (place for place, value in enumerate(values) if pd.isna(value)):
            axes.plot([0.03], [place], color=style.GREY, transform=axes.get_yaxis_transform(), **style.MISSING_KEY)
        for english in values[part["english"]].dropna():
            axes.axvline(english, color=style.GREY, linewidth=0.6, linestyle="--", zorder=3)
            if statistic == "bytes_per_token":
                axes.axvline(english / MOST_TIMES_ENGLISH, color=style.GREY, linewidth=0.9, linestyle=":", zorder=3)
        axes.set_title(title)
        axes.set_yticks(range(len(part)), part["language"])
        axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()  # shared by all panels
    keys = [
        style.key("English", linestyle="--", linewidth=0.6),
        style.key(f"{MOST_TIMES_ENGLISH:g} × English's tokens a byte", linestyle=":", linewidth=0.9),
    ]
    if bars["value"].isna().any():
        keys.append(style.key("nothing held out", **style.MISSING_KEY))
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"What the tokenizer makes of held-out text of English, {listed(selection.languages)}, before any training; a "
        "cross where nothing is held out. Bytes are those of UTF-8, in which letters outside of ASCII have 2 to 4. "
        "Words stand between spaces; in scripts without spaces, two characters count as a word in Chinese and "
        "Japanese, four in South East Asia's. Fragments are tokens that are unknown or only a part of a character. The "
        "share of the vocabulary that is used grows with the amount of text, which the table `tokenizer` states."
    )


def _finding(drawn: Drawn) -> str:
    bars = drawn.data[drawn.data["statistic"] == "bytes_per_token"].dropna(subset="value")
    if bars.empty:
        return ""
    low, high = bars.loc[bars["value"].idxmin()], bars.loc[bars["value"].idxmax()]
    dear = [
        f"{bar.language} ({bar.times_english:.1f} times)"
        for bar in bars.itertuples()
        if bar.times_english > MOST_TIMES_ENGLISH
    ]
    paid = (
        f"More than {MOST_TIMES_ENGLISH:g} times as many tokens a byte as English: {listed(dear)}."
        if dear
        else f"No language takes more than {MOST_TIMES_ENGLISH:g} times as many tokens a byte as English."
    )
    return (
        f"A token holds from {low['value']:.2f} bytes ({low['language']}) to {high['value']:.2f} ({high['language']}). "
        f"{paid}"
    )


FIGURE = Figure(
    models=_models,
    data=tokenizer_data,
    draw=draw_tokenizer,
    caption=_caption,
    finding=_finding,
    selection=_selection,
    source="tokenizer",
)
