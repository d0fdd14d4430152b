"""What stands under a figure: what is shown, from what, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence

from growmerge.errors import GrowmergeError

_MEASURES = (
    "Acceptability and facts: share of minimal pairs whose right side has the higher summed log-probability (ties are "
    "wrong); acceptability is the unweighted mean over groups of phenomena. Information parity: mean over parallel "
    "sentences of NLL(English, reference model) / NLL(target language, model); higher is better."
)
_MERGE = "A merge's score is the mean over its member languages of the score in that language."


def caption(
    figure: str,
    *,
    study: str,
    note: str,
    languages: Sequence[str],
    setups: Sequence[str],
    methods: Sequence[str],
    method: str,
    resamples: int,
) -> str:
    """The caption of a figure of the registry, as plain text in one paragraph.

    Args:
        figure: "baselines", "pairwise" or "methods".
        study: its name, as in the folder of its results.
        note: what a reader must know of the study, such as that it is a miniature; may be empty.
        languages: the target languages shown.
        setups: the setups shown.
        methods: the merge methods shown.
        method: the merge method of the pairwise figure.
        resamples: bootstrap resamples behind the intervals.

    Raises:
        GrowmergeError: no figure of that name.
    """
    over = f"for {_listed(languages)} in the setup{_s(setups)} {_listed(setups)}"
    texts = {
        "baselines": (
            f"Adapted models before merging, {over}. Upper row: score in the target language of the model trained for "
            "it (filled) and of the multilingual model of the same setup (hollow). Lower row: English score of the "
            "same models, and of the base models (dashed lines). Bars: 95 % bootstrap intervals over items "
            f"({resamples} resamples); they do not show the variation between training runs. Dotted: chance. A "
            "cross marks a model without a score."
        ),
        "pairwise": (
            f"Pairwise merges by {method}, {over}. A cell is the score in its row's language of the merge with its "
            "column's language; the diagonal (bold) is the model of that language before merging. Colours are "
            "comparable along a row of panels, and start at the lowest score, or at chance where that is lower. "
            "Hatched: no score."
        ),
        "methods": (
            f"Merges by {_listed(methods)}, {over}. {_MERGE} Left: mean over all merges of a method and setup; thin "
            "bars reach from the lowest to the highest merge. Right: by number of merged languages, the mean of all "
            "methods, and the method whose mean is highest for that setup and measure, chosen on these same scores "
            "among the methods without a missing score (no line if there is none). Dashed: mean over languages of the "
            "experts before merging. Dotted grey: chance. Hollow marks, and lines with k/n: only k of n scores are "
            "there, so these means are not comparable with the others. A cross marks a mean without any score."
        ),
    }
    if figure not in texts:
        raise GrowmergeError(f"figure {figure!r} is not known; there are {_listed(sorted(texts))}")
    return " ".join(part for part in (texts[figure], _MEASURES, f"Study: {study}.", note) if part)


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _s(names: Sequence[str]) -> str:
    return "" if len(names) == 1 else "s"
