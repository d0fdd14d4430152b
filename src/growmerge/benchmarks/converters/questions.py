"""Questions as cloze: each answer is scored as a continuation of the question.

Belebele (Bandarkar et al. 2024) and X-CSQA (Lin et al. 2021), in the template that Aycock et al. (2026) used through
lighteval: passage, "Question: ...", "Answer:", and the answers as they are, without letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.benchmarks.records import Drop, Record, first_is_right

# "Question" and "answer" in each language, as lighteval has them (Faroese and Persian: ours). Where it has none, the
# English words are taken.
WORDS = {
    "eng": ("Question", "Answer"),
    "swe": ("Fråga", "Svar"),
    "isl": ("Spurning", "Svar"),
    "fao": ("Spurningur", "Svar"),
    "ekk": ("Küsimus", "Vastus"),
    "fas": ("سؤال", "پاسخ"),
    "ara": ("سؤال", "إجابة"),
    "deu": ("Frage", "Antwort"),
    "fra": ("Question", "Réponse"),
    "ita": ("Domanda", "Risposta"),
    "nld": ("Vraag", "Antwoord"),
    "rus": ("Вопрос", "Ответ"),
    "spa": ("Pregunta", "Respuesta"),
    "tur": ("Soru", "Cevap"),
    "zho": ("问题", "答案"),
    "ben": ("প্রশ্ন", "উত্তর"),
    "bul": ("Въпрос", "Отговор"),
    "cat": ("Pregunta", "Resposta"),
    "ceb": ("Pangutana", "Tubag"),
    "ces": ("Otázka", "Odpověď"),
    "dan": ("Spørgsmål", "Svar"),
    "ell": ("Ερώτηση", "Απάντηση"),
    "eus": ("Galdera", "Erantzuna"),
    "fil": ("Tanong", "Sagot"),
    "fin": ("Kysymys", "Vastaus"),
    "guj": ("પ્રશ્ન", "જવાબ"),
    "hin": ("सवाल", "उत्तर"),
    "hrv": ("Pitanje", "Odgovor"),
    "hun": ("Kérdés", "Válasz"),
    "ind": ("Pertanyaan", "Jawaban"),
    "jpn": ("質問", "回答"),
    "mkd": ("Прашање", "Одговор"),
    "nob": ("Spørsmål", "Svar"),
    "pan": ("ਸਵਾਲ", "ਜਵਾਬ"),
    "pol": ("Pytanie", "Odpowiedź"),
    "por": ("Pergunta", "Resposta"),
    "ron": ("Întrebare", "Răspuns"),
    "shn": ("ၶေႃႈထၢမ်", "ၶေႃႈတွပ်ႇ"),
    "slk": ("Otázka", "Odpoveď"),
    "srp": ("Питање", "Одговор"),
    "swh": ("Swali", "Jibu"),
    "tam": ("கேள்வி", "பதில்"),
    "tel": ("ప్రశ్న", "జవాబు"),
    "tha": ("คำถาม", "คำตอบ"),
    "ukr": ("Питання", "Відповідь"),
    "urd": ("سوال", "جواب"),
    "uzn": ("Savol", "Javob"),
    "vie": ("Câu hỏi", "Trả lời"),
}


def items(conversion: Conversion) -> Iterator[Item]:
    """The question of each record."""
    return conversion.each(asker(conversion.language))


def space(language: str) -> str:
    """What stands between sentences: nothing in Chinese."""
    return "" if language == "zho" else " "


def asker(language: str) -> Callable[[Record], Item]:
    """A converter of records with `question`, `answer` and either `choices` (a list) or `choice1` to `choice4`.

    `answer` is one of `letters` (a list beside the choices), else a number from 1. `passage` is optional.
    """
    question_word, answer_word = WORDS.get(language, WORDS["eng"])
    colon = "：" if language == "zho" else ":"
    gap = space(language)

    def ask(record: Record) -> Item:
        listed = "choices" in record.values
        choices = record.texts("choices") if listed else [record.text(f"choice{n}") for n in range(1, 5)]
        if "letters" in record.values:
            letters = record.values["letters"]
            if not isinstance(letters, list) or record.values["answer"] not in letters or len(letters) != len(choices):
                raise Drop("no label")  # of blind test splits, too
            right = letters.index(record.values["answer"])
        else:
            right = record.index("answer", len(choices), first=1)
        passage = f"{_sentence(record.text('passage'))}\n" if "passage" in record.values else ""
        question = f"{question_word}{colon}{gap}{_sentence(record.text('question'))}\n{answer_word}{colon}"
        ordered = first_is_right([_sentence(choice) for choice in choices], right)
        return Item(record.id, record.subset, tuple(gap + choice for choice in ordered), context=passage + question)

    return ask


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
