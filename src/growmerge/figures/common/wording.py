"""Sentences and numbers that captions and findings of several figures share. Pure, for Snakemake's parsing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from growmerge.catalogue.entry import ACCEPTABILITY, BITS_PER_BYTE, FACTS, PARITY
from growmerge.config.analysis import Analysis
from growmerge.figures.common.palette import MEASURE_LABELS
from growmerge.figures.common.selection import Selection
from growmerge.lazily import lazily

with lazily():
    from growmerge.tables import markdown, statistics

MERGE = "A merge's score is the mean over its member languages of the score in that language."
_SAME = " Task arithmetic with equal weights and `normalize` is linear merging, but for rounding."
_PAIRS = "share of minimal pairs whose right side has the higher summed log-probability (ties are wrong)"
_PARITY = {
    "mean_of_ratios": "mean over parallel sentences of NLL(English, reference model) / NLL(target language, model)",
    "ratio_of_sums": "NLL(English, reference model) / NLL(target language, model), each summed over parallel sentences",
}


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return markdown.listed(names)


def over(selection: Selection) -> str:
    """`for Swedish (swe) and Icelandic (isl) in the setups 1x and 2x`; a language without a name by its code alone."""
    plural = "" if len(selection.setups) == 1 else "s"
    languages = [
        f"{selection.names[code]} ({code})" if code in selection.names else code for code in selection.languages
    ]
    return f"for {listed(languages)} in the setup{plural} {listed(selection.setups)}"


def of_noiseless_clones(selection: Selection) -> str:
    """What the width of clones without noise is worth; empty where no setup of the figure descends from one."""
    setups = [setup for setup in selection.setups if setup in selection.noiseless]
    if not setups:
        return ""
    return (
        f"The models of {listed(setups)} descend from a HyperClone without noise. Its copies of each block get equal "
        "gradients. While they stay equal, a model learns no more than one of the width it was cloned from. Of "
        "models that are trained here, the table `trainings` has the block asymmetry (0: equal)."
    )


def of_seeds(selection: Selection) -> str:
    """Which of several seeds a figure shows, and what its intervals cover; empty in a study of one seed."""
    if not selection.seeds:
        return ""
    seeds = listed([str(seed) for seed in selection.seeds])
    if not selection.averaged:
        return f"Of the seeds {seeds}, it shows {selection.seeds[0]}."
    return (
        f"Values are means over {len(selection.seeds)} training runs, with the seeds {seeds}. Intervals, where there "
        "are any, are over seeds and items: Student's t, with the variance of the seeds' means plus that of the items' "
        "means (Cochran 1964). Those of models that are made once, such as models of others, are over items."
    )


def intervals(selection: Selection, analysis: Analysis) -> str:
    """Which intervals are drawn, and what they do not show."""
    if selection.averaged:
        return f"95 % intervals over seeds and items ({markdown.TOO_FEW}: fewer than {statistics.FEWEST_ITEMS} items)"
    return f"{over_items(analysis)}; they do not show the variation between training runs"


def of_means(selection: Selection) -> str:
    """What intervals of means over models are, after other sentences; nothing in a study of one seed."""
    if not selection.averaged:
        return ""
    return (
        " Wide bars are the 95 % intervals of these means over seeds and items, for just these models and languages; "
        "those of lines stand at the right edge. A mean that lacks a score has none. Items of different languages "
        "count as independent."
    )


def measured(measures: Collection[str], analysis: Analysis) -> str:
    """What the scores of each measure are."""
    pairs = [name for name in (ACCEPTABILITY, FACTS) if name in measures]
    translation = [name for name in measures if name.endswith("translation")]
    others = [name for name in measures if name not in (ACCEPTABILITY, PARITY, FACTS, BITS_PER_BYTE, *translation)]
    in_bits = BITS_PER_BYTE in measures
    questions = listed([MEASURE_LABELS.get(name, name) for name in others])
    sentences = {
        f"{listed(pairs)}: {_PAIRS}": bool(pairs),
        f"information parity: {_PARITY[analysis.parity]}": PARITY in measures,
        f"{questions}: share of questions whose right answer is the likeliest of those offered": bool(questions),
        "translation: chrF++ of all sentences together, 0 to 100": bool(translation),
        "held-out text: minus its log-probability in bits, over its UTF-8 bytes (lower is better)": in_bits,
        "elsewhere, higher is better" if in_bits else "higher is better": set(measures) != {BITS_PER_BYTE},
    }
    said = "; ".join(sentence for sentence, applies in sentences.items() if applies)
    return f"{said[0].upper()}{said[1:]}."


def of_all(chosen: Collection[str], known: Collection[str], what: str) -> str:
    """`no setup`, `every setup`, `1 of 3 setups (2x)`."""
    if not chosen:
        return f"no {what}"
    if len(chosen) == len(known):
        return f"every {what}" if len(known) > 1 else f"the one {what}"
    return f"{len(chosen)} of {len(known)} {what}s ({', '.join(chosen)})"


def same_as_linear(methods: Collection[str]) -> str:
    """What is to be said, after other sentences, if both of these merge methods are shown; else nothing.

    base + sum of w_i (member_i - base) / sum of w_i is the weighted mean of the members.
    """
    return _SAME if {"linear", "task_arithmetic"} <= set(methods) else ""


def over_items(analysis: Analysis) -> str:
    """Which intervals of scores are drawn, and where there are none."""
    return (
        "95 % intervals over items (Wilson's of shares of right answers, else bootstrap percentiles, "
        f"{analysis.bootstrap_resamples} resamples; {markdown.TOO_FEW}: fewer than {statistics.FEWEST_ITEMS} items, so "
        "none)"
    )


def score(value: float, low: float, high: float) -> str:
    """`0.85 (0.82 to 0.88)`, or `0.85 (n too small)` where there is no interval."""
    return f"{value:.2f} ({f'{low:.2f} to {high:.2f}' if low == low and high == high else markdown.TOO_FEW})"


def difference(mean: float, low: float, high: float) -> str:
    """`+0.012 (−0.003 to +0.027)`: a difference with its interval."""
    mean_text, low_text, high_text = (signed(f"{value:+.3f}") for value in (mean, low, high))
    return f"{mean_text} ({low_text} to {high_text})"


def signed(number: str) -> str:
    """With a minus sign instead of a hyphen; zero has none."""
    plain = number.lstrip("+-")
    return plain if not float(plain) else number.replace("-", "−")
