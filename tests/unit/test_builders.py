"""Items and their builders, with the real CLDR data and the real Database of Icelandic Morphology."""

import re
import zipfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from islenska import Bin

from growmerge.benchmarks.items import SCHEMA, Item, read_items, write_items
from growmerge.benchmarks.made.facts import fact_pairs
from growmerge.benchmarks.made.icelandic import analysis, icelandic_pairs
from growmerge.benchmarks.made.parity import parity_items
from growmerge.benchmarks.made.persian import persian_pairs, read_hazm_verbs
from growmerge.benchmarks.made.translation import translation_items
from growmerge.benchmarks.made.word_order import word_order_pairs
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

ICELANDIC = [
    "Allir sem hafa aðgang að þessu lykilorði munu geta séð efnið.",
    "Ekki tókst að finna skilgreiningu",
    "Leitin bar ekki árangur í þessum gagnagrunni.",
    "Athugaðu hjúskap einstaklingsins og börn hans.",
    "Skipta út undirfærslum á slóðinni núna",
]
WORDS = ["one", "two", "three", "Four", "five.", "six,", "7", "می\u200cروم"]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
VERBS = ["رفت#رو", "بود#باش", "گفت#گوی", "رفت#روب"]


def documents(texts: list[str]) -> list[Document]:
    return [Document(f"d{number}", text) for number, text in enumerate(texts)]


@given(st.lists(SENTENCES, max_size=20), st.integers(0, 9))
def test_word_order_pairs_exchange_two_inner_neighbours_and_nothing_else(texts, seed):
    source = {document.id: document.text for document in documents(texts)}
    items = word_order_pairs(documents(texts), 10, seed)
    assert len({item.id for item in items}) == len(items) <= 10
    for item in items:
        right, wrong = (text.split() for text in item.candidates)
        assert item.candidates[0] == source[item.id]
        assert 5 <= len(right) == len(wrong) <= 20
        first, second = [place for place, pair in enumerate(zip(right, wrong, strict=True)) if pair[0] != pair[1]]
        assert 0 < first == second - 1 < len(right) - 2
        assert [right[first], right[second]] == [wrong[second], wrong[first]]
        assert not set(".,7") & set(right[first] + right[second])


def test_chosen_items_do_not_change_when_documents_come_or_go_in_any_order():
    many = documents([f"this is the sentence with number x{'x' * number} in it" for number in range(50)])
    some = word_order_pairs(many, 50, 0)
    fewer = word_order_pairs(many[::-2], 50, 0)
    assert [item for item in some if item in fewer] == fewer
    assert word_order_pairs(many, 5, 0) == some[:5] != word_order_pairs(many, 5, 1)


def test_parity_items_join_on_the_id():
    english = [Document("a", "English a"), Document("b", "English b")]
    items = parity_items([Document("b", "B"), Document("c", "C"), Document("a", "A")], english, 9)
    assert sorted((item.id, item.candidates, item.reference) for item in items) == [
        ("a", ("A",), "English a"),
        ("b", ("B",), "English b"),
    ]
    assert parity_items([Document("b", "B"), Document("a", "A")], english, 1) == items[:1]


def test_translation_items_are_prompts_after_examples_that_are_not_among_them():
    english = [Document(f"d{n}", f"English {n}") for n in range(12)] + [Document("lines", "one\ntwo")]
    swedish = [Document(f"d{n}", f"svenska {n}") for n in range(2, 12)] + [Document("lines", "en\ntvå")]
    items = translation_items(swedish, english, ("eng", "swe"), 6, few_shot=2)
    assert len(items) == 6
    preamble = {item.context.rpartition("\n\n")[0] for item in items}
    (shared,) = preamble
    assert len(shared.split("\n\n")) == 2
    for item in items:
        number = item.id.removeprefix("d")
        assert item.reference == f"svenska {number}"
        assert item.context.endswith(f"\n\nEN: English {number} SV:")
        assert item.reference not in shared
    fewer = translation_items(swedish[::-1], english[2:], ("eng", "swe"), 3, few_shot=2)
    assert fewer == items[:3], "nothing but the ids decides"
    assert translation_items(swedish[:1], english, ("eng", "swe"), 3, few_shot=1) == []
    twins = [Document("a", "English"), Document("b", "English"), Document("c", "other")]
    (item,) = translation_items(twins, twins, ("eng", "swe"), 3, few_shot=1)
    assert item.context.count("English") + item.context.count("other") == 3, "an example, its answer, and a question"


