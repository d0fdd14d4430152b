"""What made pairs of inflection invalid on real lexicons and treebanks, each fault in small, with its right outcome."""

import logging
from collections import Counter

import pytest

from growmerge.benchmarks.build import HeldOutShards
from growmerge.benchmarks.inflection.build import build_inflection, write_inflection
from growmerge.benchmarks.inflection.capped import capped
from growmerge.benchmarks.inflection.conllu import Tagged, read_conllu
from growmerge.benchmarks.inflection.lexicon import UniMorph
from growmerge.benchmarks.inflection.pairs import Account, Rules, changed_word, make_pairs
from growmerge.benchmarks.inflection.regular import inflection
from growmerge.benchmarks.inflection.sample import sample
from growmerge.benchmarks.inflection.usage import Usage
from growmerge.benchmarks.items import Item, read_items
from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError

DECIDED = Benchmark(name="own", use="inflection", inflection={"lexicons": {"swe": "x"}}).inflection.dimensions


def rows(*lines):
    """Lines of UniMorph from `lemma form tags`; a lemma of several words has _ between them."""
    return "".join("\t".join(part.replace("_", " ") for part in line.split()) + "\n" for line in lines)


@pytest.fixture
def make(tmp_path):
    def made(lexicon, *texts, counts=None):
        """{subset form} of all pairs, and the outcomes of words; `counts` for the frequency test."""
        path = tmp_path / "lexicon"
        path.write_text(rows(*lexicon), encoding="utf-8")
        documents = [text if isinstance(text, Document) else Document(f"d{n}", text) for n, text in enumerate(texts)]
        found = UniMorph(path)
        usage = None if counts is None else Usage(counts, found)
        account = Account()
        rules = Rules({pos: frozenset(names) for pos, names in DECIDED.items()}, min_words=1)
        items = list(make_pairs(documents, found, rules, 0, account, usage))
        return {f"{item.subset} {item.id.rpartition(':')[2]}" for item in items}, account.words

    return made


@pytest.fixture
def tree(tmp_path):
    def read(*words, text=None, name="a.conllu"):
        """A sentence of `form upos features head relation`, features with , between them and - for none."""
        lines = [f"# text = {text}"] if text else []
        for number, word in enumerate(words, start=1):
            form, upos, features, head, relation = word.split()
            features = "_" if features == "-" else features.replace(",", "|")
            lines.append("\t".join([str(number), form, "_", upos, "_", features, head, relation, "_", "_"]))
        path = tmp_path / name
        path.write_text("\n".join([*lines, "", ""]), encoding="utf-8")
        (sentence,) = read_conllu([path])
        return sentence

    return read


# --- the lexicon ------------------------------------------------------------------------------------------------------


def test_a_broken_row_of_a_verb_of_two_words_says_nothing_of_a_single_word(make):
    lexicon = [
        "sabr_kardan be V;3;SG",
        "sabr_kardan sabr_kard V;3;SG",
        "sabr_kardan bekon V;2;SG",
        "raftan raft V;3;SG",
    ]
    pairs, words = make(lexicon, "ali be xane raft")
    assert pairs == set()
    assert words == {"not in the lexicon": 3, "no form that is surely wrong": 1}


def test_forms_that_are_neither_attested_nor_inflected_as_another_lemma_replace_nothing(tmp_path):
    nouns = [f"{a}{b}l{c}" for a in "kmtsp" for b in "au" for c in "ae"]
    lines = [f"{noun} {noun} N;NOM;SG" for noun in nouns] + [f"{noun} {noun}ks N;TRANS;SG" for noun in nouns]
    junk = ["töö töö N;NOM;SG", "töö töödekstöiks N;TRANS;SG", "maa maa N;NOM;SG", "maa indefinite N;TRANS;SG"]
    rare = ["mees mees N;NOM;SG", "mees meheks N;TRANS;SG"]
    path = tmp_path / "lexicon"
    path.write_text(rows(*lines, *junk, *rare), encoding="utf-8")

    def forms(lemma, **more):
        return [form for form, _ in UniMorph(path, **more).forms(lemma, "N")]

    attested = Counter(["töö", "maa", "mees", "meheks"])
    assert forms("töö", attested=attested) == ["töö"]
    assert forms("maa", attested=attested) == ["maa"]
    assert forms("mees", attested=attested) == ["mees", "meheks"], "irregular, but the text has it"
    assert forms("mees", attested=Counter(["mees"])) == ["mees"]
    assert forms("kale", attested=Counter()) == ["kale", "kaleks"]
    assert forms("töö") == ["töö", "töödekstöiks"], "without a text every form counts"
    assert UniMorph(path, attested).analyses("indefinite"), "a reading is a reading"


