"""The dimensions and parts of speech of UniMorph's tags, and what BÍN has beside them.

Sylak-Glassman (2016), The Composition and Use of the Universal Morphological Feature Schema (UniMorph Schema), as the
hub's unimorph/universal_morphologies lists them; families of tags by their beginnings.
"""

from __future__ import annotations

_TAGS = {
    "Aktionsart": "STAT DYN TEL ATEL PCT DUR ACH ACCMP SEMEL ACTY",
    "Animacy": "ANIM INAN HUM NHUM",
    "Aspect": "IPFV PFV PRF PROG PROSP ITER HAB",
    "Case": "NOM ACC ERG ABS NOMS DAT BEN PRP GEN REL PRT INS COM VOC COMPV EQTV PRIV PROPR AVR FRML TRANS BYWAY INTER "
    "AT POST IN CIRC ANTE APUD ON ONHR ONVR SUB REM PROXM ESS ALL ABL APPRX TERM",
    "Comparison": "CMPR SPRL AB RL EQT",
    "Definiteness": "DEF INDF NDEF SPEC NSPEC",
    "Deixis": "PROX MED REMT REF1 REF2 NOREF PHOR VIS NVIS ABV EVEN BEL",
    "Evidentiality": "FH DRCT SEN VISU NVSEN AUD NFH QUOT RPRT HRSY INFER ASSUM",
    "Finiteness": "FIN NFIN",
    "Gender": "MASC FEM NEUT",
    "Information_Structure": "TOP FOC",
    "Interrogativity": "DECL INT",
    "Mood": "IND SBJV REAL IRR AUPRP AUNPRP IMP COND PURP INTEN POT LKLY ADM OBLIG DEB PERM DED SIM OPT",
    "Number": "SG PL GRPL DU TRI PAUC GRPAUC INVN",
    "Person": "0 1 2 3 4 INCL EXCL PRX OBV",
    "Polarity": "POS NEG",
    "Politeness": "INFM FORM ELEV HUMB POL AVOID LOW HIGH STELEV STSUPR LIT FOREG COL",
    "Possession": "ALN NALN",
    "Switch_Reference": "SS SSADV DS DSADV OR SIMMA SEQMA LOG",
    "Tense": "PRS PST FUT IMMED HOD 1DAY RCT RMT",
    "Valency": "IMPRS INTR TR DITR REFL RECP CAUS APPL",
    "Voice": "ACT MID PASS ANTIP DIR INV AGFOC PFOC LFOC BFOC ACFOC IFOC CFOC",
}
DIMENSION = {tag: dimension for dimension, tags in _TAGS.items() for tag in tags.split()}
FAMILIES = {"ARG": "Argument_Marking", "PSS": "Possession", "LGSPEC": "Language_Specific"} | dict.fromkeys(
    ("NAKH", "BANTU"), "Gender"
)
DIMENSIONS = {*DIMENSION.values(), *FAMILIES.values()}
PARTS_OF_SPEECH = {
    "N", "PROPN", "ADJ", "PRO", "CLF", "ART", "DET", "V", "ADV", "AUX", "V.PTCP", "V.MSDR", "V.CVB", "ADP", "COMP",
    "CONJ", "NUM", "PART", "INTJ",
}  # fmt: skip
# What BÍN has beside them and inflects: other verb forms, pronouns of two kinds, numerals of two, the free article.
PARTS_OF_SPEECH_OF_BIN = {"V.NFIN", "pfn", "afn", "to", "rt", "gr"}
