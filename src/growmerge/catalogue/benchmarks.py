"""The benchmarks of both papers: where each comes from, how its rows become items, and how it is measured.

Plain data, because Snakemake reads it whenever it parses the rules. docs/benchmarks.md says for each what of it was
verified, and against what.
"""

from __future__ import annotations

from collections.abc import Mapping

from growmerge.catalogue.codes import BLIMP_CONFIGS, FLORES_200, FLORES_PLUS, MULTIBLIMP, TWO_LETTERS
from growmerge.catalogue.entry import Dataset, Entry, Metric

# Part of what a built benchmark depends on: raise it whenever the same sources would give other items.
VERSION = 4
# The three measures of Glocker et al. 2025, section 3.6.
ACCEPTABILITY, PARITY, FACTS = "acceptability", "parity", "facts"
TRANSLATION = "translation"  # its scores run from 0 to 100
# Where the hub keeps its own conversion of datasets whose repositories hold a loading script.
CONVERTED = "refs/convert/parquet"


# Ármannsson et al. 2025, at the last change of its data.
_JUDGEMENTS = (
    "https://raw.githubusercontent.com/stofnun-arna-magnussonar/ice_linguistic_benchmarks/"
    "8f67fa8ff331ce94b07a7ebb7d73b6ffc8f5fd48/ice_benchmark_set.jsonl"
)


def _each(id_: str | None, configs: Mapping[str, str], *splits: str, **more: str) -> dict[str, Dataset]:
    """A dataset with one configuration a language."""
    return {language: Dataset(id_, (config,), splits, **more) for language, config in configs.items()}


def _without(codes: Mapping[str, str], *languages: str) -> dict[str, str]:
    return {language: code for language, code in codes.items() if language not in languages}


_FLORES = _each(
    "openlanguagedata/flores_plus",
    FLORES_PLUS,
    "devtest",
    revision="5fec6c13f9e5a4db2f745d4ec0d7c9721ddc4f06",  # version 4.6
    examples="dev",
)
_PAIR = {"right": "sentence_good", "wrong": "sentence_bad", "subset": "?UID", "group": "?linguistics_term"}
_CLOZE = Metric("accuracy", "character")  # what the printed numbers are; the paper says token

