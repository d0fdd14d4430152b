"""Questions as cloze, few-shot examples, and parallel sentences, from datasets in the schemas of the hub."""

import pytest
from hub_folder import write_dataset
from hypothesis import given
from hypothesis import strategies as st

from growmerge.benchmarks.build import build_benchmark
from growmerge.benchmarks.conversion import HeldOut
from growmerge.benchmarks.few_shot import split_examples
from growmerge.benchmarks.items import read_items, write_items
from growmerge.benchmarks.parallel import prompt, source_of
from growmerge.config.benchmarks import Benchmark
from growmerge.data.documents import Document
from growmerge.errors import GrowmergeError


def build(name, language, dataset, *, few_shot=0, seed=42, use=None, max_words=None, fields=None, limit=None, **source):
    sources = {language: {"dataset": str(dataset), **source}}
    benchmark = Benchmark(
        name=name, use=use, sources=sources, few_shot=few_shot, max_words=max_words, fields=fields or {}, limit=limit
    )
    built = build_benchmark(benchmark, language, seed=seed)
    assert built.facts["read"] == built.facts["kept"] + sum(built.facts["dropped"].values())
    return built


def belebele(number, answer, **other):
    return {
        "link": "https://example.org", "question_number": number, "flores_passage": f"Ett stycke {number}.",
        "question": f"vad är {number}?", "mc_answer1": "ett", "mc_answer2": "två", "mc_answer3": "tre",
        "mc_answer4": "fyra", "correct_answer_num": answer, "dialect": "swe_Latn", "ds": "2023-05-03",
    } | other  # fmt: skip


def test_belebele_asks_about_a_passage_and_scores_the_answers_as_continuations(tmp_path):
    rows = [
        belebele(1, "3"),
        belebele(2, "5"),
        belebele(3, "x"),
        belebele(4, "1", mc_answer2=" "),
        belebele(5, "1", mc_answer2="ett"),
        belebele(6, "2"),
    ]
    built = build("belebele", "swe", write_dataset(tmp_path, {"swe_Latn": {"test": rows}}))
    assert [item.id for item in built.items] == ["swe_Latn/test:1", "swe_Latn/test:6"]
    assert built.items[0].context == "Ett stycke 1.\nFråga: Vad är 1?\nSvar:"
    assert built.items[0].candidates == (" Tre", " Ett", " Två", " Fyra")
    assert built.facts["dropped"] == {
        "empty text": 1, "label out of range": 1, "no label": 1, "right equals wrong": 1,
    }  # fmt: skip


def test_few_shot_examples_are_the_same_for_all_and_never_the_item_itself(tmp_path):
    rows = [belebele(number, str(1 + number % 4)) for number in range(12)]
    dataset = write_dataset(tmp_path, {"swe_Latn": {"test": rows}})
    plain = {item.id: item for item in build("belebele", "swe", dataset).items}
    built = build("belebele", "swe", dataset, few_shot=3)
    assert list(plain) == [item.id for item in built.items]
    seen = set()
    for item in built.items:
        *examples, question = item.context.split("\n\n")
        assert question == plain[item.id].context
        answered = [other for other in plain.values() if other.context + other.candidates[0] in examples]
        assert len(answered) == len(examples) == 3
        assert item.id not in {other.id for other in answered}
        seen |= {other.id for other in answered}
    assert len(seen) == 4  # three, and the one that stands in where an item is an example
    assert build("belebele", "swe", dataset, few_shot=3, seed=1).items != built.items


def test_an_equal_row_is_no_example_of_a_question_and_stays_an_item(tmp_path):
    rows = [belebele(number, "1") for number in (1, 1, 2, 3)]
    built = build("belebele", "swe", write_dataset(tmp_path, {"swe_Latn": {"test": rows}}), few_shot=2)
    assert len(built.items) == 4
    for item in built.items:
        *examples, question = item.context.split("\n\n")
        assert len(examples) == len(set(examples)) == 2
        assert question + " Ett" not in examples


