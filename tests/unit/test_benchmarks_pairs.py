"""Minimal pairs from datasets in the schemas of the hub, with the rows that such datasets have and should not."""

import json
import logging
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_folder import write_dataset
from hypothesis import given
from hypothesis import strategies as st

from growmerge.benchmarks.align import Nearest, levenshtein
from growmerge.benchmarks.build import build_benchmark
from growmerge.config.benchmarks import Benchmark
from growmerge.errors import GrowmergeError


def build(name, language, dataset, *, fields=None, limit=None, gap=None, use=None, **source):
    sources = {language: {"dataset": str(dataset), **source}}
    benchmark = Benchmark(name=name, use=use, sources=sources, fields=fields or {}, limit=limit, gap=gap)
    built = build_benchmark(benchmark, language, seed=42)
    assert built.facts["read"] == built.facts["kept"] + sum(built.facts["dropped"].values())
    assert built.facts["kept"] == len(built.items)
    return built


def pairs(built):
    return [(item.subset, *item.candidates) for item in built.items]


def blimp(good, bad, paradigm, term):
    return {
        "sentence_good": good, "sentence_bad": bad, "field": "syntax", "linguistics_term": term, "UID": paradigm,
        "simple_LM_method": True, "one_prefix_method": False, "two_prefix_method": False, "lexically_identical": True,
        "pair_id": 0,
    }  # fmt: skip


def test_blimp_reads_every_paradigm_and_names_its_phenomenon(tmp_path):
    dataset = write_dataset(
        tmp_path,
        {
            "wh_island": {"train": [blimp("Who did she see?", "Who did see she?", "wh_island", "island_effects")]},
            "passive_1": {
                "train": [
                    blimp("It was seen.", "It was slept.", "passive_1", "argument_structure"),
                    blimp("Equal.", "Equal. ", "passive_1", "argument_structure"),
                    blimp("", "Nothing.", "passive_1", "argument_structure"),
                ]
            },
        },
    )
    built = build("blimp", "eng", dataset, configs=["wh_island", "passive_1"])
    assert pairs(built) == [
        ("island_effects/wh_island", "Who did she see?", "Who did see she?"),
        ("argument_structure/passive_1", "It was seen.", "It was slept."),
    ]
    assert [item.id for item in built.items] == ["wh_island/train:1", "passive_1/train:1"]
    assert built.facts["dropped"] == {"right equals wrong": 1, "empty text": 1}


def test_another_number_of_items_than_the_paper_prints_is_a_warning_and_a_fact(tmp_path, caplog):
    rows = [{"sen": f"Þetta er {n}.", "wrong_sen": f"Þetta eru {n}.", "phenomenon": "SV-#"} for n in range(3)]
    with caplog.at_level(logging.WARNING):
        built = build("multiblimp", "isl", write_dataset(tmp_path, {"isl": {"train": rows}}))
    assert "multiblimp in isl: 3 items, the paper prints 2801" in caplog.text
    assert (built.facts["converted"], built.facts["published"]) == (3, 2801)
    assert {item.subset for item in built.items} == {"SV-#"}


def test_estonian_is_called_est_by_multiblimp(tmp_path):
    rows = [{"sen": "Ma lähen.", "wrong_sen": "Ma läheb."}]  # a column that may be missing
    built = build("multiblimp", "ekk", write_dataset(tmp_path, {"est": {"train": rows}}))
    assert pairs(built) == [("", "Ma lähen.", "Ma läheb.")]


def test_a_sample_is_kept_in_order_and_counted(tmp_path):
    rows = [{"original": f"ma on {n}", "correct": f"ma olen {n}"} for n in range(40)]
    dataset = write_dataset(tmp_path, {"default": {"train": rows[:1], "test": rows}})
    whole, some = build("grammar_et", "ekk", dataset), build("grammar_et", "ekk", dataset, limit=10)
    assert [item for item in whole.items if item in some.items] == some.items
    assert (len(whole.items), len(some.items), some.facts["dropped"]) == (40, 10, {"not sampled": 30})
    assert some.items != whole.items[:10]
    assert pairs(whole)[0] == ("", "ma olen 0", "ma on 0")


