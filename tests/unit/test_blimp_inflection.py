"""Minimal pairs made from sentences and full-form lexicons."""

import pytest

from growmerge.benchmarks.inflection.build import build_inflection
from growmerge.benchmarks.inflection.features import dimension, parse
from growmerge.benchmarks.inflection.lexicon import UniMorph
from growmerge.benchmarks.inflection.pairs import Account, Rules, make_pairs
from growmerge.benchmarks.inflection.sample import sample
from growmerge.benchmarks.inflection.sentences import sentences
from growmerge.benchmarks.items import read_items, write_items
from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

# In UniMorph's format: "hus" is singular and plural, "banan" of two lemmas, "kallar" a noun, too.
LEXICON = """
häst	häst	N;NOM;SG;INDF
häst	hästen	N;NOM;SG;DEF
häst	hästar	N;NOM;PL;INDF
häst	hästarna	N;NOM;PL;DEF
häst	hästens	N;GEN;SG;DEF
hus	hus	N;NOM;SG;INDF
hus	hus	N;NOM;PL;INDF
hus	huset	N;NOM;SG;DEF
bana	banan	N;NOM;SG;DEF
bana	bana	N;NOM;SG;INDF
banan	banan	N;NOM;SG;INDF
banan	bananen	N;NOM;SG;DEF
kalla	kallar	V;IND;PRS;ACT
kalla	kallade	V;IND;PST;ACT
kalla	har kallat	V;IND;PRF;ACT
kalle	kallar	N;NOM;PL;INDF
springa	springer	V;IND;PRS;ACT
springa	sprang	V;IND;PST;ACT
springa	springa	V;NFIN;ACT
""".strip()


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "swe"
    path.write_text(LEXICON + "\n\n", encoding="utf-8")
    return path


def make(lexicon, *texts, **rules):
    account = Account()
    documents = [Document(f"d{n}", text) for n, text in enumerate(texts)]
    items = list(make_pairs(documents, UniMorph(lexicon), Rules(**{"min_words": 1} | rules), 0, account))
    assert account.words.total() >= account.words["changed"]
    return {(item.subset, item.candidates[1]) for item in items}, account


def test_one_word_is_put_into_every_form_that_differs_in_one_dimension(lexicon):
    pairs, account = make(lexicon, "Jag ser hästen springa bort.")
    assert pairs == {
        ("N;DEF->INDF", "Jag ser häst springa bort."),
        ("N;NOM->GEN", "Jag ser hästens springa bort."),
        ("N;SG->PL", "Jag ser hästarna springa bort."),
    }
    assert account.sentences == 1
    assert account.words == {"not in the lexicon": 3, "changed": 1, "no form that is surely wrong": 1}


def test_only_the_dimensions_that_are_asked_for_are_changed(lexicon):
    rules = {"dimensions": {"N": frozenset({"Case"})}}
    pairs, _ = make(lexicon, "Jag ser hästen springa bort.", **rules)
    assert pairs == {("N;NOM->GEN", "Jag ser hästens springa bort.")}


def test_a_word_of_several_lemmas_or_parts_of_speech_is_left_alone(lexicon):
    pairs, account = make(lexicon, "Den kallar banan gul.")
    assert pairs == set()
    assert account.words["several lemmas"] == 2


def test_a_word_of_two_parts_of_speech_is_left_alone_though_the_lemma_is_one(lexicon):
    noun = "lek\tlek\tN;SG\nlek\tlekar\tN;PL\n"
    lexicon.write_text(noun)
    assert make(lexicon, "Vi ser lek här.")[0] == {("N;SG->PL", "Vi ser lekar här.")}
    lexicon.write_text(noun + "lek\tlek\tV;SG\n")
    pairs, account = make(lexicon, "Vi ser lek här.")
    assert pairs == set()
    assert account.words["several lemmas"] == 1


def test_sentences_that_are_too_short_or_too_long_are_passed_over(lexicon):
    texts = ("Nu springer vi.", "Nu springer vi bort.", "Nu springer vi bort härifrån.")
    pairs, account = make(lexicon, *texts, min_words=4, max_words=4)
    assert pairs == {("V;PRS->PST", "Nu sprang vi bort.")}
    assert account.sentences == 1


