"""Parts of speech and features of Universal Dependencies (version 2), as tags of UniMorph.

After McCarthy et al. (2018), Marrying Universal Dependencies and Universal Morphology. A value that is not listed says
nothing about UniMorph's tags.
"""

from __future__ import annotations

# Participles stand as adjectives or verbs, infinitives as verbs.
_VERBS = frozenset({"V", "AUX", "V.PTCP", "V.MSDR", "V.CVB", "V.NFIN"})
PARTS_OF_SPEECH = {
    "NOUN": frozenset({"N"}),
    "PROPN": frozenset({"PROPN", "N"}),
    "ADJ": frozenset({"ADJ", "V.PTCP"}),
    "VERB": _VERBS,
    "AUX": _VERBS,
    "PRON": frozenset({"PRO", "pfn", "afn"}),
    "DET": frozenset({"DET", "ART", "PRO", "gr", "afn"}),
    "NUM": frozenset({"NUM", "to", "rt"}),
    "ADV": frozenset({"ADV"}),
    "ADP": frozenset({"ADP"}),
    "CCONJ": frozenset({"CONJ"}),
    "SCONJ": frozenset({"COMP", "CONJ"}),
    "PART": frozenset({"PART"}),
    "INTJ": frozenset({"INTJ"}),
}

# Feature -> its dimension, and value -> the tags that go with it. Tags such as IN+ESS have their parts in
# alphabetical order, as `growmerge.benchmarks.inflection.features` writes them.
FEATURES: dict[str, tuple[str, dict[str, frozenset[str]]]] = {
    feature: (dimension, {value: frozenset(tags.split()) for value, tags in values.items()})
    for feature, dimension, values in (
        (
            "Case",
            "Case",
            {
                **{"Nom": "NOM", "Acc": "ACC", "Gen": "GEN", "Dat": "DAT", "Erg": "ERG", "Abs": "ABS", "Voc": "VOC"},
                **{"Ins": "INS", "Par": "PRT", "Com": "COM", "Abe": "PRIV", "Tra": "TRANS", "Ter": "TERM"},
                **{"Ess": "FRML ESS", "Ine": "ESS+IN", "Ela": "ABL+IN", "Ill": "ALL+IN", "Add": "ALL+IN"},
                **{"Ade": "AT+ESS", "Abl": "ABL+AT ABL", "All": "ALL+AT ALL"},
            },
        ),
        ("Number", "Number", {"Sing": "SG", "Plur": "PL", "Dual": "DU"}),
        ("Person", "Person", {"0": "0", "1": "1", "2": "2", "3": "3"}),
        ("Gender", "Gender", {"Masc": "MASC", "Fem": "FEM", "Neut": "NEUT"}),
        ("Tense", "Tense", {"Past": "PST", "Pres": "PRS", "Fut": "FUT"}),
        ("Mood", "Mood", {"Ind": "IND", "Sub": "SBJV", "Imp": "IMP", "Cnd": "COND", "Qot": "QUOT"}),
        ("Degree", "Comparison", {"Cmp": "CMPR", "Sup": "SPRL"}),
    )
}
# Not Definite: treebanks of the same language differ in it (Icelandic: the article is not always counted).