def test_fewer_examples_than_were_asked_for_are_an_error_with_the_numbers(tmp_path):
    dataset = write_dataset(tmp_path, {"swe_Latn": {"test": [belebele(number, "1") for number in (1, 2, 2, 3)]}})
    message = r"belebele in swe: few_shot = 3: 'swe_Latn/test:1' has 2 examples, .*; say at most 2"
    with pytest.raises(GrowmergeError, match=message):
        build("belebele", "swe", dataset, few_shot=3)


def test_global_piqa_completes_a_prompt_and_needs_two_completions(tmp_path):
    rows = [
        {"prompt": f"Mål {number}:", "solution0": "saml det op", "solution1": wrong, "label": number % 2}
        for number, wrong in enumerate(("lad det ligge", "tab det", "saml det op"))
    ]
    built = build("global_piqa", "dan", write_dataset(tmp_path, {"dan_latn": {"test": rows}}))
    assert [(item.context, *item.candidates) for item in built.items] == [
        ("Mål 0:", " saml det op", " lad det ligge"),
        ("Mål 1:", " tab det", " saml det op"),
    ]
    assert built.facts["dropped"] == {"right equals wrong": 1}


def xcsqa(number, answer, texts=("a", "b", "c", "d", "e")):
    choices = {"label": ["A", "B", "C", "D", "E"], "text": list(texts)}
    return {"id": f"{number:032x}", "lang": "de", "question": {"stem": f"wo ist {number}?", "choices": choices},
            "answerKey": answer}  # fmt: skip


def test_xcsqa_reads_nested_choices_and_drops_blind_and_empty_ones(tmp_path):
    rows = [xcsqa(1, "C"), xcsqa(2, ""), xcsqa(3, "A", ("a", "", "c", "d", "e")), xcsqa(4, "E")]
    built = build("xcsqa", "deu", write_dataset(tmp_path, {"X-CSQA-de": {"validation": rows}}))
    assert [(item.context, item.candidates[0]) for item in built.items] == [
        ("Frage: Wo ist 1?\nAntwort:", " C"),
        ("Frage: Wo ist 4?\nAntwort:", " E"),
    ]
    assert built.facts["dropped"] == {"empty text": 1, "no label": 1}


def test_chinese_has_no_spaces_between_question_and_answer(tmp_path):
    built = build("xcsqa", "zho", write_dataset(tmp_path, {"X-CSQA-zh": {"validation": [xcsqa(1, "B")]}}))
    assert built.items[0].context == "问题：Wo ist 1?\n答案："
    assert built.items[0].candidates[0] == "B"


@pytest.mark.parametrize(("code", "words"), [("dan", ("Spørgsmål: ", "Svar:")), ("kor", ("Question: ", "Answer:"))])
def test_questions_have_words_of_their_language_or_english_ones_where_lighteval_has_none(tmp_path, code, words):
    dataset = write_dataset(tmp_path, {"config": {"test": [belebele(1, "1")]}})
    built = build("belebele", code, dataset, configs=["config"], splits=["test"])
    assert all(word in built.items[0].context for word in words)


def hellaswag(number, label, **other):
    return {
        "ind": number, "activity_label": "Removing ice", "ctx_a": "[header] How to do it [title] Buy salt.",
        "ctx_b": "then", "ctx": "...", "endings": ["the man [step] sits.", "rain  falls.", "cars go.", "it ends."],
        "source_id": "wikihow~1", "split": "val", "split_type": "indomain", "label": label,
    } | other  # fmt: skip


def test_hellaswag_is_cleaned_of_the_marks_of_wikihow(tmp_path):
    rows = [hellaswag(1, "1"), hellaswag(2, "", ctx_b=""), hellaswag(3, "4"), hellaswag(4, "0", ctx_b="")]
    dataset = write_dataset(tmp_path, {"default": {"train": rows[:1], "validation": rows}})
    built = build("hellaswag", "eng", dataset)
    assert [item.context for item in built.items] == ["How to do it. Buy salt. Then", "How to do it. Buy salt."]
    assert built.items[0].candidates == (" rain falls.", " the man sits.", " cars go.", " it ends.")
    assert built.items[1].candidates == (" The man sits.", " Rain falls.", " Cars go.", " It ends.")
    assert built.facts["dropped"] == {"label out of range": 1, "no label": 1}