def test_a_form_that_can_be_read_as_the_right_one_is_no_replacement(lexicon):
    # "hus" is the plural of "hus" as well: the surface would stay. Definiteness differs from both readings: in number,
    # too, from one of them, so that the two disagree on what changes.
    assert make(lexicon, "Vi ser hus här.")[0] == set()
    # The other way round, the indefinite "hus" is singular in one reading: it differs in definiteness alone, but where
    # number is what the sentence decides, its singular would fit.
    assert make(lexicon, "Vi ser huset här.")[0] == {("N;DEF->INDF", "Vi ser hus här.")}
    plural = lexicon.read_text() + "hus\thusen\tN;NOM;PL;DEF\n"
    lexicon.write_text(plural)
    only_number = {"dimensions": {"N": frozenset({"Number"})}}
    assert make(lexicon, "Vi ser huset här.", **only_number)[0] == {("N;SG->PL", "Vi ser husen här.")}
    lexicon.write_text(plural + "hus\thusen\tN;NOM;SG;DEF\n")
    assert make(lexicon, "Vi ser huset här.", **only_number)[0] == set()


def test_readings_that_agree_on_the_change_make_one_subset(lexicon):
    lexicon.write_text("bók\tbók\tN;ACC;SG\nbók\tbók\tN;NOM;SG\nbók\tbókar\tN;GEN;SG\n", encoding="utf-8")
    pairs, _ = make(lexicon, "Ég las bók í dag.")
    assert pairs == {("N;ACC,NOM->GEN", "Ég las bókar í dag.")}


def test_capitals_are_kept(lexicon):
    texts = {text for _, text in make(lexicon, "Hästen springer.", "HÄSTEN SPRINGER NU.")[0]}
    assert {"Hästarna springer.", "Hästen sprang.", "HÄSTARNA SPRINGER NU.", "HÄSTEN SPRANG NU."} <= texts
    # A capital inside a sentence is a name, which small letters say nothing about.
    assert {text.split()[0] for _, text in make(lexicon, "Nu kom Hästen hit.")[0]} == set()


def test_forms_of_several_words_replace_nothing(lexicon):
    assert make(lexicon, "Nu springer vi.")[0] == {("V;PRS->PST", "Nu sprang vi.")}


def test_words_with_persian_joiners_are_whole(lexicon):
    lexicon.write_text("رفتن\tمی\u200cروم\tV;PRS;1;SG\nرفتن\tمی\u200cروی\tV;PRS;2;SG\n", encoding="utf-8")
    assert make(lexicon, "من می\u200cروم.")[0] == {("V;1->2", "من می\u200cروی.")}


def test_the_features_are_those_of_unimorph():
    found = parse("l", "V;SBJV;PST;3;PL;MASC+FEM;PSS1S;LGSPEC02")
    assert found.pos == "V"
    assert found.features == {
        "Mood": "SBJV", "Tense": "PST", "Person": "3", "Number": "PL", "Gender": "FEM+MASC", "Possession": "PSS1S",
        "Language_Specific": "LGSPEC02",
    }  # fmt: skip
    for tags in ("V.PTCP;PST", "V.PTCP.PST", "PST;V.PTCP"):
        assert (parse("l", tags).pos, parse("l", tags).features) == ("V.PTCP", {"Tense": "PST"})
    assert [dimension(tag) for tag in ("DAT", "{NOM/ACC}", "BANTU7", "XYZ")] == ["Case", "Case", "Gender", "XYZ"]


def test_a_byte_order_mark_is_no_part_of_the_first_lemma(lexicon):
    lexicon.write_text("häst\thästen\tN;SG\nhäst\thästar\tN;PL\n", encoding="utf-8-sig")
    assert make(lexicon, "Jag ser hästen.")[0] == {("N;SG->PL", "Jag ser hästar.")}


@pytest.mark.parametrize("inside", ["\u2028", "\u0085", "\x0b", "\x1c"])
def test_only_line_feeds_end_a_line_of_a_lexicon(lexicon, inside):
    lexicon.write_bytes(f"häst\thästen\tN;SG\r\nx\ty{inside}z\tN;SG\r\nhäst\thästar\tN;PL\r\n".encode())
    assert make(lexicon, "Jag ser hästen.")[0] == {("N;SG->PL", "Jag ser hästar.")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("häst\thästen N;SG\n", "swe: line 1: not lemma, form and features"),
        ("häst\thästen\tN;SG\nhäst\t\tN;PL\n", "swe: line 2: not lemma"),
        ("häst\thästen\tSG;DEF\n", "swe: line 1: no part of speech in the features 'SG;DEF'"),
        ("\n", "swe: has no forms"),
    ],
)
def test_a_file_that_is_no_lexicon_is_named_with_its_line(lexicon, text, message):
    lexicon.write_text(text)
    with pytest.raises(GrowmergeError, match=message):
        UniMorph(lexicon)