def test_of_a_few_lemmas_none_is_irregular(tmp_path):
    path = tmp_path / "lexicon"
    path.write_text(rows("mees mees N;NOM;SG", "mees meheks N;TRANS;SG", "töö tööks N;TRANS;SG"))
    assert [form for form, _ in UniMorph(path, Counter()).forms("mees", "N")] == ["mees", "meheks"]


@pytest.mark.parametrize(
    ("lemma", "form", "expected"),
    [("häst", "hästar", ("·", "·ar")), ("tavanestan", "betavanam", ("·estan", "be·am")), ("a", "b", ("·a", "·b"))],
)
def test_an_inflection_is_what_surrounds_the_stem(lemma, form, expected):
    assert inflection(lemma, form) == expected


def test_a_form_that_may_be_either_case_fits_where_one_of_them_is_right(make):
    lexicon = ["rom rom ADJ;NOM/ACC;NEUT", "rom romi ADJ;DAT;NEUT", "rom rom ADJ;{NOM/ACC};NEUT"]
    assert make(lexicon, "her er romi")[0] == {"ADJ;DAT->ACC rom"}
    assert make(lexicon, "her er rom")[0] == {"ADJ;ACC,NOM->DAT romi"}


def test_a_joiner_that_only_the_text_writes_is_written_in_the_form_too(make):
    lexicon = ["raftan میروم V;PRS;1;SG", "raftan میروی V;PRS;2;SG", "raftan بروی V;PRS;3;SG", "raftan می V;PRS;2;SG"]
    assert make(lexicon, "من می\u200cروم")[0] == {"V;1->2 می\u200cروی"}
    assert make(lexicon, "من میروم")[0] == {"V;1->2 می", "V;1->3 بروی"} | {"V;1->2 میروی"}


# --- words that the text uses more often than the paradigm explains ---------------------------------------------------

WOOD = ["viður viður N;NOM;SG", "viður við N;ACC;SG", "viður viði N;DAT;SG"]
HORSE = ["hestur hestur N;NOM;SG", "hestur hest N;ACC;SG", "hestur hesti N;DAT;SG"]


def test_a_function_word_that_equals_a_rare_form_is_left_alone(make):
    counts = Counter({"við": 200, "viður": 1, "hestur": 40, "hest": 30, "hesti": 20})
    pairs, words = make([*WOOD, *HORSE], "hestur er við veginn", counts=counts)
    assert pairs == {"N;NOM->ACC hest", "N;NOM->DAT hesti"}
    assert words["more common than its paradigm explains"] == 1


def test_a_noun_that_is_as_common_as_its_paradigm_explains_is_no_function_word(make):
    counts = Counter({"við": 12, "viður": 9, "viði": 8, "hestur": 40, "hest": 30, "hesti": 20})
    assert "N;ACC->DAT viði" in make([*WOOD, *HORSE], "hann sá við", counts=counts)[0]
    alone = Counter({"við": 7})
    assert "N;ACC->DAT viði" in make(WOOD, "hann sá við", counts=alone)[0], "seven uses of a rare word prove nothing"


# --- cases that differ in what they say -------------------------------------------------------------------------------


def test_local_cases_and_the_partitive_are_not_exchanged_for_what_is_right_too(make):
    local = ["maja majas N;IN+ESS;SG", "maja majast N;IN+ABL;SG", "maja majale N;AT+ALL;SG"]
    assert make(local, "ta on majas")[0] == set()
    objects = ["raamat raamatut N;PRT;SG", "raamat raamatu N;GEN;SG", "raamat raamatus N;IN+ESS;SG"]
    assert make(objects, "ta luges raamatut")[0] == {"N;PRT->ESS+IN raamatus"}


# --- treebanks --------------------------------------------------------------------------------------------------------