def test_turkish_has_marks_and_words_of_its_own(tmp_path):
    context = "[header] Nasıl yapılır [başlık] Tuz alın. [adım] Bekleyin [title] Son [alt] bir."
    row = hellaswag(1, "1", ctx_a=context, ctx_b="", endings=["a [adım] b.", "c [başlık] d."])
    (item,) = build("hellaswag", "tur", write_dataset(tmp_path / "h", {"default": {"validation": [row]}})).items
    assert item.context == "Nasıl yapılır. Tuz alın.. Bekleyin. Son bir."
    assert item.candidates == (" C. d.", " A. b.")
    (item,) = build("hellaswag", "eng", write_dataset(tmp_path / "e", {"default": {"validation": [row]}})).items
    assert item.candidates == (" C d.", " A b."), "elsewhere only [title] ends a sentence"
    dataset = write_dataset(tmp_path / "b", {"tur_Latn": {"test": [belebele(1, "1")]}})
    assert build("belebele", "tur", dataset).items[0].context.endswith("\nSoru: Vad är 1?\nCevap:")


def test_few_shot_examples_come_from_the_training_split_where_there_is_one(tmp_path):
    train = [hellaswag(n, "0", ctx_a=f"Training {n}.", ctx_b="") for n in range(3)]
    dataset = write_dataset(tmp_path, {"default": {"train": train, "validation": [hellaswag(1, "1")]}})
    (item,) = build("hellaswag", "eng", dataset, few_shot=2).items
    first, second, question = item.context.split("\n\n")
    assert first.startswith("Training") and first.endswith(" The man sits.") and second.startswith("Training")
    assert question == "How to do it. Buy salt. Then"


# --- parallel sentences -----------------------------------------------------------------------------------------------


def flores(identifier, text, language):
    return {
        "id": identifier, "iso_639_3": language, "iso_15924": "Latn", "glottocode": "x", "text": text,
        "url": "https://example.org", "domain": "wikinews", "topic": "health", "has_image": "no",
        "has_hyperlink": "no", "last_updated": "1.0",
    }  # fmt: skip


def parallel(tmp_path):
    sides = {
        "swe_Latn": [
            flores(1, "Hej du.", "swe"),
            flores(2, "På måndag kommer de hit.", "swe"),
            flores(9, "Nej.", "swe"),
        ],
        "eng_Latn": [flores(2, "On Monday they come.", "eng"), flores(1, "Hi there.", "eng")],
    }
    dev = {"swe_Latn": [flores(1, "God dag.", "swe")], "eng_Latn": [flores(1, "Good day.", "eng")]}
    return write_dataset(tmp_path, {code: {"dev": dev[code], "devtest": rows} for code, rows in sides.items()})


def test_parity_joins_the_sides_by_id_and_leaves_long_sentences_out(tmp_path):
    built = build("parity", "swe", parallel(tmp_path), use="flores", max_words=4)
    assert [(item.candidates, item.reference) for item in built.items] == [(("Hej du.",), "Hi there.")]
    assert built.facts["dropped"] == {"longer than max_words": 1, "not on the other side": 1}


def test_sentences_of_scripts_without_spaces_have_words_too(tmp_path):
    sides = {
        "cmn_Hans": [flores(1, "你好。", "cmn"), flores(2, "今天天气很好，我们一起去公园散步吧。", "cmn")],
        "eng_Latn": [flores(1, "Hi.", "eng"), flores(2, "Walk with us.", "eng")],
    }
    dataset = write_dataset(tmp_path, {code: {"dev": rows, "devtest": rows} for code, rows in sides.items()})
    built = build("parity", "zho", dataset, use="flores", max_words=4)
    assert [item.candidates for item in built.items] == [("你好。",)]
    assert built.facts["dropped"] == {"longer than max_words": 1}, "at spaces, it would be one word"
    document = Document("x", "今天天气很好，我们一起去公园散步吧。")
    assert HeldOut(documents=[document]).short(4) == ([], [])
    assert HeldOut(documents=[document]).short(10) == ([document], [])


