"""Made here, in any language: from held-out text, packages and lexicons."""

from growmerge.catalogue.entry import (
    ACCEPTABILITY,
    BITS_PER_BYTE,
    FACTS,
    INFLECTION,
    PARITY,
    TRANSLATION,
    Entry,
    Metric,
)

_MADE = "growmerge.benchmarks.made"

BENCHMARKS = {
    "acceptability": Entry(
        f"{_MADE}.acceptability",
        "as the text; Icelandic forms: CC BY-SA 4.0 (BÍN); Persian verbs: MIT (hazm)",
        measure=ACCEPTABILITY,
        attribution={
            "isl": "Database of Icelandic Morphology (BÍN), The Árni Magnússon Institute for Icelandic Studies, author "
            "Kristín Bjarnadóttir; CC BY-SA 4.0; through the package islenska"
        },
    ),
    "parity": Entry(f"{_MADE}.parity", "as the text", Metric("parity"), PARITY),
    "bits_per_byte": Entry(f"{_MADE}.running_text", "as the text", Metric("bits_per_byte"), BITS_PER_BYTE),
    "facts": Entry(
        f"{_MADE}.facts",
        "Unicode License v3 (CLDR)",
        measure=FACTS,
        attribution={
            None: "Unicode Common Locale Data Repository (CLDR); Unicode License v3; through the package Babel"
        },
    ),
    "heldout_translation": Entry(
        f"{_MADE}.translation", "as the text", Metric("chrf"), TRANSLATION, few_shot=5, max_new_tokens=256
    ),
    "inflection": Entry(INFLECTION, "as the text and the lexicon", measure=ACCEPTABILITY),
}
