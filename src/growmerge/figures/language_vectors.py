"""Language vectors, models minus their ancestor: their directions, sizes and conflicting signs."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from growmerge.config.analysis import Analysis
from growmerge.figures.common.figure import Figure
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import of_all, over, signed
from growmerge.ids import ALL
from growmerge.lazily import lazily
from growmerge.study.grid import Model
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure as Drawing

with lazily():
    import matplotlib as mpl
    import numpy as np
    import pandas as pd

    from growmerge.comparing import places
    from growmerge.figures.common import style

COLUMNS = ("part", "setup", "first", "second", "layer", "kind", "value", "low", "high", "n")
COLOURS = "cividis"
HATCHED: dict[str, Any] = {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "////", "linewidth": 0}
KIND_LABELS = {"embedding": "emb."}
NUMBERS_FROM = 0.24  # inches: the least cell in which a number can be read


def _models(shown: Shown) -> list[Model]:
    """The experts, if there are several: their weights, not their scores, are compared."""
    return shown.experts if len(shown.study.languages) > 1 else []


def language_vectors_data(comparisons: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """What is plotted, one line per mark, from the comparisons of all setups.

    - part "pair": the cosine of two language vectors; NaN and n = 0 where they were not compared.
    - part "norm": the norm of a language's vector relative to that of the ancestor's weights.
    - part "layer" and "kind": by decoder layer, and by kind of tensor, the mean cosine over the `n` pairs that there
      are; `low` and `high` are the lowest and the highest.
    - part "conflict": the same of the share of conflicting signs, by kind of tensor.
    """
    chosen = comparisons[
        comparisons["setup"].isin(selection.setups)
        & comparisons["first"].isin(selection.languages)
        & comparisons["second"].isin(["", *selection.languages])
    ]
    whole = chosen[chosen["layer"].isna() & (chosen["kind"] == ALL)]
    parts = [_pairs(whole, selection), _norms(whole, selection)]
    cosines = chosen[chosen["measure"] == "cosine"]
    conflicts = chosen[chosen["measure"] == "sign_conflicts"]
    parts.append(_profile("layer", cosines[cosines["layer"].notna() & (cosines["kind"] == ALL)], selection))
    for part, rows in (("kind", cosines), ("conflict", conflicts)):
        parts.append(_profile(part, rows[rows["layer"].isna() & (rows["kind"] != ALL)], selection))
    table = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    text = dict.fromkeys(["part", "setup", "first", "second", "kind"], "str")
    return table.astype(text | dict.fromkeys(["value", "low", "high"], "float64") | {"layer": "Int64", "n": "int64"})


def _pairs(whole: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    rows = whole[whole["measure"] == "cosine"].itertuples()
    found = {(row.setup, frozenset((row.first, row.second))): row.value for row in rows}
    pairs = product(selection.setups, combinations(selection.languages, 2))
    lines = [(s, *pair, found.get((s, frozenset(pair)), np.nan)) for s, pair in pairs]
    return _marks("pair", pd.DataFrame(lines, columns=["setup", "first", "second", "value"]))


def _norms(whole: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    rows = whole[whole["measure"] == "relative_norm"].itertuples()
    found = {(row.setup, row.first): row.value for row in rows}
    cells = product(selection.setups, selection.languages)
    lines = [(*cell, found.get(cell, np.nan)) for cell in cells]
    return _marks("norm", pd.DataFrame(lines, columns=["setup", "first", "value"]))


def _marks(part: str, lines: pd.DataFrame) -> pd.DataFrame:
    blank = {column: "" for column in ("second", "kind") if column not in lines}
    known = lines["value"].notna().astype(int)
    return lines.assign(part=part, layer=pd.NA, low=lines["value"], high=lines["value"], n=known, **blank)


def _profile(part: str, rows: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """Mean, lowest and highest over pairs, setups in their order, layers and kinds in theirs."""
    over = "layer" if part == "layer" else "kind"
    found = rows.groupby(["setup", over])["value"].agg(value="mean", low="min", high="max", n="count").reset_index()
    place = {name: index for names in (selection.setups, places.TENSOR_KINDS) for index, name in enumerate(names)}
    ordered = found.sort_values(["setup", over], key=lambda values: values.map(lambda value: place.get(value, value)))
    blank = {column: "" for column in ("first", "second", "kind") if column not in ordered}
    return ordered.assign(part=part, **blank, **({} if over == "layer" else {"layer": pd.NA}))


def draw_language_vectors(table: pd.DataFrame) -> Drawing:
    """Draw `language_vectors_data`: cosines as heat maps above, profiles of the setups below."""
    setups = list(dict.fromkeys(table["setup"]))
    pairs, norms = table[table["part"] == "pair"], table[table["part"] == "norm"]
    languages = list(dict.fromkeys(norms["first"]))
    looks = style.looks(setups)
    side = min((style.TEXT_WIDTH - 0.9) / max(len(setups), 1), max(0.4 * len(languages), 0.9))
    figure = style.Figure(figsize=(style.TEXT_WIDTH, side + 3.5), layout="constrained")
    grid = style.GridSpec(2, 1, figure=figure, height_ratios=(side + 0.1, 3.0))
    above = grid[0].subgridspec(1, max(len(setups), 1))
    norm = _scale(pairs["value"])
    heat_maps = [figure.add_subplot(above[index]) for index in range(len(setups))]
    for index, (setup, axes) in enumerate(zip(setups, heat_maps, strict=True)):
        _heat_map(axes, pairs[pairs["setup"] == setup], languages, norm, side / max(len(languages), 1) >= NUMBERS_FROM)
        axes.set_title(looks[setup].label)
        axes.tick_params(labelleft=index == 0)
    mappable = mpl.cm.ScalarMappable(norm, mpl.colormaps[COLOURS])
    bar = figure.colorbar(mappable, ax=heat_maps, fraction=0.05, pad=0.015, aspect=14)
    bar.outline.set_visible(False)
    bar.set_label("cosine")

    below = grid[1].subgridspec(2, 2, width_ratios=(1, 1.6))
    by_layer, by_kind, by_language, conflicts = (figure.add_subplot(below[i, j]) for i in (0, 1) for j in (0, 1))
    _lines(by_layer, table[table["part"] == "layer"], looks)
    _marks_by(by_kind, table[table["part"] == "kind"], "kind", looks)
    _marks_by(by_language, norms, "first", looks)
    _marks_by(conflicts, table[table["part"] == "conflict"], "kind", looks)
    by_layer.set(xlabel="layer", ylabel="Cosine")
    by_language.set(ylabel="Norm relative\nto the ancestor")
    by_language.set_ylim(bottom=0)
    by_kind.set(ylabel="Cosine")
    conflicts.set(ylabel="Sign conflicts")
    conflicts.set_ylim(bottom=0)
    for axes, independent in ((by_layer, 0.0), (by_kind, 0.0), (conflicts, 0.5)):
        axes.axhline(independent, color=style.GREY, linestyle=":", linewidth=0.9, zorder=1, gid="independent")
    keys = style.setup_keys(looks)
    keys.append(style.key("as of independent vectors", **style.CHANCE_KEY))
    keys.append(style.bars_key("lowest to highest pair"))
    if table["value"].isna().any():
        keys.append(style.Patch(label="not compared", **HATCHED))
    figure.legend(handles=keys, loc="outside lower center", ncols=min(6, len(keys)), columnspacing=1.4)
    return figure


def _scale(values: pd.Series) -> Normalize:
    """From zero, or the lowest cosine if that is lower, to the highest."""
    known = values.dropna()
    low, high = (min(0.0, known.min()), known.max()) if len(known) else (0.0, 1.0)
    return style.Normalize(low, high if high > low else low + 0.01)


def _heat_map(axes: Axes, rows: pd.DataFrame, languages: list[str], norm: Normalize, numbers: bool) -> None:
    """The pairs on both sides of an empty diagonal, which says nothing."""
    colours = mpl.colormaps[COLOURS]
    for pair in rows.itertuples():
        at = languages.index(pair.first), languages.index(pair.second)
        for x, y in (at, at[::-1]):
            if pd.isna(pair.value):
                axes.add_patch(style.Rectangle((x - 0.5, y - 0.5), 1, 1, gid="missing", **HATCHED))
                continue
            colour = colours(norm(pair.value))
            cell = style.Rectangle(
                (x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6, gid="cell"
            )
            axes.add_patch(cell)
            if numbers:
                # Relative luminance (ITU-R BT.709): white on dark cells, black on light ones.
                ink = "white" if np.dot(colour[:3], (0.2126, 0.7152, 0.0722)) < 0.45 else "black"
                axes.text(x, y, f"{pair.value:.2f}", ha="center", va="center", color=ink, size=6)
    axes.set_xticks(range(len(languages)), languages)
    axes.set_yticks(range(len(languages)), languages)
    axes.set_xlim(-0.5, max(len(languages), 1) - 0.5)
    axes.set_ylim(max(len(languages), 1) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _lines(axes: Axes, rows: pd.DataFrame, looks: dict[str, style.Look]) -> None:
    """A line a setup over the layers, with the range over pairs as a band."""
    for setup, line in rows.groupby("setup", sort=False):
        look = looks[setup]
        layers = line["layer"].astype(int)
        axes.fill_between(layers, line["low"], line["high"], color=look.colour, alpha=0.12, linewidth=0)
        marker = look.marker if len(layers) <= 12 else ""
        axes.plot(layers, line["value"], "-", marker=marker, color=look.colour, zorder=3, gid="layer")
    axes.xaxis.set_major_locator(style.MaxNLocator(integer=True))


def _marks_by(axes: Axes, rows: pd.DataFrame, slot: str, looks: dict[str, style.Look]) -> None:
    """A mark a setup in every slot, with the range over pairs as a bar."""
    slots = list(dict.fromkeys(rows[slot]))
    style.category_axis(axes, [KIND_LABELS.get(name, name) for name in slots])
    dodge = dict(zip(looks, style.offsets(len(looks)), strict=True))
    for mark in rows.itertuples():
        look = looks[mark.setup]
        x = slots.index(getattr(mark, slot)) + dodge[mark.setup]
        if pd.isna(mark.value):
            style.mark_missing(axes, x, look.colour)
            continue
        axes.vlines(x, mark.low, mark.high, color=look.colour, linewidth=0.8, alpha=0.6, zorder=2)
        axes.plot([x], [mark.value], look.marker, color=look.colour, zorder=3, gid=mark.part)


def _caption(selection: Selection, analysis: Analysis) -> str:
    return (
        f"Language vectors (a model's weights minus those of its ancestor), {over(selection)}. Above: "
        "cosines of all pairs, "
        "over all weights, most of which may be the embedding's. Below: mean cosine of the pairs by decoder layer "
        "and by kind of tensor (bars and bands: lowest and highest pair); norm of each vector relative to that "
        "of the ancestor's weights; share of elements with opposite signs among those in which both vectors differ "
        "from zero. Dotted: what independent vectors would give. Hatched or crossed: not compared, or no score."
    )


NEARLY_ORTHOGONAL = 0.1  # largest cosine, in size, of vectors that are called so


def vectors_finding(comparisons: pd.DataFrame, selection: Selection) -> str:
    """Whether language vectors are nearly orthogonal, as task vectors are, and how many of their signs conflict.

    From the values over all weights, of the pairs of the selected languages in each selected setup. If tokens were
    counted, also how much of the vectors' embedding lies in rows of tokens that the languages' text never holds.
    """
    chosen = comparisons[
        comparisons["layer"].isna()
        & (comparisons["kind"] == ALL)
        & comparisons["first"].isin(selection.languages)
        & comparisons["second"].isin(selection.languages)
    ].dropna(subset="value")
    parts, orthogonal, known = [], [], []
    for setup in selection.setups:
        ours = chosen[chosen["setup"] == setup]
        cosines, conflicts = (
            ours.loc[ours["measure"] == name, "value"].to_numpy() for name in ("cosine", "sign_conflicts")
        )
        if not len(cosines):
            continue
        known.append(setup)
        if np.abs(cosines).max() <= NEARLY_ORTHOGONAL:
            orthogonal.append(setup)
        signs = f", sign conflicts {_range(100 * conflicts, '.0f')} %" if len(conflicts) else ""
        parts.append(f"{setup} {_range(cosines, '.2f')}{signs}")
    if not known:
        return "No models were compared."
    return (
        f"Cosines over all weights: {'; '.join(parts)} (independent vectors: 0 and 50 %). Task vectors are typically "
        f"close to orthogonal (Ilharco et al. 2023); language vectors are (every cosine within ±{NEARLY_ORTHOGONAL:g}) "
        f"in {of_all(orthogonal, known, 'setup')}.{_unseen(comparisons, selection)}"
    )


def _unseen(comparisons: pd.DataFrame, selection: Selection) -> str:
    chosen = comparisons[
        (comparisons["measure"] == "unseen_share")
        & (comparisons["kind"] == "embedding")
        & comparisons["setup"].isin(selection.setups)
        & comparisons["first"].isin(selection.languages)
    ].dropna(subset="value")
    if chosen.empty:
        return ""
    shares = _range(100 * chosen["value"].to_numpy(), ".0f")
    return (
        f" In the embedding, {shares} % of a vector's squared norm lies in rows of tokens that the language's text "
        "never holds."
    )


def _range(values: np.ndarray, form: str) -> str:
    low, high = (signed(format(value, form)) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


FIGURE = Figure(
    models=_models,
    data=language_vectors_data,
    draw=draw_language_vectors,
    caption=_caption,
    finding=lambda drawn: vectors_finding(pd.read_parquet(drawn.table), drawn.selection),
    source="comparisons",
    over_seeds=False,
)