def test_the_column_of_facebook_flores_is_a_matter_of_configuration(tmp_path):
    row = {"id": 1, "URL": "x", "domain": "d", "topic": "t", "has_image": 0, "has_hyperlink": 0, "sentence": "Hej."}
    other = row | {"sentence": "Hi."}
    dataset = write_dataset(tmp_path, {"swe_Latn": {"devtest": [row]}, "eng_Latn": {"devtest": [other]}})
    (item,) = build("flores", "swe", dataset, fields={"text": "sentence"}).items
    assert (item.candidates, item.reference) == (("Hej.",), "Hi.")


def test_translations_are_prompts_with_a_reference_and_survive_the_file(tmp_path):
    built = build("translation", "swe", parallel(tmp_path), few_shot=1)
    assert [(item.context, item.candidates, item.reference) for item in built.items] == [
        ("EN: Good day. SV: God dag.\n\nEN: Hi there. SV:", (), "Hej du."),
        ("EN: Good day. SV: God dag.\n\nEN: On Monday they come. SV:", (), "På måndag kommer de hit."),
    ]
    write_items(built.items, tmp_path / "items.parquet")
    assert read_items(tmp_path / "items.parquet") == built.items


def test_english_is_translated_from_french(tmp_path):
    sides = {
        "fra_Latn": {"dev": [flores(1, "Bonjour.", "fra")], "devtest": [flores(1, "Salut.", "fra")]},
        "eng_Latn": {"dev": [flores(1, "Good day.", "eng")], "devtest": [flores(1, "Hi.", "eng")]},
    }
    (item,) = build("translation", "eng", write_dataset(tmp_path, sides), few_shot=1).items
    assert (item.context, item.reference) == ("FR: Bonjour. EN: Good day.\n\nFR: Salut. EN:", "Hi.")


def test_translations_of_several_lines_or_too_many_words_are_dropped_and_counted(tmp_path):
    sides = {
        "swe_Latn": [flores(1, "Hej\ndu.", "swe"), flores(2, "Hej.", "swe"), flores(3, "Nu går vi hem.", "swe")],
        "eng_Latn": [flores(1, "Hi you.", "eng"), flores(2, "Hi.", "eng"), flores(3, "Home.", "eng")],
    }
    dataset = write_dataset(tmp_path, {code: {"devtest": rows} for code, rows in sides.items()})
    built = build("translation", "swe", dataset, few_shot=0, max_words=3)
    assert [(item.context, item.reference) for item in built.items] == [("EN: Hi. SV:", "Hej.")]
    assert built.facts["dropped"] == {"longer than max_words": 1, "more than one line": 1}


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"])), st.sampled_from(["eng", "swe", "zho", "sme"]))
def test_the_source_of_a_prompt_is_what_it_was_made_from(text, language):
    assert source_of(prompt(text, ("eng", language))) == text
    assert source_of("Translate this") == "Translate this"


def test_a_context_is_split_into_the_examples_it_was_put_together_from(tmp_path):
    (item, _) = build("translation", "swe", parallel(tmp_path), few_shot=1).items
    assert split_examples(item.context) == ["EN: Good day. SV: God dag.\n\n", "EN: Hi there. SV:"]
    assert split_examples("alone") == ["alone"]


def test_a_sentence_that_is_there_twice_is_refused(tmp_path):
    rows = [flores(1, "Hi.", "eng"), flores(1, "Ho.", "eng")]
    dataset = write_dataset(tmp_path, {"swe_Latn": {"devtest": rows[:1]}, "eng_Latn": {"devtest": rows}})
    with pytest.raises(GrowmergeError, match=r"the id '1' is there twice"):
        build("flores", "swe", dataset)