def test_the_tags_of_a_treebank_settle_what_a_word_is(make, tree):
    lexicon = [*WOOD, "viður viðar N;GEN;SG"]
    preposition = tree("hann PRON Case=Nom 2 nsubj", "er VERB - 0 root", "við ADP - 4 case", "hús NOUN Case=Acc 2 obl")
    pairs, words = make(lexicon, preposition)
    assert (pairs, words["tagged as something else"]) == (set(), 1)
    noun = tree(
        "hann PRON Case=Nom 2 nsubj", "sá VERB - 0 root", "við NOUN Case=Acc,Number=Sing 2 obj", name="b.conllu"
    )
    assert make(lexicon, noun)[0] == {"N;ACC->NOM viður", "N;ACC->DAT viði", "N;ACC->GEN viðar"}


def test_tags_choose_among_the_readings_of_a_form(make, tree):
    lexicon = ["bók bók N;NOM;SG", "bók bók N;ACC;SG", "bók bókar N;GEN;SG", "bók bókar N;NOM;PL"]
    text = "ég las bók"
    assert make(lexicon, text)[0] == set(), "the genitive is the nominative plural, too, which differs in two"
    lexicon = lexicon[:3]
    assert make(lexicon, text)[0] == {"N;ACC,NOM->GEN bókar"}
    tagged = tree("ég PRON Case=Nom 2 nsubj", "las VERB - 0 root", "bók NOUN Case=Acc 2 obj")
    assert make(lexicon, tagged)[0] == {"N;ACC->GEN bókar"}


VERB = ["raftan raft V;3;SG", "raftan raftam V;1;SG", "raftan raftand V;3;PL"]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("ali NOUN Number=Sing 2 nsubj", {"V;3->1 raftam", "V;SG->PL raftand"}),
        ("anja ADV - 2 advmod", set()),  # the subject is left out: any person will do
        ("mardom NOUN Number=Plur 2 nsubj", {"V;3->1 raftam"}),  # a plural of things takes either number
        ("hame PRON - 2 nsubj", set()),  # all: of them or of us
        ("man PRON Person=1,Number=Sing 2 nsubj", set()),  # no agreement as it is
    ],
)
def test_person_and_number_change_only_where_an_overt_subject_agrees(make, tree, subject, expected):
    assert make(VERB, tree(subject, "raft VERB Number=Sing,Person=3 0 root"))[0] == expected


def test_the_number_of_joined_or_counted_subjects_is_free(make, tree):
    verb = "raft VERB Number=Sing,Person=3 0 root"
    joined = tree("ali NOUN Number=Sing 2 nsubj", verb, "va CCONJ - 4 cc", "hasan NOUN Number=Sing 1 conj")
    assert make(VERB, joined)[0] == {"V;3->1 raftam"}


def test_the_subject_of_an_auxiliary_is_that_of_its_verb(make, tree):
    lexicon = ["xastan xahad V;3;SG", "xastan xaham V;1;SG"]
    words = ["ali NOUN Number=Sing 3 nsubj", "xahad AUX Number=Sing,Person=3 3 aux", "raft VERB - 0 root"]
    assert make(lexicon, tree(*words))[0] == {"V;3->1 xaham"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["hest NOUN Case=Acc 0 root"], set()),  # no verb, nothing that governs it
        (["um ADP - 2 case", "hest NOUN Case=Acc 0 root"], {"N;ACC->NOM hestur"}),  # not the dative: where, where to
        (["hest NOUN Case=Acc 2 obl", "sá VERB - 0 root"], set()),
        (["stóran ADJ Case=Acc 2 amod", "hest NOUN Case=Acc 0 root"], {"N;ACC->NOM hestur", "N;ACC->DAT hesti"}),
        (["Jón NOUN Case=Acc 0 root", "hest NOUN Case=Acc 1 conj"], {"N;ACC->NOM hestur", "N;ACC->DAT hesti"}),
        (["hest NOUN Case=Acc 2 nmod", "hús NOUN Case=Nom 0 root"], set()),
    ],
)
def test_the_case_of_a_noun_changes_only_where_something_decides_it(make, tree, words, expected):
    pairs, outcomes = make(HORSE, tree(*words))
    assert pairs == expected
    assert outcomes["not decided by the sentence"] == (not expected)


def test_an_attribute_in_the_genitive_goes_with_the_cases_that_attributes_do_not_share(make, tree):
    lexicon = ["maja maja N;GEN;SG", "maja majani N;TERM;SG", "maja majas N;IN+ESS;SG"]
    words = ["suure ADJ Case=Gen 2 amod", "maja NOUN Case=Gen 3 nmod", "katus NOUN Case=Nom 0 root"]
    assert make(lexicon, tree(*words))[0] == {"N;GEN->ESS+IN majas"}


