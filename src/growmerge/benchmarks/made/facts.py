"""Facts as minimal pairs, from CLDR (Unicode licence, in Babel): official languages and currencies of territories.

The stand-in for mParaRel. Subject and object stand in a colon template, so that no language has to inflect them.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.languages import get_official_languages, get_territory_language_info
from babel.numbers import get_territory_currencies

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

_DAY = date(2025, 1, 1)  # fixed: the currency of a territory is a question of time
_MOST_OF_AN_OBJECT = 4  # items whose right answer is the same (French, euro), so that a favourite answer is not enough

# Relation -> language -> template. Other languages get {subject}: {object}.
_TEMPLATES = {
    "language": {
        "eng": "Country: {subject}. Official language: {object}.",
        "swe": "Land: {subject}. Officiellt språk: {object}.",
        "isl": "Land: {subject}. Opinbert tungumál: {object}.",
        "ekk": "Riik: {subject}. Ametlik keel: {object}.",
        "fas": "کشور: {subject}. زبان رسمی: {object}.",
    },
    "currency": {
        "eng": "Country: {subject}. Currency: {object}.",
        "swe": "Land: {subject}. Valuta: {object}.",
        "isl": "Land: {subject}. Gjaldmiðill: {object}.",
        "ekk": "Riik: {subject}. Valuuta: {object}.",
        "fas": "کشور: {subject}. واحد پول: {object}.",
    },
}


@dataclass(frozen=True)
class _Fact:
    territory: str
    right: str  # code of the object
    also_right: frozenset[str]  # codes that are no wrong answer


def items(conversion: Conversion) -> list[Item]:
    """Facts as pairs, in the conversion's language."""
    return fact_pairs(conversion.language, conversion.limit, conversion.seed)


def fact_pairs(language: str, limit: int, seed: int) -> list[Item]:
    """At most ``limit`` pairs in a language (ISO 639-3), half of each relation; ids are ``relation:territory``.

    The wrong object is the right one of another territory, so that wrong answers are as frequent as right ones. Names
    that the language lacks, for which CLDR would fall back to a code, are left out. The same territories and wrong
    answers are chosen in every language as far as the names exist.

    Raises GrowmergeError where CLDR has no names in the language.
    """
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError) as error:
        raise GrowmergeError(
            f"facts: CLDR has no names in {language!r}; leave the language out of this benchmark"
        ) from error
    relations = (("language", _language_fact, locale.languages), ("currency", _currency_fact, locale.currencies))
    share = (limit + 1) // 2
    items = [
        item
        for relation, fact_of, names in relations
        for item in _pairs(relation, language, fact_of, locale.territories, names, share, seed)
    ]
    return items[:limit]


def _pairs(
    relation: str,
    language: str,
    fact_of: Callable[[str], _Fact | None],
    territories: Mapping[str, str],
    objects: Mapping[str, str],
    limit: int,
    seed: int,
) -> list[Item]:
    salt = f"facts:{seed}"
    template = _TEMPLATES[relation].get(language, "{subject}: {object}")
    facts = [fact for territory in sorted(get_global("territory_languages")) if (fact := fact_of(territory))]
    facts = [fact for fact in facts if _named(territories, fact.territory) and _named(objects, fact.right)]
    used: Counter[str] = Counter()
    usable: list[_Fact] = []
    for fact in in_hash_order(facts, lambda fact: f"{relation}:{fact.territory}", salt):
        used[fact.right] += 1
        if used[fact.right] <= _MOST_OF_AN_OBJECT:
            usable.append(fact)
    items: list[Item] = []
    for fact in usable:
        donors = in_hash_order(usable, lambda donor: donor.territory, f"{salt}:{relation}:{fact.territory}")
        wrong = next((donor.right for donor in donors if _is_wrong(donor.right, fact, objects)), None)
        if wrong is not None and len(items) < limit:
            subject = territories[fact.territory]
            texts = tuple(template.format(subject=subject, object=objects[code]) for code in (fact.right, wrong))
            items.append(Item(f"{relation}:{fact.territory}", relation, texts))
    return items


def _is_wrong(code: str, fact: _Fact, objects: Mapping[str, str]) -> bool:
    return code not in fact.also_right and objects[code] not in {objects.get(right) for right in fact.also_right}


def _named(names: Mapping[str, str], code: str) -> bool:
    return names.get(code, code) != code


def _language_fact(territory: str) -> _Fact | None:
    """The official language spoken by most, where one is official; no language spoken there is a wrong answer."""
    official = get_official_languages(territory)
    if not official:
        return None
    return _Fact(territory, official[0], frozenset(get_territory_language_info(territory)))


def _currency_fact(territory: str) -> _Fact | None:
    """The legal tender, where there is exactly one."""
    tender = get_territory_currencies(territory, _DAY)
    return _Fact(territory, tender[0], frozenset(tender)) if len(tender) == 1 else None