def single_error(right, wrong, corruption):
    return {"correct": right, "incorrect": wrong, "original_subset": corruption}


def test_splits_that_are_corruptions_become_subsets(tmp_path):
    splits = {
        "gen_sg_to_nom_sg": [
            single_error("Poisi koer haugub.", "Poiss koer haugub.", "gen_sg_to_nom_sg"),
            single_error("Laua peal.", "Laud peal.", "gen_sg_to_nom_sg"),
        ],
        "ind_prs_3sg_to_1sg": [single_error("Ta elab linnas.", "Ta elan linnas.", "ind_prs_3sg_to_1sg")],
    }
    swedish = {"prs_to_inf": [single_error("Hon går.", "Hon gå.", "prs_to_inf")]}
    built = build("blimp_single_error", "ekk", write_dataset(tmp_path, {"et": splits, "sv": swedish}))
    assert pairs(built) == [
        ("gen_sg_to_nom_sg", "Poisi koer haugub.", "Poiss koer haugub."),
        ("gen_sg_to_nom_sg", "Laua peal.", "Laud peal."),
        ("ind_prs_3sg_to_1sg", "Ta elab linnas.", "Ta elan linnas."),
    ]
    assert [item.id for item in built.items][1:] == ["et/gen_sg_to_nom_sg:2", "et/ind_prs_3sg_to_1sg:1"]


def test_facts_as_published_have_the_same_columns(tmp_path):
    rows = [{"correct": "Lima är huvudstad i Peru.", "incorrect": "Baku är huvudstad i Peru."}]
    built = build("minimal_pair_mpararel", "swe", write_dataset(tmp_path, {"sv": {"train": rows}}))
    assert [item.candidates for item in built.items] == [(rows[0]["correct"], rows[0]["incorrect"])]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_a_single_file_with_columns_of_its_own_is_a_source(tmp_path, suffix):
    path = tmp_path / f"føroysk pør{suffix}"
    row = {"good": "Hon, sum kom, er góð.", "bad": "Hon, sum kom, er góður."}
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    elif suffix == ".jsonl":
        path.write_text(json.dumps(row) + "\n")
    else:
        texts = "\t".join(row.values()) if suffix == ".tsv" else ",".join(f'"{text}"' for text in row.values())
        path.write_text(("good\tbad\n" if suffix == ".tsv" else "good,bad\n") + texts, encoding="utf-8")
    built = build("foblimp", "fao", path, fields={"right": "good", "wrong": "bad"})
    assert pairs(built) == [("", row["good"], row["bad"])]


def test_a_missing_column_is_named_with_those_there_are(tmp_path):
    dataset = write_dataset(tmp_path, {"fao": {"train": [{"sen": "a", "bad_sen": "b"}]}})
    with pytest.raises(GrowmergeError, match=r"\(fao/train\): no column 'wrong_sen' for `wrong`; it has sen, bad_sen"):
        build("multiblimp", "fao", dataset)


def test_a_missing_configuration_or_file_is_an_error_that_says_what_to_do(tmp_path):
    dataset = write_dataset(tmp_path, {"isl": {"train": [{"sen": "a", "wrong_sen": "b"}]}})
    with pytest.raises(GrowmergeError, match=r"'fao' not found.*correct config or split"):
        build("multiblimp", "fao", dataset)
    with pytest.raises(GrowmergeError, match=r"a local one is a folder in the hub's layout"):
        build("multiblimp", "fao", tmp_path / "nowhere")
    (tmp_path / "x.doc").write_text("x")
    with pytest.raises(GrowmergeError, match=r"x\.doc: unknown kind of file"):
        build("foblimp", "fao", tmp_path / "x.doc")