def test_text_is_cut_into_sentences():
    document = Document("a", "Ett. Två? »Tre!« Fyra är 4. 5 är fem\n\nÅtta… Öst. Dr. Ek och t.ex. han.")
    assert [s.text for s in sentences([document])] == [
        "Ett.", "Två?", "»Tre!«", "Fyra är 4.", "5 är fem", "Åtta…", "Öst.", "Dr.", "Ek och t.ex. han.",
    ]  # fmt: skip
    assert [s.id for s in sentences([document])][:2] == ["a:1", "a:2"]


def study(lexicon, **more):
    own = {"lexicons": {"swe": str(lexicon)}, "dimensions": "all", **more}
    return Benchmark(name="own", use="inflection", limit=4, inflection=own)


def test_a_benchmark_is_a_sample_with_an_account_and_a_page_to_read(lexicon, tmp_path):
    documents = [Document(f"a{n}", f"Här springer hästen nummer{n * 'x'} bort. Nu då.") for n in range(5)]
    items, facts = build_inflection(study(lexicon), "swe", documents, seed=1)
    assert (facts["sentences"], facts["pairs"], facts["kept"]) == (5, 20, 4)
    words = facts["words"]
    assert words.pop("read") == sum(words.values()) == 25
    assert sum(facts["subsets"].values()) == len(items) == 4
    assert build_inflection(study(lexicon), "swe", documents[::-1], seed=1)[0] == items
    write_items(items, tmp_path / "items.parquet")
    assert read_items(tmp_path / "items.parquet") == items
    page = sample(items, "own in swe", 1)
    assert page.startswith("# own in swe\n\n4 pairs in ")
    for item in items:
        assert item.candidates[0] in page.replace("**", "")
        assert item.candidates[1] in page.replace("**", "")
    assert "**hästen**" in page or "**springer**" in page


def test_a_sentence_that_comes_again_makes_no_pair_twice(lexicon):
    once, _ = make(lexicon, "Jag ser hästen springa bort.")
    again, account = make(lexicon, "Jag ser hästen springa bort.", "Jag ser hästen springa bort.")
    assert (again, account.sentences, account.repeated) == (once, 1, 1)
    documents = [Document(name, "Jag ser hästen springa bort.") for name in "ab"]
    items, facts = build_inflection(study(lexicon), "swe", documents, seed=1)
    assert (len(items), facts["pairs"], facts["repeated"]) == (3, 3, 1)


def test_icelandic_paradigms_are_those_of_bin_where_its_package_is_named():
    own = {"lexicons": {"isl": "islenska"}, "dimensions": {"N": ["Case"], "V": ["Person", "Number"]}}
    benchmark = Benchmark(name="own", use="inflection", inflection=own)
    items, facts = build_inflection(benchmark, "isl", [Document("a", "Kötturinn sefur alltaf á hlýjum stað.")], seed=1)
    changed = {(item.subset, item.candidates[1]) for item in items}
    assert ("N;NOM->ACC", "Köttinn sefur alltaf á hlýjum stað.") in changed
    assert {subset.split(";")[0] for subset, _ in changed} <= {"N", "V"}
    assert facts["pairs"] == len(items) == len(changed)
    swedish = Benchmark(name="own", use="inflection", inflection={"lexicons": {"swe": "islenska"}})
    with pytest.raises(GrowmergeError, match=r"inflection\.lexicons\.swe = 'islenska': holds Icelandic"):
        build_inflection(swedish, "swe", [], seed=1)


def test_pairs_of_a_sentence_can_be_limited(lexicon):
    documents = [Document("a", "Här springer hästen snabbt bort.")]
    items, facts = build_inflection(study(lexicon, per_sentence=1), "swe", documents, seed=1)
    assert (len(items), facts["pairs"]) == (1, 1)


def test_no_pair_at_all_is_an_error_with_the_account(lexicon):
    with pytest.raises(GrowmergeError, match=r"own in swe: no pair from 1 sentences .*not in the lexicon': 4"):
        build_inflection(study(lexicon), "swe", [Document("a", "inget känt ord här")], seed=1)
    with pytest.raises(GrowmergeError, match="no lexicon in isl"):
        build_inflection(study(lexicon), "isl", [], seed=1)