def test_an_adjective_changes_where_its_noun_agrees_with_it(make, tree):
    lexicon = ["stór stór ADJ;NOM;FEM", "stór stórur ADJ;NOM;MASC", "stór stóra ADJ;ACC;FEM"]
    attribute = ["stór ADJ Case=Nom,Gender=Fem 2 amod", "kona NOUN Case=Nom,Gender=Fem 0 root"]
    predicate = ["kona NOUN Case=Nom,Gender=Fem 3 nsubj", "er AUX - 3 cop", "stór ADJ Case=Nom,Gender=Fem 0 root"]
    changes = {"ADJ;FEM->MASC stórur", "ADJ;NOM->ACC stóra"}
    assert make(lexicon, tree(*attribute))[0] == make(lexicon, tree(*predicate))[0] == changes
    assert make(lexicon, tree("stór ADJ Case=Nom,Gender=Fem 0 root"))[0] == set()


CONLLU = """# sent_id = s1
# text = Vámonos, dijo «él».
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tVamos\tir\tVERB\t_\tNumber=Plur|Person=1\t0\troot\t_\t_
2\tnos\tnos\tPRON\t_\t_\t1\texpl:pv\t_\t_
3\t,\t,\tPUNCT\t_\t_\t4\tpunct\t_\t_
4\tdijo\tdecir\tVERB\t_\t_\t1\tparataxis\t_\t_
4.1\tx\tx\tVERB\t_\t_\t_\t_\t_\t_
5\t«\t«\tPUNCT\t_\t_\t6\tpunct\t_\tSpaceAfter=No
6\tél\tél\tPRON\t_\tCase=Nom\t4\tnsubj:x\t_\tSpaceAfter=No
7\t»\t»\tPUNCT\t_\t_\t6\tpunct\t_\tSpaceAfter=No
8\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_

1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_
2\tsí\tsí\tINTJ\t_\t_\t1\tconj\t_\t_
"""


def test_tokens_have_their_places_in_the_text(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU, encoding="utf-8")
    first, second = read_conllu([path])
    assert (first.id, first.text) == ("a.conllu:s1", "Vámonos, dijo «él».")
    assert [first.text[slice(*span)] for span in first.by_span] == [",", "dijo", "«", "él", "»", "."]
    he = next(token for token in first.tokens if token.upos == "PRON" and token.number == 6)
    assert (he.relation, he.head, dict(he.features)) == ("nsubj", 4, {"Case": "Nom"})
    assert (second.id, second.text) == ("a.conllu:2", "Sí sí")
    assert [second.text[slice(*token.span)] for token in second.tokens] == ["Sí", "sí"]
    path.write_text(CONLLU.replace("dijo «él».", "dice él."), encoding="utf-8")  # a text of other words than its own
    assert next(iter(read_conllu([path]))).text == "Vámonos, dijo «él»."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\tSí\tsí\n", r"a\.conllu: line 1: not CoNLL-U"),
        ("# text = Sí\n" + "\t".join(["1", *"abcdefghi"]) + "\n", r"a\.conllu: line 2: not CoNLL-U"),
        ("# only = a comment\n\n", r"a\.conllu: has no sentences"),
    ],
)
def test_a_file_that_is_no_treebank_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "a.conllu"
    path.write_text(text)
    with pytest.raises(GrowmergeError, match=message):
        list(read_conllu([path]))