def test_where_nothing_is_left_the_reasons_are_listed(tmp_path):
    dataset = write_dataset(tmp_path, {"fao": {"train": [{"sen": "a", "wrong_sen": "a"}] * 2}})
    with pytest.raises(GrowmergeError, match=r"none of 2 records .* made an item .*right equals wrong: 2"):
        build("multiblimp", "fao", dataset)


# --- aligned sentences ------------------------------------------------------------------------------------------------


def plain_levenshtein(left, right):
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@given(st.text("abå ", max_size=12), st.text("abå ", max_size=12))
def test_levenshtein_equals_the_textbook_table(left, right):
    assert levenshtein(left, right) == plain_levenshtein(left, right)


def test_levenshtein_of_long_sentences_equals_the_table():
    draw = random.Random(0)
    for _ in range(20):
        left, right = ("".join(draw.choices("abcdefgh ", k=draw.randint(60, 200))) for _ in range(2))
        assert levenshtein(left, right) == plain_levenshtein(left, right)


def test_the_nearest_sentence_is_another_one_and_not_too_far():
    index = Nearest(["Jag går hem nu.", "Jag gick hem nu.", "Det regnar mycket i dag."])
    assert index.nearest("Jag går hem nu", 0.2) == "Jag går hem nu."
    assert index.nearest("Jag går hem nu.", 0.2) == "Jag gick hem nu."
    assert index.nearest("Hem är bäst i hela världen.", 0.2) is None
    assert index.nearest("xyz", 1.0) is None


def dalaj(sentence, label, error=""):
    span = {"start": 0, "stop": 3} if error else {"start": None, "stop": None}
    pair = {"incorrect_span": "x", "correction": "y"} if error else {"incorrect_span": None, "correction": None}
    meta = {"error_span": span, "confusion_pair": pair, "error_label": error, "education_level": "Avancerad", "l1": "",
            "data_source": "Dalaj.v.2 -- SweLL gold"}  # fmt: skip
    return {"sentence": sentence, "label": label, "meta": meta}


DALAJ = [
    dalaj("Barnen är ett lands framtid.", "correct"),
    dalaj("Barnen är ett lands framtiden.", "incorrect", "M-Def"),
    dalaj("Barnen vara ett lands framtid.", "incorrect", "M-Verb"),
    dalaj("Han kommer aldrig mer tillbaka till oss.", "incorrect", "S"),
    dalaj("Katten sover.", "correct"),
    dalaj("Katten sover.", "incorrect", "O"),
    dalaj("", "correct"),
    dalaj("Hunden skäller.", "kanske"),
]


def test_dalaj_aligns_incorrect_sentences_with_correct_ones(tmp_path):
    built = build("dalaj", "swe", write_dataset(tmp_path, {"dalaj-ged": {"train": DALAJ}}), splits=["train"])
    assert pairs(built) == [
        ("M-Def", "Barnen är ett lands framtid.", "Barnen är ett lands framtiden."),
        ("M-Verb", "Barnen är ett lands framtid.", "Barnen vara ett lands framtid."),
    ]
    assert built.facts["dropped"] == {
        "counterpart": 2, "empty text": 1, "label out of range": 1, "labelled correct, too": 1,
        "no correct sentence near it": 1,
    }  # fmt: skip


def test_dalaj_is_read_from_the_hubs_own_conversion_whose_labels_are_numbers(tmp_path):
    for split, rows in (("train", DALAJ[:2]), ("validation", DALAJ[2:3]), ("test", DALAJ[:1])):
        numbered = [row | {"label": ["correct", "incorrect"].index(row["label"])} for row in rows]
        (tmp_path / "dalaj-ged" / split).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(numbered), tmp_path / "dalaj-ged" / split / "0000.parquet")
    built = build("dalaj", "swe", tmp_path)
    assert [item.id for item in built.items] == ["dalaj-ged/train:2", "dalaj-ged/validation:1"]


