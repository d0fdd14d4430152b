"""What Aycock et al. 2026 (On the Limits of Model Merging) score on."""

from growmerge.catalogue.benchmarks.grow_up_and_merge import FLORES
from growmerge.catalogue.codes import BELEBELE, TWO_LETTERS, without
from growmerge.catalogue.entry import TRANSLATION, Dataset, Entry, Metric, one_config_each

_CLOZE = Metric("accuracy", "character")  # what the printed numbers are; the paper says token

BENCHMARKS = {
    "belebele": Entry(
        "questions",
        "CC BY-SA 4.0",
        _CLOZE,
        languages=one_config_each(
            "facebook/belebele",
            BELEBELE,
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
            **one_config_each(
                "jon-tow/okapi_hellaswag",
                without(TWO_LETTERS, "eng", "tur", "fao", "ekk", "fas"),
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
        languages=one_config_each(
            "INK-USC/xcsr",
            {
                language: f"X-CSQA-{code}"
                for language, code in without(TWO_LETTERS, "tur", "swe", "isl", "fao", "ekk", "fas").items()
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
        languages=FLORES,
        fields={"id": "id", "text": "text"},
        # From English; English itself from French.
        counterparts={language: FLORES["fra" if language == "eng" else "eng"] for language in FLORES},
        few_shot=5,
        limit=1000,
        max_new_tokens=256,  # evaluate.py of the paper's repository
    ),
}
