"""What Glocker et al. 2025 (Grow Up and Merge) score on: tables 2 and 3, and FLORES for information parity."""

from growmerge.catalogue.codes import BLIMP_CONFIGS, FLORES_PLUS, MULTIBLIMP, TWO_LETTERS
from growmerge.catalogue.entry import (
    ACCEPTABILITY,
    CONVERTED,
    FACTS,
    PARITY,
    Dataset,
    Entry,
    Metric,
    one_config_each,
)
from growmerge.catalogue.languages import languages

# Ármannsson et al. 2025, at the last change of its data.
_JUDGEMENTS = (
    "https://raw.githubusercontent.com/stofnun-arna-magnussonar/ice_linguistic_benchmarks/"
    "8f67fa8ff331ce94b07a7ebb7d73b6ffc8f5fd48/ice_benchmark_set.jsonl"
)
FLORES = one_config_each(
    "openlanguagedata/flores_plus",
    FLORES_PLUS,
    "devtest",
    revision="5fec6c13f9e5a4db2f745d4ec0d7c9721ddc4f06",  # version 4.6
    examples="dev",
)
_PAIR = {"right": "sentence_good", "wrong": "sentence_bad", "subset": "?UID", "group": "?linguistics_term"}

BENCHMARKS = {
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
        languages=one_config_each("jumelet/multiblimp", MULTIBLIMP, "train"),
        fields={"right": "sen", "wrong": "wrong_sen", "subset": "?phenomenon"},
        counts={
            **{code: rows[0].multiblimp_items for code, rows in languages().items() if rows[0].multiblimp_items},
            **{"ekk": 2575, "fao": 232, "fas": 2553, "isl": 2801},
            # Aycock et al. 2026: denominators of the accuracies in multiblimp/multiblimp_all_results.csv.
            **{"ara": 1215, "deu": 2298, "eng": 770, "fra": 2548, "ita": 2999},
            **{"nld": 2331, "rus": 3832, "spa": 2541, "tur": 1742},
        },
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
        languages=one_config_each(
            "liu-nlp/blimp-single-error", {code: TWO_LETTERS[code] for code in ("ekk", "fao", "isl", "fas", "swe")}
        ),
        fields={"right": "correct", "wrong": "incorrect"},  # `original_subset` says what the split says
        counts={"ekk": 18867, "fao": 78375, "isl": 82595, "fas": 27993, "swe": 45154},
    ),
    "mpararel": Entry(
        "mpararel",
        "not stated",
        measure=FACTS,
        languages=one_config_each(None, {code: TWO_LETTERS[code] for code in ("eng", "swe", "isl", "ekk", "fas")}),
        files="*/{config}/*",  # patterns and tuples
        counts={"eng": 237960, "swe": 186380, "isl": 31528, "ekk": 73434, "fas": 108933},
    ),
    "minimal_pair_mpararel": Entry(
        "pairs",
        "see its card",
        measure=FACTS,
        languages=one_config_each(
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
        languages=FLORES,
        fields={"id": "id", "text": "text"},
        counterparts=dict.fromkeys(FLORES, FLORES["eng"]),
        counts=dict.fromkeys(FLORES, 1012),
    ),
}
