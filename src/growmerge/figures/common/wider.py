"""Is a wider model better? One answer from the contrasts between setups, for the findings of several figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from growmerge import ids
from growmerge.catalogue.entry import LOWER_IS_BETTER
from growmerge.figures.common.palette import MEASURE_LABELS
from growmerge.figures.common.selection import Selection
from growmerge.figures.common.wording import difference, listed, signed
from growmerge.ids import ALL
from growmerge.lazily import lazily
from growmerge.study.shown import Shown

if TYPE_CHECKING:
    from growmerge.figures.common.figure import Drawn

with lazily():
    import numpy as np
    import pandas as pd

    from growmerge.tables import contrasts, statistics, summary

LEVEL = 0.05
BETTER, WORSE, UNSURE = "better", "worse", "cannot tell"
CELL = ("wide", "narrow", "target", "method", "measure", "benchmark", "language")
LISTED = 6  # comparisons whose languages are named; of more, only their number is given

_RULE = (
    " What it shows, below, compares wider setups with narrower ones on the same items; a difference is positive where "
    "the wider setup is better. A comparison is better or worse if its 95 % interval leaves out 0 and "
    f"p < {LEVEL:g} ({{test}}, adjusted by Holm over all comparisons of the measure in this figure). If both "
    "models are at chance (their intervals reach chance or lie below), it is not sure. The answer agrees with 'wider "
    "is better' if at least half of the comparisons are better and none is worse; it contradicts if at least half are "
    "worse and none is better; else it cannot tell. Intervals are over {over}."
)
_ONE_SEED = {"test": "exact sign test", "over": "items: every model was trained once"}


def rule(selection: Selection) -> str:
    """When `answer` says what, after other sentences of a caption; nothing where no setup is wider than another."""
    runs = {
        "test": "t test over seeds and items, or the exact sign test over items where only one seed has scores",
        "over": f"seeds and items: every setup that is trained here was trained {len(selection.seeds)} times",
    }
    said = runs if selection.averaged else _ONE_SEED
    return _RULE.format(**said) if selection.own.get("wider") else ""


def wider_setups(shown: Shown, *, costs: bool = True) -> dict[str, Any]:
    """`wider`: pairs of a wider and a narrower setup, and how many times the training FLOPs its experts cost.

    Setups that start from random weights are left out: they differ from others in more than width. The cost is the
    median over languages, ancestors included, in two digits; None where it is not known, and without `costs`.
    """
    grid = shown.grid
    bases = {setup: grid.base(grid.base_of_setup(setup)) for setup in shown.setups}
    trained = [setup for setup, base in bases.items() if base.train or base.from_ != ids.RANDOM]
    pairs = [(w, n) for w in trained for n in trained if grid.width_of_setup(w) > grid.width_of_setup(n)]
    return {"wider": [[*pair, _times_the_cost(shown, *pair) if costs else None] for pair in pairs]}


def between_widths(kind: str) -> Callable[[Shown], list[str]]:
    """The contrasts of this kind for `Figure.contrasts`, in studies that have a wider setup; elsewhere none."""
    return lambda shown: [kind] if wider_setups(shown, costs=False)["wider"] else []


def _times_the_cost(shown: Shown, wide: str, narrow: str) -> float | None:
    experts = [(ids.adapted(wide, code), ids.adapted(narrow, code)) for code in shown.study.language_codes]
    if not all(shown.costs.can_tell(model) for pair in experts for model in pair):
        return None
    total = shown.costs.total_flops
    return float(f"{median(total(w) / total(n) for w, n in experts):.2g}")


def comparisons(drawn: Drawn, kind: str, *, of_merges: bool = False) -> pd.DataFrame:
    """The contrasts of this kind between the experts (or merges) of a wider and a narrower setup, in their languages.

    Returns:
        One row per contrast, benchmark and language: `wide` and `narrow` (setups), `target` and `method`, `measure`,
        `benchmark`, `language`; `gain` with `low` and `high`, positive where the wider model is better; `experts`, the
        gain of the experts in that language; `outcome`: `BETTER`, `WORSE` or `UNSURE`, as `rule` has it.
    """
    empty = pd.DataFrame(columns=list(contrasts.COLUMNS))
    table = empty if drawn.contrasts is None else pd.read_parquet(drawn.contrasts)
    table = table[table["contrast"] == kind]
    at_chance = _at_chance(summary.over_all_seeds(pd.read_parquet(drawn.table)))
    pairs = {(wide, narrow) for wide, narrow, _ in drawn.selection.own.get("wider", ())}
    rows = []
    for row in table.itertuples():
        setups = ids.setup_of(row.first), ids.setup_of(row.second)
        target, _, method = ids.without_setup(ids.split_step(row.first)[0]).partition(ids.SLASH)
        known = set(ids.languages_of(target)) <= set(drawn.selection.languages)
        if not known or row.language not in ids.languages_of(target) or not {setups, setups[::-1]} & pairs:
            continue
        wide, narrow = setups if setups in pairs else setups[::-1]
        sign = (1 if setups in pairs else -1) * (-1 if row.measure in LOWER_IS_BETTER else 1)
        low, high = sorted((sign * row.low, sign * row.high))
        unsure = all((name, row.measure, row.language) in at_chance for name in (row.first, row.second))
        about = (wide, narrow, target, method, row.measure, row.benchmark, row.language)
        rows.append((*about, sign * row.difference, low, high, row.p, unsure))
    found = pd.DataFrame(rows, columns=[*CELL, *("gain", "low", "high", "p", "at_chance")]).dropna(subset="gain")
    same = ["wide", "narrow", "measure", "benchmark", "language"]
    experts = found[found["method"] == ""].rename(columns={"gain": "experts"})[[*same, "experts"]]
    found = found[(found["method"] != "") == of_merges].merge(experts, on=same, how="left")
    found["p_holm"] = np.nan
    for _, family in found.groupby("measure"):
        found.loc[family.index, "p_holm"] = statistics.holm(family["p"])
    sure = (found["p_holm"] < LEVEL) & ~found["at_chance"].astype(bool)
    outcomes = [BETTER, WORSE]
    found["outcome"] = np.select([sure & (found["low"] > 0), sure & (found["high"] < 0)], outcomes, UNSURE)
    return found


def _at_chance(scores: pd.DataFrame) -> set[tuple[str, str, str]]:
    """The models, measures and languages in which a score's interval reaches chance from above, or lies below it."""
    rows = scores[(scores["subset"] == ALL) & (scores["low"] <= scores["chance"])]
    return set(zip(rows["id"], rows["measure"], rows["language"], strict=True))