def judgement(identifier, sentence, word, answer):
    question = f"Is the following Icelandic sentence grammatically {word} in Icelandic?"
    return {
        "id": identifier, "input": f"{question}\n\n {sentence} \n\nAnswer only with one word, yes or no.",
        "answer": answer,
    }  # fmt: skip


def test_icelandic_judgements_are_aligned_within_a_question_and_asked_once(tmp_path):
    rows = [
        judgement("sentence_bad_inv_01", "Þeir leiðumst bók.", "incorrect", "Yes"),
        judgement("gapping_acc_inv_1a", "Ég las greinina og þú skýrslan.", "incorrect", "Yes"),
        judgement("gapping_acc_inv_1b", "Ég las greinina og þú skýrsluna.", "incorrect", "No"),
        judgement("gapping_acc_1b", "Ég las greinina og þú skýrsluna.  ", "correct", "Yes"),
        judgement("gapping_acc_1c", "Ég las greinina og þú skýrslunni.", "correct", "No"),
        judgement("gapping_acc_2a", "Ég las greinina og þú skýrslunnar.", "correct", "No"),
        judgement("gapping_acc_2b", "Ég saknaði hans og þú hennar.", "correct", "perhaps"),
        {"id": "wug_verb_1", "input": "Fill in the blank:\n\n Í gær _ þær allan dag", "answer": "gunduðu"},
    ]
    path = tmp_path / "ice_benchmark_set.jsonl"
    write_lines(path, rows)
    built = build("icelandic_ged", "isl", path)
    right = "Ég las greinina og þú skýrsluna."
    assert pairs(built) == [
        ("gapping_acc", right, "Ég las greinina og þú skýrslan."),
        ("gapping_acc", right, "Ég las greinina og þú skýrslunni."),
    ]
    assert built.facts["dropped"] == {
        "asked before": 1, "counterpart": 1, "label out of range": 1, "no correct sentence near it": 2,
        "no question about a sentence": 1,
    }  # fmt: skip


def test_icelandic_variants_may_be_half_apart(tmp_path):
    sentence = "Jón sá hana"  # 11 characters
    rows = [
        judgement("islands_1a", sentence, "correct", "Yes"),
        judgement("islands_1b", "Jón sá xxxx", "correct", "No"),  # 4 of 11 apart
        judgement("islands_1c", "xxxxxx hana", "correct", "No"),  # 6 of 11
    ]
    write_lines(tmp_path / "judgements.jsonl", rows)
    built = build("icelandic_ged", "isl", tmp_path / "judgements.jsonl")
    assert pairs(built) == [("islands", sentence, "Jón sá xxxx")]
    assert built.facts["dropped"] == {"counterpart": 1, "no correct sentence near it": 1}


# --- examinations and facts -------------------------------------------------------------------------------------------

BASIC, UPPER = "eesti keel teise keelena (põhikool)", "eesti keel teise keelena (gümnaasium)"


def exam(question, choices, answer):
    return {"küsimus": question, "vastusevariandid": choices, "vastus": answer}