def test_a_tag_of_bin_becomes_features_by_dimension():
    noun = analysis(1, "kvk", "ÞGFETgr2")
    assert (noun.pos, noun.features) == ("N", {"Case": "DAT", "Number": "SG", "gr": "gr"})
    verb = analysis(1, "so", "GM-FH-NT-3P-FT")
    assert (verb.pos, verb.features) == ("V", {"GM": "GM", "FH": "FH", "NT": "NT", "Person": "3", "Number": "PL"})
    adjective = analysis(1, "lo", "FSB-KVK-NFET")
    assert adjective.pos == "ADJ"
    assert adjective.features == {"FSB": "FSB", "Gender": "FEM", "Case": "NOM", "Number": "SG"}
    assert analysis(1, "so", "GM-NH").pos == "V.NFIN"


def test_icelandic_pairs_put_in_a_form_that_cannot_be_read_as_the_right_one():
    database = Bin(add_compounds=False)
    found = Counter()
    for seed in range(8):  # other words and forms of the same sentences
        for item in icelandic_pairs(documents(ICELANDIC), 10, seed):
            right, wrong = (re.findall(r"\w+", text) for text in item.candidates)
            (place,) = [i for i, pair in enumerate(zip(right, wrong, strict=True)) if pair[0] != pair[1]]
            old, new = ({(r.bin_id, r.mark) for r in database.lookup_ksnid(w[place])[1]} for w in (right, wrong))
            assert len({lemma for lemma, _ in old}) == 1
            assert {lemma for lemma, _ in old} <= {lemma for lemma, _ in new}
            assert not {mark for _, mark in old} & {mark for _, mark in new}
            assert re.fullmatch(r"(N|ADJ|PRO|V);\w+(,\w+)*->\w+", item.subset)
            found[right[place], wrong[place]] += 1
    assert ("lykilorði", "lykilorð") in found
    assert ("skilgreiningu", "skilgreiningar") not in found  # also the plural of the right case


def test_icelandic_names_and_first_words_are_left_alone():
    assert icelandic_pairs(documents(["Hestinum Gunnari KONUNNI og eða"]), 9, 0) == []


@pytest.mark.parametrize("language", ["eng", "swe", "isl", "ekk", "fas", "fao"])
def test_facts_are_named_in_every_language_with_one_right_and_one_wrong_object(language):
    items = fact_pairs(language, 120, 0)
    assert Counter(item.subset for item in items) == {"language": 60, "currency": 60}
    assert len({item.id for item in items}) == 120
    for item in items:
        right, wrong = (text.rpartition(":") for text in item.candidates)
        assert right[0] == wrong[0]
        assert right[2].strip(" .") != wrong[2].strip(" .")
        assert not re.search(r"\b[A-Z]{3}\.?$", item.candidates[0])  # ISK: a code where a name is missing
    rights = Counter(item.candidates[0].rpartition(":")[2] for item in items)
    assert max(rights.values()) <= 4  # no answer is right so often that a model wins by always preferring it
    assert fact_pairs(language, 120, 0) == items != fact_pairs(language, 120, 1)


def test_facts_are_true_and_the_same_territories_stand_in_every_language():
    facts = {item.id: item for item in fact_pairs("eng", 1000, 0)}
    assert facts["language:IS"].candidates[0] == "Country: Iceland. Official language: Icelandic."
    assert facts["currency:EE"].candidates[0] == "Country: Estonia. Currency: Euro."
    swiss = [fact_pairs("eng", 1000, seed) for seed in range(30)]
    wrong = {item.candidates[1] for items in swiss for item in items if item.id == "language:CH"}
    assert wrong
    assert not any(re.search("French|Italian|German|Romansh", text) for text in wrong)  # spoken there too
    assert {i.id for i in fact_pairs("isl", 60, 0)} == {i.id for i in fact_pairs("fas", 60, 0)}


def test_facts_in_a_language_without_names_are_an_error_for_the_user():
    with pytest.raises(GrowmergeError, match="'xyz'"):
        fact_pairs("xyz", 10, 0)


