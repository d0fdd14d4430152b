"""Words and held-out text in scripts without spaces, and in every encoding that Unicode has for one text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.data.cleaning import Cleaner
from growmerge.data.documents import Document, fold
from growmerge.data.split import TrainingText
from growmerge.data.words import count_words, separated, windows

HELDOUT = {
    "Swedish": "Åsa köpte sju sjösjuka sjömän.",
    "Vietnamese": "Tiếng Việt là ngôn ngữ chính thức của Việt Nam.",
    "Korean": "나는 어제 친구와 함께 영화를 보았다.",
    "Chinese": "今天天气很好，我们一起去公园散步吧。",
    "Japanese": "わたしは毎朝コーヒーを飲みながら新聞を読みます。",
    "Thai": "วันนี้อากาศดีมากเราไปเดินเล่นที่สวนกันเถอะ",
    "Khmer": "ថ្ងៃនេះអាកាសធាតុល្អណាស់យើងទៅដើរលេង",
    "Tibetan": "བོད་ཀྱི་སྐད་ཡིག་ནི་བོད་མིའི་སྐད་ཡིག་ཡིན།",
    "mixed": "我用iPhone手机看了2024年的新闻。",
}


def left(heldout: str, *texts: str) -> list[str]:
    """The texts that are trained on, and a last one that always is."""
    documents = [Document(str(i), text) for i, text in enumerate([*texts, "something else"])]
    return [d.text for d in TrainingText([Document("x", heldout)]).of(documents)][:-1]


@pytest.mark.parametrize("language", HELDOUT)
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_held_out_text_is_found_within_a_document_in_every_language_and_encoding(language, form):
    heldout = HELDOUT[language]
    document = unicodedata.normalize(form, f"{heldout} Before 之前 {heldout.upper()} after 之后")
    assert left(heldout, document) == []
    assert left(unicodedata.normalize(form, heldout), f"前{heldout}后", f"之前 {heldout} 之后")[1:] == []


@pytest.mark.parametrize("language", ["Chinese", "Japanese", "Thai"])
def test_held_out_text_is_found_without_a_space_around_it_and_across_line_breaks(language):
    heldout = HELDOUT[language]
    half = len(heldout) // 2
    assert left(heldout, f"前{heldout}后", heldout[:half] + "\n" + heldout[half:]) == []
    assert left(heldout, heldout[:-4]) == [heldout[:-4]], "most of it is not all of it"


def test_a_short_held_out_text_counts_only_where_a_document_is_nothing_else():
    assert left("喜欢猫", "我喜欢猫和狗", "喜欢猫。") == ["我喜欢猫和狗"]
    assert left("ประเทศไทย", "ประเทศไทยสวยมาก", "ประเทศไทย") == ["ประเทศไทยสวยมาก"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A text, of 5 words - they say", 6),  # with a letter
        ("Það er gott að búa á Íslandi", 7),
        ("می‌خوانم کتاب‌ها را", 3),
        ("今天天气很好", 3),
        ("今天天气很好。", 3),
        ("我用iPhone手机看了2024年的新闻", 6),
        ("わたしは学生です", 4),
        ("ｶﾀｶﾅ", 2),
        ("วันนี้อากาศดีมาก", 3),
        ("나는 어제 영화를 보았다", 4),
        ("。，", 0),
        ("", 0),
    ],
)
def test_words_are_counted_in_every_script(text, words):
    assert count_words(text) == words


def test_documents_in_chinese_and_thai_are_not_short():
    texts = [HELDOUT["Chinese"], HELDOUT["Thai"], HELDOUT["Japanese"], "你好", "สวัสดี"]
    cleaner = Cleaner(4, kind="text")
    outcomes = [cleaner.clean(Document(str(i), text))[0] for i, text in enumerate(texts)]
    assert outcomes == ["kept", "kept", "kept", "short", "short"]


def test_one_text_in_two_encodings_is_kept_once():
    cleaner = Cleaner(1, kind="text")
    text = HELDOUT["Vietnamese"]
    first, second = (cleaner.clean(Document(f, unicodedata.normalize(f, text))) for f in ("NFC", "NFD"))
    assert (first[0], second[0]) == ("kept", "duplicate_text")
    assert first[1].text == text, "prose stays as it is"


SPACED = st.text(st.sampled_from("abc AB.…é1-şİß æ\u0301'م\u200c\n"), max_size=30)


@given(SPACED)
def test_where_words_are_spaced_they_are_what_stands_between_spaces(text):
    assert separated(text) == unicodedata.normalize("NFKC", fold(unicodedata.normalize("NFC", text)))
    assert list(windows(separated(text), 1)) == []
    assert count_words(text) == sum(any(c.isalpha() for c in word) for word in text.split())


@given(st.text())
def test_separated_text_does_not_depend_on_composition_and_has_single_spaces(text):
    words = separated(text)
    assert words == " ".join(words.split())
    assert words == separated(unicodedata.normalize("NFC", text)) == separated(unicodedata.normalize("NFD", text))


@given(st.text(st.sampled_from("我你ไท ab猫"), max_size=20), st.integers(1, 4))
def test_windows_are_neighbouring_characters_of_scripts_without_spaces(text, length):
    words = separated(text).split()
    runs = [words[i : i + length] for i in range(len(words) - length + 1)]
    expected = ["".join(run) for run in runs if all(len(w) == 1 and w not in "ab" for w in run)]
    assert sorted(windows(separated(text), length)) == sorted(expected)