def test_the_estonian_examination_fills_single_gaps(tmp_path):
    dataset = write_dataset(
        tmp_path,
        {
            BASIC: {
                "train": [
                    exam("Ta elab ____ linnas.", ["suurte", "suures", "suur"], 1),
                    exam("Mis on pealinn?", ["Tallinn", "Tartu"], 0),
                    exam("Ma ____ ja sa ____.", ["lähen", "tuled"], 0),
                    exam("Ma ____ koju.", ["lähen", "lähed"], 2),
                    exam("Ma ____ koju.", ["lähen", "lähen"], 0),
                    exam("Ma ____ koju.", ["lähen"], 0),
                ]
            },
            UPPER: {"train": [exam("Ta tuleb (...) koju.", ["hilja", "hiline"], 0), exam("Vaata <1>.", ["a", "b"], 0)]},
        },
    )
    built = build("exam_et", "ekk", dataset)
    assert [item.candidates for item in built.items] == [
        ("Ta elab suures linnas.", "Ta elab suurte linnas.", "Ta elab suur linnas."),
        ("Ta tuleb hilja koju.", "Ta tuleb hiline koju."),
    ]
    assert built.facts["dropped"] == {
        "label out of range": 1, "no answers to choose from": 1, "not one gap": 3, "right equals wrong": 1,
    }  # fmt: skip
    other = build("exam_et", "ekk", dataset, gap=r"<\d>")
    assert [item.candidates for item in other.items] == [("Vaata a.", "Vaata b.")]


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def fact(subject, right, line):
    return {"sub_uri": "Q1", "obj_uri": "Q2", "obj_label": right, "sub_label": subject, "lineid": line}


def test_mpararel_pairs_every_pattern_with_every_subject_of_one_row(tmp_path):
    patterns = ["[Y], huvudstaden i [X]", "[X] styrs från [Y]", "utan objekt [X]"]
    write_lines(tmp_path / "patterns/sv/P36.jsonl", [{"pattern": p, "checked-by-human": False} for p in patterns])
    tuples = [fact("Azerbajdzjan", "Baku", 0), fact("Peru", "Lima", 2), fact("Jersey", "x", 3), fact("Jersey", "y", 4)]
    write_lines(tmp_path / "tuples/sv/P36.jsonl", tuples)
    built = build("mpararel", "swe", tmp_path)
    assert [item.id for item in built.items] == ["P36:0:0", "P36:1:0", "P36:0:2", "P36:1:2"]
    assert built.facts["dropped"] == {"pattern without one subject and one object": 4, "subject in several rows": 4}
    wrong = next(
        word for word in ("Lima", "x", "y") if built.items[0].candidates[1] == f"{word}, huvudstaden i Azerbajdzjan"
    )
    # The wrong object belongs to the fact: its patterns share it.
    assert built.items[1].candidates == ("Azerbajdzjan styrs från Baku", f"Azerbajdzjan styrs från {wrong}")


def test_mpararel_of_one_object_has_no_wrong_one_and_a_wrong_folder_says_which_is_meant(tmp_path):
    write_lines(tmp_path / "patterns/et/P1.jsonl", [{"pattern": "[X] on [Y]"}])
    write_lines(tmp_path / "tuples/et/P1.jsonl", [fact("a", "b", 0)])
    write_lines(tmp_path / "patterns/et/P2.jsonl", [{"pattern": "[X] on [Y]"}])
    write_lines(tmp_path / "tuples/et/P2.jsonl", [fact("a", "b", 0), fact("c", "d", 1)])
    built = build("mpararel", "ekk", tmp_path)
    assert built.facts["dropped"] == {"no wrong object": 1}
    assert [item.candidates for item in built.items] == [("a on b", "a on d"), ("c on d", "c on b")]
    with pytest.raises(GrowmergeError, match=r"no patterns/is/.*data/mpararel_reviewed"):
        build("mpararel", "isl", tmp_path)
    (tmp_path / "tuples/et/P2.jsonl").write_text('{"sub_label": "a"}\n')
    with pytest.raises(GrowmergeError, match=r"P2\.jsonl: line 1: no text in the field 'obj_label'"):
        build("mpararel", "ekk", tmp_path)


def test_records_with_the_id_of_another_are_dropped_and_counted(tmp_path):
    write_lines(tmp_path / "patterns/et/P1.jsonl", [{"pattern": "[X] on [Y]"}])
    write_lines(tmp_path / "tuples/et/P1.jsonl", [fact("a", "b", 0), fact("c", "d", 0)])
    built = build("mpararel", "ekk", tmp_path)
    assert (len(built.items), built.facts["dropped"]) == (1, {"duplicate id": 1})
