"""Persian agreement as minimal pairs: a subject pronoun, an adverb and a verb with the right or a wrong ending.

Persian leaves subjects out, so another ending on a verb of running text mostly gives another good sentence ("he opens
the file", "I open the file"); and interface texts hardly ever have a pronoun as subject (4 of 128 held-out strings). So
the sentences are made here. The verbs are those of hazm (MIT licence), read from its wheel.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from growmerge.benchmarks.items import Item
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

# Person and number -> pronoun, ending of the past, ending of the present.
_PERSONS = {
    "1s": ("من", "م", "م"),
    "2s": ("تو", "ی", "ی"),
    "3s": ("او", "", "د"),
    "1p": ("ما", "یم", "یم"),
    "2p": ("شما", "ید", "ید"),
    "3p": ("آن‌ها", "ند", "ند"),
}
# Endings that are wrong with a pronoun. Not among them: the plural of respect with "he" and "she", the singular that
# "they" takes of things, and the familiar singular heard with "you".
_WRONG = {
    "1s": ("2s", "3s", "1p"),
    "2s": ("1s", "3s", "2p"),
    "3s": ("1s", "2s"),
    "1p": ("2p", "3p", "1s"),
    "2p": ("1p", "3p"),
    "3p": ("1p", "2p"),
}
_PREPOSITIONS = ("بر", "در", "باز", "فرا", "فرو", "وا", "ور")
_NO_IMPERFECTIVE = ("بود", "داشت")  # "be" and "have" form their present without the prefix


def read_hazm_verbs(wheel: Path) -> list[str]:
    """Verbs as ``past stem#present stem`` from hazm's wheel, the most frequent first (by the infinitive's count).

    Left out are verbs without one of the stems or with alternatives in a stem; of two spellings of a present stem (گو,
    گوی) the shorter, which takes no endings as written; and verbs made with a preposition (برگشت from گشت), which write
    the prefix of the present inside.

    Raises GrowmergeError where the wheel or its lists cannot be read.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            verbs = archive.read("hazm/data/verbs.dat").decode().split("\n")
            words = archive.read("hazm/data/words.dat").decode().split("\n")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise GrowmergeError(f"{wheel}: the verb list of hazm cannot be read ({error})") from error
    counts = {fields[0]: int(fields[1]) for word in words if len(fields := word.split("\t")) == 3}
    listed = {verb.strip() for verb in verbs}
    usable = []
    for verb in listed:
        past, _, present = verb.partition("#")
        ambiguous = f"{verb}ی" in listed or present.endswith(("ا", "است"))
        composed = any(_without(prep, past, present) in listed for prep in _PREPOSITIONS)
        if past and present and " " not in verb and not ambiguous and not composed:
            usable.append(verb)
    return sorted(usable, key=lambda verb: (-counts.get(verb.partition("#")[0] + "ن", 0), verb))


def _without(preposition: str, past: str, present: str) -> str | None:
    """The verb that a verb is made from with this preposition, None where it does not begin with it."""
    if past.startswith(preposition) and present.startswith(preposition):
        return f"{past.removeprefix(preposition)}#{present.removeprefix(preposition)}"
    return None


def persian_pairs(verbs: Sequence[str], limit: int, seed: int) -> list[Item]:
    """At most ``limit`` pairs, in past and present of the first verbs (``past stem#present stem``); ids ``tense:stem``.

    Subject and wrong ending are chosen by the hash of stem, tense and seed; the subset is ``person`` or ``number``.
    """
    items: dict[str, Item] = {}
    choices = [(right, wrong) for right, wrongs in _WRONG.items() for wrong in wrongs]
    for verb in verbs:
        past, _, present = verb.partition("#")
        for tense, stem in (("past", past), ("present", present)):
            name = f"{tense}:{stem}"
            if len(items) == limit or name in items or (tense == "present" and past in _NO_IMPERFECTIVE):
                continue
            right, wrong = in_hash_order(choices, "".join, f"{name}:{seed}")[0]
            texts = tuple(_sentence(right, tense, stem, ending) for ending in (right, wrong))
            items[name] = Item(name, "person" if right[1] == wrong[1] else "number", texts)
    return list(items.values())


def _sentence(subject: str, tense: str, stem: str, ending: str) -> str:
    """Subject, "yesterday" or "every day", and the verb with the ending of a person."""
    pronoun = _PERSONS[subject][0]
    if tense == "past":
        return f"{pronoun} دیروز {stem}{_PERSONS[ending][1]}."
    return f"{pronoun} هر روز می‌{stem}{_PERSONS[ending][2]}."
