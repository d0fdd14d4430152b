"""What stands under a figure: what is shown, from what, and how far to trust it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from growmerge.config.analysis import Analysis
from growmerge.errors import GrowmergeError
from growmerge.figures import style
from growmerge.figures.selection import Selection
from growmerge.tables.markdown import listed
from growmerge.tables.summary import MEASURES

_PAIRS = "share of minimal pairs whose right side has the higher summed log-probability (ties are wrong)"
_PARITY = {
    "mean_of_ratios": "mean over parallel sentences of NLL(English, reference model) / NLL(target language, model)",
    "ratio_of_sums": "NLL(English, reference model) / NLL(target language, model), each summed over parallel sentences",
}
_MERGE = "A merge's score is the mean over its member languages of the score in that language."


def caption(
    figure: str, selection: Selection, analysis: Analysis, *, study: str, measures: Collection[str] = MEASURES
) -> str:
    """The caption of a figure of the registry, as plain text in one paragraph.

    Args:
        figure: the name of one.
        selection: what is shown.
        analysis: the statistics behind it; its `note` is what a reader must know of the study, such as that it is a
            miniature, and may be empty.
        study: its name, as in the folder of its results.
        measures: those that the figure shows.

    Raises:
        GrowmergeError: no figure of that name.
    """
    over = f"for {listed(selection.languages)} in the setup{_s(selection.setups)} {listed(selection.setups)}"
    texts = {
        "baselines": (
            f"Adapted models before merging, {over}. Left: score in the target language of the model trained for "
            "it (filled) and of the multilingual model of the same setup (hollow). Right: English score of the "
            "same models, and of the base models (dashed lines). Letters, if any: models of others, as they are. Bars: "
            f"95 % bootstrap intervals over items ({analysis.bootstrap_resamples} resamples); they do not show the "
            "variation between training runs. Dotted: chance. A cross marks a model without a score."
        ),
        "pairwise": (
            f"Pairwise merges by {selection.method}, {over}. A cell is the score in its row's language of the merge "
            "with its column's language; the diagonal (bold) is the model of that language before merging. Colours "
            "are comparable along a row of panels, and start at the lowest score, or at chance where that is lower. "
            "Hatched: no score."
        ),
        "methods": (
            f"Merges by {listed(selection.methods)}, {over}. {_MERGE} Left: mean over all merges of a method and "
            "setup; thin bars reach from the lowest to the highest merge. Right: by number of merged languages, the "
            "mean of all methods, and the method whose mean is highest for that setup and measure, chosen on these "
            "same scores among the methods without a missing score (no line if there is none). Dashed: mean over "
            "languages of the experts before merging. Dotted grey: chance. Hollow marks, and lines with k/n: only k "
            "of n scores are there, so these means are not comparable with the others. A cross marks a mean without "
            "any score."
        ),
        "compute_matched": (
            "Score distributions for compute-matched checkpoints across target-language and English benchmarks, "
            f"{over}. {_compared(selection, analysis)}"
        ),
        "density": (
            f"Merges by the density of their task vectors, {over}. {_MERGE} Marks: mean over all merges; thin bars "
            "reach from the lowest to the highest merge. TIES keeps the elements of largest magnitude, DARE random "
            "ones. Dashed: mean over languages of the experts before merging; dashes and dots: mean over all merges by "
            f"{selection.method}. Dotted: chance. Hollow: some scores are missing; a cross marks a mean without any "
            "score."
        ),
        "language_vectors": (
            f"Language vectors (a model's weights minus those of its ancestor), {over}. Above: cosines of all pairs, "
            "over all weights, most of which may be the embedding's. Below: mean cosine of the pairs by decoder layer "
            "and by kind of tensor (bars and bands: lowest and highest pair); norm of each vector relative to that "
            "of the ancestor's weights; share of elements with opposite signs among those in which both vectors differ "
            "from zero. Dotted: what independent vectors would give. Hatched or crossed: not compared, or no score."
        ),
        "similarity_and_drop": (
            f"Similarity of two models against what it costs to merge them by {selection.method}, {over}. A mark is a "
            "pair of languages in a setup; upwards: the merge's score in the two languages minus that of the models of "
            "one language, each in its own; negative values are drops. The last row is the mean of the measures, in "
            "their different units. CKA: linear CKA of mean-pooled hidden states over English sentences, mean over "
            "layers; standardised: without the first token, features of unit variance. ρ: Spearman's coefficient over "
            f"all marks of a panel. {_few(selection)} Coefficients by setup, with p-values and intervals, are in the "
            "table of correlations. Pairs without a score or comparison are left out."
        ),
        "over_training": (
            f"Training on all languages against merging experts, over training, {over}: the mixed model (multi), and "
            f"the merges of the experts of all languages by {listed(selection.methods)}, at the same steps; the last "
            "mark is that of the finished models. Across: tokens that each trained model has seen, not those of all "
            "experts together; for a merge of experts with trainings of unequal length, their mean. Left: unweighted "
            "mean over all languages that the measure has, with an interval that takes languages for independent. "
            f"Bands: 95 % bootstrap intervals over items ({analysis.bootstrap_resamples} resamples); they do not show "
            "the variation between training runs. Dotted: chance. A cross marks a mean or language with no score."
        ),
        "series": (
            f"Nested series of merges by {listed(selection.methods)}, {over}. From left to right one more expert is "
            "merged, named below; the first is by itself. A line is the score in a language, pale and hollow until its "
            "expert is merged. Black: mean over all languages of the panel, merged or not yet, with a 95 % interval "
            "over items that takes languages for independent. At the right, and dashed for their mean: the experts "
            "before merging, each in its own language. Dotted: chance. A cross marks a mean or language with no score."
        ),
        "sharing": (
            f"Merging after partly shared training, {over}. Experts branch off a common model of all languages after "
            "a share of their training (across, not to scale; 0: they share only the initialisation). Left: score of "
            f"the merge of two by {selection.method}, in their two languages, minus that of their experts, each in its "
            "own: a thin line a pair, in bold their mean with its 95 % t interval over pairs, which share languages "
            "and are not independent. At 100 % there is nothing to merge, so the difference is 0 by definition. Right: "
            "mean scores; bars reach from the lowest to the highest. Dotted: chance. A cross marks a mean that lacks a "
            "part, or has no score."
        ),
    }
    if figure not in texts:
        raise GrowmergeError(f"figure {figure!r} is not known; there are {listed(sorted(texts))}")
    scores = "" if figure == "language_vectors" else _measured(measures, analysis)
    return " ".join(part for part in (texts[figure], scores, f"Study: {study}.", analysis.note) if part)


def _measured(measures: Collection[str], analysis: Analysis) -> str:
    """What the scores of each measure are."""
    pairs = [name for name in ("acceptability", "facts") if name in measures]
    translation = [name for name in measures if name.endswith("translation")]
    others = [name for name in measures if name not in (*MEASURES, *translation)]
    questions = listed([style.MEASURE_LABELS.get(name, name) for name in others])
    sentences = {
        f"{listed(pairs)}: {_PAIRS}": bool(pairs),
        f"information parity: {_PARITY[analysis.parity]}": "parity" in measures,
        f"{questions}: share of questions whose right answer is the likeliest of those offered": bool(questions),
        "translation: chrF++ of all sentences together, 0 to 100": bool(translation),
        "higher is better": True,
    }
    said = "; ".join(sentence for sentence, applies in sentences.items() if applies)
    return f"{said[0].upper()}{said[1:]}."


def _compared(selection: Selection, analysis: Analysis) -> str:
    """How models are matched by compute, what the marks are, and which pairs of setups are not there."""
    pairs = selection.compared()
    absent = [pair for pair, matches in pairs.items() if all(match.excluded for match in matches)]
    bound = f"even the first checkpoint of the dearer model costs over {100 * analysis.matching_bound:g} % more"
    sentences = [
        "Of the two setups of a panel, left: the finished model of the cheaper one; right: the saved checkpoint of the "
        "dearer one whose cost is nearest. Cost: training FLOPs with those of all ancestors, planned from the "
        "configuration; the percentages above say how much more the right one cost. A checkpoint before the end of a "
        "training has not, or not wholly, been through the decay of its learning rate.",
        "Upper row: scores in the target language; for multi, averages over the target languages for which both "
        "models have a score. Lower row: scores in English of the same models. A mark is a benchmark: a measure, or "
        "each group of phenomena or facts of it; their kinds of score differ, so a median is a coarse summary. "
        "Horizontal bars: medians over the benchmarks for which both have a score; from 8 of them on with a box "
        "(quartiles, whiskers within 1.5 of their range).",
        f"Hatched: excluded, since {bound} (by the percentage given). Hollow: only one of the two has a score. A cross "
        "marks a model with no score.",
    ]
    if absent:
        named = listed([f"{cheaper} vs. {dearer}" for cheaper, dearer in absent])
        sentences.append(f"Not shown, since every target is excluded for the same reason: {named}.")
    if len(absent) == len(pairs):
        sentences.append("No two setups are left to be compared.")
    return " ".join(sentences)


def _few(selection: Selection) -> str:
    """How little the coefficients rest on."""
    languages = len(selection.languages)
    pairs = languages * (languages - 1) // 2
    return (
        f"{languages} languages make only {pairs} pairs a setup, and pairs that share a language are not independent: "
        "it describes these marks, and nothing beyond them is claimed."
    )


def _s(names: Sequence[str]) -> str:
    return "" if len(names) == 1 else "s"
