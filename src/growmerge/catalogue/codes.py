"""How the datasets name languages and configurations."""

from collections.abc import Mapping

from growmerge.catalogue.languages import configurations

# Languages of the studies, ISO 639-3 as in their configurations -> what the datasets call them.
TWO_LETTERS = {
    "eng": "en", "swe": "sv", "isl": "is", "fao": "fo", "ekk": "et", "fas": "fa", "ara": "ar", "deu": "de", "fra":
    "fr", "ita": "it", "nld": "nl", "rus": "ru", "spa": "es", "tur": "tr", "zho": "zh",
}  # fmt: skip
FLORES_200 = {
    "eng": "eng_Latn", "swe": "swe_Latn", "isl": "isl_Latn", "fao": "fao_Latn", "ekk": "est_Latn", "fas": "pes_Arab",
    "ara": "arb_Arab", "deu": "deu_Latn", "fra": "fra_Latn", "ita": "ita_Latn", "nld": "nld_Latn", "rus": "rus_Cyrl",
    "spa": "spa_Latn", "tur": "tur_Latn", "zho": "zho_Hans",
}  # fmt: skip
# FLORES+ names individual languages where FLORES-200 names macrolanguages.
FLORES_PLUS = FLORES_200 | {"ekk": "ekk_Latn", "zho": "cmn_Hans"} | configurations("flores")
MULTIBLIMP = configurations("multiblimp")
BELEBELE = configurations("belebele")

# The 67 paradigms of BLiMP, each a configuration of 1,000 pairs.
BLIMP_CONFIGS = (
    "adjunct_island", "anaphor_gender_agreement", "anaphor_number_agreement", "animate_subject_passive",
    "animate_subject_trans", "causative", "complex_NP_island",
    "coordinate_structure_constraint_complex_left_branch", "coordinate_structure_constraint_object_extraction",
    "determiner_noun_agreement_1", "determiner_noun_agreement_2", "determiner_noun_agreement_irregular_1",
    "determiner_noun_agreement_irregular_2", "determiner_noun_agreement_with_adj_2",
    "determiner_noun_agreement_with_adj_irregular_1", "determiner_noun_agreement_with_adj_irregular_2",
    "determiner_noun_agreement_with_adjective_1", "distractor_agreement_relational_noun",
    "distractor_agreement_relative_clause", "drop_argument", "ellipsis_n_bar_1", "ellipsis_n_bar_2",
    "existential_there_object_raising", "existential_there_quantifiers_1", "existential_there_quantifiers_2",
    "existential_there_subject_raising", "expletive_it_object_raising", "inchoative", "intransitive",
    "irregular_past_participle_adjectives", "irregular_past_participle_verbs",
    "irregular_plural_subject_verb_agreement_1", "irregular_plural_subject_verb_agreement_2",
    "left_branch_island_echo_question", "left_branch_island_simple_question",
    "matrix_question_npi_licensor_present", "npi_present_1", "npi_present_2", "only_npi_licensor_present",
    "only_npi_scope", "passive_1", "passive_2", "principle_A_c_command", "principle_A_case_1", "principle_A_case_2",
    "principle_A_domain_1", "principle_A_domain_2", "principle_A_domain_3", "principle_A_reconstruction",
    "regular_plural_subject_verb_agreement_1", "regular_plural_subject_verb_agreement_2",
    "sentential_negation_npi_licensor_present", "sentential_negation_npi_scope", "sentential_subject_island",
    "superlative_quantifiers_1", "superlative_quantifiers_2", "tough_vs_raising_1", "tough_vs_raising_2",
    "transitive", "wh_island", "wh_questions_object_gap", "wh_questions_subject_gap",
    "wh_questions_subject_gap_long_distance", "wh_vs_that_no_gap", "wh_vs_that_no_gap_long_distance",
    "wh_vs_that_with_gap", "wh_vs_that_with_gap_long_distance",
)  # fmt: skip


def without(codes: Mapping[str, str], *languages: str) -> dict[str, str]:
    """The codes of all languages but these."""
    return {language: code for language, code in codes.items() if language not in languages}