def test_persian_pairs_differ_in_the_ending_alone_and_never_in_one_that_is_also_heard():
    items = [item for seed in range(40) for item in persian_pairs(VERBS, 99, seed)]
    assert {item.id for item in items} == {
        "past:رفت", "present:رو", "past:بود", "past:گفت", "present:گوی", "present:روب"
    }  # fmt: skip
    for item in items:
        right, wrong = (text.rstrip(".").split() for text in item.candidates)
        stem = item.id.partition(":")[2]
        assert right[:-1] == wrong[:-1]
        assert right[-1] != wrong[-1]
        assert all(stem in word for word in (right[-1], wrong[-1]))
        assert item.subset in ("person", "number")
    texts = {text for item in items for text in item.candidates}
    assert {"من دیروز رفتم.", "او هر روز می‌رود."} <= texts
    assert "شما دیروز رفتی." not in texts  # familiar, but said
    assert len(persian_pairs(VERBS, 3, 0)) == 3


def test_hazm_verbs_are_the_usable_ones_most_frequent_first(tmp_path: Path):
    wheel = tmp_path / "hazm.whl"
    verbs = "#هست\nدید#بین\nرفت#رو\nگفت#گو\nگفت#گوی\nآخت#آهنج یا آهاز\nگشت#گرد\nبرگشت#برگرد\nنمود#نما\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("hazm/data/verbs.dat", verbs)
        archive.writestr("hazm/data/words.dat", "رفتن\t9\tN\nگفتن\t5\tN\nدیدن\t7\tN\n")
    assert read_hazm_verbs(wheel) == ["رفت#رو", "دید#بین", "گفت#گوی", "گشت#گرد"]
    wheel.write_text("nothing")
    with pytest.raises(GrowmergeError, match=r"hazm\.whl"):
        read_hazm_verbs(wheel)


def test_items_come_back_as_they_were(tmp_path: Path):
    path = tmp_path / "höf uð" / "items.parquet"
    items = [
        Item("b", "s", ("right", "wrong", "worse")),
        Item("a", "", ("می\u200cروم",), "I go"),
        Item("c", "s", (" yes", " no"), context="Question?\nAnswer:"),
        Item("d", "s", (), "Jag går", context="EN: I go SV:"),
    ]
    write_items(items, path)
    assert read_items(path) == items


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "no items"),
        ([Item("a", "s", ("x", "y")), Item("a", "s", ("z", "w"))], "2 items have the id 'a'"),
        ([Item("a", "s", ())], "'a' has no candidates, and no prompt with a reference"),
        ([Item("a", "s", (), None, "Translate:")], "'a' has no candidates, and no prompt with a reference"),
        ([Item("a", "s", ("x", " "))], "'a' has an empty text"),
        ([Item("a", "s", ("x",), "")], "'a' has an empty text"),
        ([Item("a", "s", ("x", "x"))], "'a' has the same candidate twice"),
    ],
)
def test_items_that_cannot_be_scored_are_neither_written_nor_read(tmp_path, items, message):
    path = tmp_path / "items.parquet"
    with pytest.raises(GrowmergeError, match=message):
        write_items(items, path)
    assert not path.exists()
    columns = {name: [getattr(item, name) for item in items] for name in SCHEMA.names}
    pq.write_table(pa.table(columns, schema=SCHEMA), path)
    with pytest.raises(GrowmergeError, match=message):
        read_items(path)


def test_a_foreign_file_of_items_is_named_with_what_it_lacks(tmp_path):
    path = tmp_path / "items.parquet"
    columns = {"id": ["a"], "subset": ["s"], "candidates": ["x"], "reference": ["r"]}
    pq.write_table(pa.table(columns), path)  # as older versions wrote them
    with pytest.raises(GrowmergeError, match=r"no column 'context'; it has id, .*: remove it to build it again"):
        read_items(path)
    pq.write_table(pa.table(columns | {"context": [""]}), path)
    with pytest.raises(GrowmergeError, match=r"items\.parquet: a column has the wrong type"):
        read_items(path)
    path.write_text("plain")
    with pytest.raises(GrowmergeError, match=r"items\.parquet: cannot be read"):
        read_items(path)