def test_a_treebank_is_a_source_of_sentences(tmp_path):
    (tmp_path / "lexicon").write_text(rows(*HORSE))
    path = tmp_path / "a.conllu"
    lines = ["Jón PROPN Case=Nom 2 nsubj", "sá VERB - 0 root", "stóran ADJ Case=Acc 4 amod", "hest NOUN Case=Acc 2 obj"]
    words = (f"{n} {line}".split() for n, line in enumerate(lines, start=1))
    path.write_text("".join(f"{n}\t{form}\t_\t{upos}\t_\t{f}\t{h}\t{r}\t_\t_\n" for n, form, upos, f, h, r in words))
    own = {
        "lexicons": {"isl": str(tmp_path / "lexicon")},
        "sentences": {"isl": {"kind": "conllu", "paths": [str(path)]}},
    }
    benchmark = Benchmark(name="own", use="inflection", inflection=own)
    assert benchmark.files("isl") == [str(tmp_path / "lexicon"), str(path)]
    assert benchmark.inflection.sentences["isl"].files() == [path]
    items, facts = build_inflection(benchmark, "isl", list(read_conllu([path])), seed=1)
    assert {item.candidates[1] for item in items} == {"Jón sá stóran hestur", "Jón sá stóran hesti"}
    assert facts["words"]["changed"] == 1
    spaced = benchmark.model_copy(update={"leading_space": True})
    write_inflection(tmp_path / "out", spaced, "isl", text=HeldOutShards(), seed=1)
    written = read_items(tmp_path / "out/items.parquet")
    assert [item.candidates for item in written] == [tuple(f" {text}" for text in item.candidates) for item in items]
    assert "| hest | 2 | 100.0% |" in (tmp_path / "out/sample.md").read_text(encoding="utf-8")


def test_sentences_of_treebanks_and_plain_ones_make_the_same_kind_of_item(tree):
    sentence = tree("Jón PROPN Case=Nom 0 root")
    assert isinstance(sentence, Tagged)
    assert sentence == Tagged(sentence.id, "Jón")


# --- the share of a word ----------------------------------------------------------------------------------------------


def pair(word, number):
    text = f"Här är {word} nu"
    return Item(f"d{number}:{text.index(word)}:{word}x", "N;SG->PL", (text, f"Här är {word}x nu"))


def test_no_word_has_more_than_its_share_of_the_pairs():
    few = [pair(f"{chr(97 + n // 26)}{chr(97 + n % 26)}", n) for n in range(600)]
    items = [*few, *(pair("veel", 1000 + n) for n in range(400))]
    found = capped(items, 0.02, None, 1)
    assert Counter(map(changed_word, found))["veel"] == int(0.02 * len(found)) == 12
    limited = capped(items, 0.02, 500, 1)
    assert (len(limited), Counter(map(changed_word, limited))["veel"]) == (500, 10)
    assert capped(items[::-1], 0.02, 50, 1) == capped(items, 0.02, 50, 1), "whatever is pruned on the way"
    assert len(capped(items, 1.0, None, 1)) == 1000


def test_a_small_benchmark_may_have_ten_pairs_of_a_word():
    assert len(capped([pair("veel", n) for n in range(40)], 0.02, None, 1)) == 10


def test_the_page_shows_the_commonest_words_and_the_log_warns_of_one_that_dominates(tmp_path, caplog):
    lexicon = tmp_path / "swe"
    lexicon.write_text(rows("häst häst N;NOM", "häst hästs N;GEN", "ko ko N;NOM", "ko kos N;GEN"), encoding="utf-8")
    benchmark = Benchmark(name="own", use="inflection", inflection={"lexicons": {"swe": str(lexicon)}})
    texts = [f"Vi ser häst {'x' * n} här." for n in range(1, 8)] + ["Vi ser ko nu här."]
    with caplog.at_level(logging.WARNING):
        items, facts = build_inflection(benchmark, "swe", [Document(f"{n}", t) for n, t in enumerate(texts)], seed=1)
    assert "own in swe: 7 of 8 pairs change the word 'häst'" in caplog.text
    assert facts["commonest"] == {"word": "häst", "pairs": 7}
    assert "| häst | 7 | 87.5% |\n| ko | 1 | 12.5% |" in sample(items, "own in swe", 1)


# --- defaults ---------------------------------------------------------------------------------------------------------


def test_the_dimensions_that_a_sentence_decides_are_the_default(tmp_path):
    assert DECIDED == {"N": ["Case"], "ADJ": ["Case", "Gender"], "V": ["Person", "Number"]}
    lexicon = tmp_path / "swe"
    lexicon.write_text(rows("häst häst N;NOM;SG", "häst hästs N;GEN;SG", "häst hästar N;NOM;PL"), encoding="utf-8")
    documents = [Document("a", "Jag ser häst idag här.")]

    def subsets(**more):
        own = {"lexicons": {"swe": str(lexicon)}, **more}
        items, _ = build_inflection(Benchmark(name="own", use="inflection", inflection=own), "swe", documents, seed=1)
        return {item.subset for item in items}

    assert subsets() == {"N;NOM->GEN"}
    assert subsets(dimensions="all") == {"N;NOM->GEN", "N;SG->PL"}