REGISTRY: dict[str, Entry] = {
    # --- made here, from held-out text and packages -------------------------------------------------------------------
    "acceptability": Entry(
        "built", "as the text; Icelandic forms: CC BY-SA 4.0 (BÍN); Persian verbs: MIT (hazm)", measure=ACCEPTABILITY
    ),
    "parity": Entry("built", "as the text", Metric("parity"), PARITY),
    "facts": Entry("built", "Unicode License v3 (CLDR)", measure=FACTS),
    "heldout_translation": Entry("built", "as the text", Metric("chrf"), TRANSLATION, few_shot=5, max_new_tokens=256),
    "inflection": Entry("generated", "as the text and the lexicon", measure=ACCEPTABILITY),
    # --- Grow Up and Merge, tables 2 and 3 ----------------------------------------------------------------------------
    "blimp": Entry(
        "pairs",
        "CC BY 4.0",
        measure=ACCEPTABILITY,
        languages={"eng": Dataset("nyu-mll/blimp", BLIMP_CONFIGS, revision="877fba0801ffb7cbd8c39c1ff314a46f053f6036")},
        fields=_PAIR,
        counts={"eng": 67000},
    ),
    "multiblimp": Entry(
        "pairs",
        "CC BY 4.0",
        measure=ACCEPTABILITY,
        languages=_each("jumelet/multiblimp", MULTIBLIMP, "train"),
        fields={"right": "sen", "wrong": "wrong_sen", "subset": "?phenomenon"},
        counts={"ekk": 2575, "fao": 232, "fas": 2553, "isl": 2801},
    ),
    "dalaj": Entry(
        "labelled",
        "CC BY 4.0",
        measure=ACCEPTABILITY,
        languages={
            "swe": Dataset("sbx/superlim-2", ("dalaj-ged",), ("train", "validation", "test"), revision=CONVERTED)
        },
        fields={"sentence": "sentence", "label": "label", "subset": "?meta.error_label"},
        counts={"swe": 20948},
    ),
    "icelandic_ged": Entry(
        "judgements",
        "not stated",
        measure=ACCEPTABILITY,
        languages={"isl": Dataset(_JUDGEMENTS)},
        fields={"id": "id", "input": "input", "answer": "answer"},
        counts={"isl": 202},
        farthest=0.5,
    ),
    "foblimp": Entry(
        "pairs",
        "not stated",
        measure=ACCEPTABILITY,
        languages={"fao": Dataset(None)},
        fields=_PAIR,
        counts={"fao": 680},
    ),
    "grammar_et": Entry(
        "pairs",
        "not stated",
        measure=ACCEPTABILITY,
        languages={"ekk": Dataset("TalTechNLP/grammar_et", splits=("test",))},
        fields={"right": "correct", "wrong": "original"},
        counts={"ekk": 1000},
    ),
    "exam_et": Entry(
        "exam",
        "not stated",
        measure=ACCEPTABILITY,
        languages={
            "ekk": Dataset(
                "TalTechNLP/exam_et", ("eesti keel teise keelena (põhikool)", "eesti keel teise keelena (gümnaasium)")
            )
        },
        fields={"question": "küsimus", "choices": "vastusevariandid", "answer": "vastus"},
        counts={"ekk": 352},
    ),
    "blimp_single_error": Entry(
        "pairs",
        "see its card",
        measure=ACCEPTABILITY,
        languages=_each(
            "liu-nlp/blimp-single-error", {code: TWO_LETTERS[code] for code in ("ekk", "fao", "isl", "fas", "swe")}
        ),
        fields={"right": "correct", "wrong": "incorrect"},  # `original_subset` says what the split says
        counts={"ekk": 18867, "fao": 78375, "isl": 82595, "fas": 27993, "swe": 45154},
    ),
    "mpararel": Entry(
        "mpararel",
        "not stated",
        measure=FACTS,
        languages=_each(None, {code: TWO_LETTERS[code] for code in ("eng", "swe", "isl", "ekk", "fas")}),
        counts={"eng": 237960, "swe": 186380, "isl": 31528, "ekk": 73434, "fas": 108933},
    ),
    "minimal_pair_mpararel": Entry(
        "pairs",
        "see its card",
        measure=FACTS,
        languages=_each(
            "liu-nlp/minimal_pair_mpararel", {code: TWO_LETTERS[code] for code in ("eng", "swe", "isl", "ekk", "fas")}
        ),
        fields={"right": "correct", "wrong": "incorrect", "subset": "?relation"},
        counts={"eng": 237960, "swe": 186380, "isl": 31528, "ekk": 73434, "fas": 108933},
    ),
    "flores": Entry(
        "parity",
        "CC BY-SA 4.0",
        Metric("parity"),
        measure=PARITY,
        languages=_FLORES,
        fields={"id": "id", "text": "text"},
        counterparts=dict.fromkeys(_FLORES, _FLORES["eng"]),
        counts=dict.fromkeys(_FLORES, 1012),
    ),
    # --- On the Limits of Model Merging -------------------------------------------------------------------------------
    "belebele": Entry(
        "questions",
        "CC BY-SA 4.0",
        _CLOZE,
        languages=_each(
            "facebook/belebele",
            _without(FLORES_200, "fao"),
            "test",
            revision="c25c4d7bfbc5de244583947ba230fc4ee93d4a89",
            examples="test",
        ),
        fields={
            "passage": "flores_passage",
            "question": "question",
            **{f"choice{number}": f"mc_answer{number}" for number in range(1, 5)},
            "answer": "correct_answer_num",
        },
        few_shot=5,
        limit=1000,
    ),
    "hellaswag": Entry(
        "hellaswag",
        "MIT (English); not stated (Turkish); CC BY-NC 4.0 (the others)",
        _CLOZE,
        languages={
            "eng": Dataset(
                "Rowan/hellaswag",
                splits=("validation",),
                revision="218ec52e09a7e7462a5400043bb9a69a41d06b76",
                examples="train",
            ),
            "tur": Dataset(
                "malhajar/hellaswag_tr-v0.2",
                splits=("validation",),
                revision="bd91efa753a1e53726da7f0f1742ef76b9899c92",
                examples="validation",
            ),
            **_each(
                "jon-tow/okapi_hellaswag",
                _without(TWO_LETTERS, "eng", "tur", "fao", "ekk", "fas"),
                "validation",
                revision="fb6b5f2b48a6348ae2a9467a6714c3a054fa8d85",
                examples="validation",
            ),
        },
        fields={"context": "ctx_a", "begin": "ctx_b", "endings": "endings", "answer": "label"},
        few_shot=5,
        limit=1000,
    ),
    "xcsqa": Entry(
        "questions",
        "MIT",
        _CLOZE,
        languages=_each(
            "INK-USC/xcsr",
            {
                language: f"X-CSQA-{code}"
                for language, code in _without(TWO_LETTERS, "tur", "swe", "isl", "fao", "ekk", "fas").items()
            },
            "validation",
            examples="validation",
        ),
        fields={
            "question": "question.stem",
            "choices": "question.choices.text",
            "letters": "question.choices.label",
            "answer": "answerKey",
        },
        few_shot=5,
        limit=1000,
    ),
    "translation": Entry(
        "translation",
        "CC BY-SA 4.0",
        Metric("chrf"),
        measure=TRANSLATION,
        languages=_FLORES,
        fields={"id": "id", "text": "text"},
        # From English; English itself from French.
        counterparts={language: _FLORES["fra" if language == "eng" else "eng"] for language in _FLORES},
        few_shot=5,
        limit=1000,
        max_new_tokens=256,  # evaluate.py of the paper's repository
    ),
}
