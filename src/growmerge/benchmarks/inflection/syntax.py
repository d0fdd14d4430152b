"""What the tags and the tree of a sentence say: which readings of a word are meant, and what its form depends on.

A form is surely wrong only where something else in the sentence decides it. Case: a noun that is subject or object of
a verb, goes with an adposition, is a genitive of another noun, or has an attribute that agrees with it. Person and
number of a verb: an overt subject that agrees with it. Gender and case of an adjective: the noun that it agrees with.
"""

from __future__ import annotations

from collections.abc import Sequence

from growmerge.benchmarks.inflection.conllu import Tagged, Token
from growmerge.benchmarks.inflection.features import Analysis
from growmerge.catalogue.universal_dependencies import FEATURES, PARTS_OF_SPEECH

# Cases that an attribute does not share with its noun in Estonian and Finnic: it stays in the genitive.
_NOT_SHARED = frozenset({"TERM", "COM", "PRIV", "FRML"})


def meant(readings: Sequence[Analysis], token: Token) -> list[Analysis]:
    """The readings that agree with the part of speech and the features of a token."""
    return [reading for reading in readings if _agrees(reading, token)]


def decides(sentence: Tagged, token: Token, dimension: str, new: str) -> bool:
    """Whether the sentence decides a dimension of a word, so that the tag `new` in its place is wrong."""
    if dimension == "Case" and token.upos in ("NOUN", "PROPN"):
        return _decides_case(sentence, token, new)
    if dimension in ("Person", "Number") and token.upos in ("VERB", "AUX"):
        return _decides_agreement(sentence, token, dimension)
    if dimension in ("Case", "Gender") and token.upos == "ADJ":
        return any(_shared(token, noun, dimension) for noun in _nouns_of(sentence, token))
    return True


def _agrees(reading: Analysis, token: Token) -> bool:
    if reading.pos not in PARTS_OF_SPEECH.get(token.upos, ()):
        return False
    for feature, value in token.features.items():
        dimension, values = FEATURES.get(feature, ("", {}))
        if dimension in reading.features and value in values and reading.features[dimension] not in values[value]:
            return False
    return True


def _decides_case(sentence: Tagged, token: Token, new: str) -> bool:
    head = sentence.head(token)
    if token.relation == "conj":
        # The members of a coordination are in the same case.
        return head is not None and _shared(token, head, "Case")
    if any(_shared(token, attribute, "Case") for attribute in sentence.dependants(token, "det", "amod")):
        return not (token.features.get("Case") == "Gen" and new in _NOT_SHARED)
    if sentence.dependants(token, "case"):
        # Many prepositions take the accusative of where to, and the dative of where.
        return {token.features.get("Case"), new.capitalize()} != {"Acc", "Dat"}
    if token.relation == "nmod":
        return token.features.get("Case") == "Gen"
    return token.relation in ("nsubj", "obj", "iobj")


def _decides_agreement(sentence: Tagged, token: Token, dimension: str) -> bool:
    verb = token if token.relation not in ("aux", "cop") else sentence.head(token) or token
    subjects = sentence.dependants(verb, "nsubj")
    if len(subjects) != 1 or subjects[0].features.get("Case", "Nom") != "Nom":
        return False
    subject = subjects[0]
    # "Who" and "all" go with every person: "we all are".
    person = None if subject.upos in ("PRON", "DET") else "3"
    if subject.features.get("Person", person) != token.features.get("Person", "3"):
        return False
    # Two subjects that are joined, and what is counted, take either number.
    plain = not sentence.dependants(subject, "conj", "nummod")
    return dimension == "Person" or (plain and _shared(token, subject, "Number"))


def _nouns_of(sentence: Tagged, adjective: Token) -> list[Token]:
    """The noun that an adjective belongs to: its head, or the subject that it is said of."""
    head = sentence.head(adjective)
    if adjective.relation == "amod" and head is not None:
        return [head]
    return sentence.dependants(adjective, "nsubj") if sentence.dependants(adjective, "cop") else []


def _shared(token: Token, other: Token, feature: str) -> bool:
    value = token.features.get(feature)
    return value is not None and value == other.features.get(feature)