def verdict(outcomes: Sequence[str]) -> str:
    """`agrees`, `contradicts` or `cannot tell`: what comparisons say to "wider is better", by `rule`."""
    better, worse = outcomes.count(BETTER), outcomes.count(WORSE)
    if 2 * better >= len(outcomes) > 0 and not worse:
        return "agrees"
    if 2 * worse >= len(outcomes) > 0 and not better:
        return "contradicts"
    return UNSURE


def answer(question: str, found: pd.DataFrame, selection: Selection) -> str:
    """`question`, and what `comparisons` found, for each wider setup and measure; for merges by method.

    Empty where no setup is wider than another.
    """
    sentences = []
    for wide, narrow, cost in selection.own.get("wider", ()):
        ours = found[(found["wide"] == wide) & (found["narrow"] == narrow)]
        measures = sorted(ours["measure"].unique(), key=summary.measure_order)
        clauses = [_of_measure(measure, ours[ours["measure"] == measure]) for measure in measures]
        times = f" (an expert with all its ancestors costs {cost:g} times the FLOPs)" if cost is not None else ""
        said = ". ".join(clauses) or f"{UNSURE}, since no pair of models was scored"
        sentences.append(f"{wide} minus {narrow}{times}: {said}.")
    return f"{question} {' '.join(sentences)}" if sentences else ""


def _of_measure(measure: str, rows: pd.DataFrame) -> str:
    name = MEASURE_LABELS.get(measure, measure)
    if (rows["method"] == "").all():
        numbers = _by_language(rows) if len(rows) <= LISTED else _counted(rows)
        return f"{name}: {verdict(list(rows['outcome']))} ({numbers})"
    methods: dict[str, list[str]] = {}
    for method, part in rows.groupby("method", sort=False):
        methods.setdefault(verdict(list(part["outcome"])), []).append(str(method))
    clauses = [f"{said} by {listed(by)} ({_counted(rows[rows['method'].isin(by)])})" for said, by in methods.items()]
    return f"{name}: {', '.join(clauses)}"


def _by_language(rows: pd.DataFrame) -> str:
    """The sure differences with their intervals; then the languages of which it cannot be told."""
    several = len(set(rows["benchmark"])) > 1
    cells = rows.assign(cell=rows["language"] + (" " + rows["benchmark"] if several else ""))
    parts = []
    for outcome in (BETTER, WORSE):
        sure = cells[cells["outcome"] == outcome]
        if len(sure):
            each = [f"{cell.cell} {difference(cell.gain, cell.low, cell.high)}" for cell in sure.itertuples()]
            parts.append(f"{outcome} {', '.join(each)}")
    unsure = list(cells.loc[cells["outcome"] == UNSURE, "cell"])
    mean = f"mean {_signed(rows['gain'])}"
    return "; ".join([*parts, *([f"not sure {listed(unsure)}"] if unsure else []), mean])


def _counted(rows: pd.DataFrame) -> str:
    """How many comparisons are better and worse, their mean, and that of the experts in the same cells."""
    outcomes = list(rows["outcome"])
    of_experts = (rows["method"] != "").all() and rows["experts"].notna().all()  # all of them have scores
    experts = f", experts {_signed(rows['experts'])}" if of_experts else ""
    count = f"{outcomes.count(BETTER)} better and {outcomes.count(WORSE)} worse of {len(rows)}"
    return f"{count}, mean {_signed(rows['gain'])}{experts}"


def _signed(values: pd.Series) -> str:
    return signed(f"{values.mean():+.3f}")
