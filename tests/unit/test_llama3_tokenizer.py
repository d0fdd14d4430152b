"""Llama 3's tokenizer, from the real ranks: held against tiktoken, byte by byte, and refused where it is not that."""

import base64
import json
import re
import zipfile
from pathlib import Path

import pytest
import tiktoken
from hub_server import Hub, run_with_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from growmerge.data.packages import download_package
from growmerge.data.same_tokenizer import tokenizer_difference
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.data.tokenizer import (
    check_size,
    load_tokenizer,
    take_llama3_tokenizer,
    take_tokenizer,
)
from growmerge.errors import GrowmergeError

SHA256 = "7f77f78ff13fca09f70d76a376aff6414cd901623fb9d57e69c2f8367a73032f"
TEXTS = {
    "Swedish": "Åsa köpte sju sjösjuka sjömän på Öland; det var inte billigt, sade hon.",
    "Icelandic": "Það er gott að búa á Íslandi, þótt veðrið sé stundum ömurlegt — eða hvað, Þórður?",
    "Persian": "کتاب‌ها را می‌خوانم؛ امروز ۱۲۳۴ صفحه خواندم و «خسته» نیستم.",
    "Estonian": "Jüriöö ülestõus algas 23. aprillil 1343; õõvastav öö, ütles ta.",
    "Faroese": "Eg eri úr Føroyum, og tað er væl.",
    "code": "def f(x):\n\tif x != 0x1F:\n        return {'a': [1, 2], \"b\": x**2}  # ok\r\n\r\n\r\nprint(f(3))\n",
    "numbers": "1 12 123 1234 12345678 3.14159 1,000,000 ٣٤٥ Ⅷ ½ 2²",
    "emoji": "👩🏽‍🚀 🇮🇸🇸🇪 😀😀😀 ❤️ a👍b",
    "white space": "  \t a\u00a0b\u3000c \n \n\n  d   \r\n\t\t e \u2028 f ",
    "contractions": "I'll DON'T we've 'S 'tis it's'd O'Brien",
    "runs": "a" * 40 + "=" * 70 + " " * 90 + "-_-" * 9 + "\n" * 12,
    "nothing": "",
}


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llama-models")
    download_package("llama-models", "0.3.0", SHA256, folder)
    return folder


@pytest.fixture(scope="session")
def folder(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer með bilum")
    take_llama3_tokenizer(package, folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(folder: Path) -> Tokenizer:
    return load_tokenizer(folder)[0]


@pytest.fixture(scope="session")
def reference(package: Path) -> tiktoken.Encoding:
    """tiktoken with the package's own ranks and pattern, both read here."""
    (wheel,) = package.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        ranks = archive.read("llama_models/llama3/tokenizer.model").decode().splitlines()
        source = archive.read("llama_models/llama3/tokenizer.py").decode()
    pattern = re.search(r'pat_str = r"(.*)"  # noqa', source).group(1)
    tokens = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in ranks)}
    return tiktoken.Encoding("llama3", pat_str=pattern, mergeable_ranks=tokens, special_tokens={})


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def test_it_has_128256_entries_and_the_special_tokens_of_llama_3_3(folder: Path, tokenizer: Tokenizer):
    assert tokenizer.get_vocab_size() == check_size(folder, 128256) == 128256
    assert sorted(tokenizer.get_vocab().values()) == list(range(128256))
    # From the published tokenizer_config.json of Llama 3.1 and 3.3.
    published = {
        128000: "<|begin_of_text|>",
        128001: "<|end_of_text|>",
        128002: "<|reserved_special_token_0|>",
        128004: "<|finetune_right_pad_id|>",
        128005: "<|reserved_special_token_2|>",
        128006: "<|start_header_id|>",
        128007: "<|end_header_id|>",
        128008: "<|eom_id|>",
        128009: "<|eot_id|>",
        128010: "<|python_tag|>",
        128011: "<|reserved_special_token_3|>",
        128255: "<|reserved_special_token_247|>",
    }
    assert {id_: tokenizer.id_to_token(id_) for id_ in published} == published
    assert load_tokenizer(folder)[1:] == (128000, 128001)


def test_its_merges_are_as_many_as_the_published_tokenizer_has(folder: Path):
    assert len(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["merges"]) == 280147


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_gives_the_ids_of_tiktoken(tokenizer: Tokenizer, reference: tiktoken.Encoding, text: str):
    assert encode(tokenizer, text) == reference.encode(text)
    assert tokenizer.decode(encode(tokenizer, text)) == text


def test_it_gives_the_ids_of_tiktoken_on_real_prose_and_code(tokenizer: Tokenizer, reference: tiktoken.Encoding):
    texts = [document.text for document in (*read_topics(), *read_stdlib_code(500_000))]
    assert sum(map(len, texts)) > 700_000
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    assert [encoding.ids for encoding in encodings] == reference.encode_batch(texts)


# But for special tokens, which are not text: Hypothesis tries them, too, because this file names them.
ANY_TEXT = (st.text(max_size=60) | st.text(alphabet="aA1 \t\n'ó ـسa\u0301=", max_size=60)).filter(
    lambda text: not re.search(r"<\|\w+\|>", text)
)


@settings(max_examples=300)
@given(ANY_TEXT)
def test_any_text_comes_back_to_the_byte_and_has_tiktokens_ids(
    tokenizer: Tokenizer, reference: tiktoken.Encoding, text: str
):
    ids = encode(tokenizer, text)
    assert ids == reference.encode(text)
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_stock_transformers_loads_it_and_begins_a_text_as_llama_does(folder: Path, tokenizer: Tokenizer):
    stock = AutoTokenizer.from_pretrained(folder)
    assert (stock.bos_token, stock.eos_token, len(stock)) == ("<|begin_of_text|>", "<|end_of_text|>", 128256)
    assert stock(TEXTS["Icelandic"])["input_ids"] == [128000, *encode(tokenizer, TEXTS["Icelandic"])]


def test_a_special_token_written_in_a_text_is_one_in_the_file_as_published_and_text_once_loaded(
    folder: Path, tokenizer: Tokenizer, reference: tiktoken.Encoding
):
    text = "a<|end_of_text|>b"
    assert encode(Tokenizer.from_file(str(folder / "tokenizer.json")), text) == [64, 128001, 65]
    assert encode(tokenizer, text) == reference.encode(text, disallowed_special=())
    assert tokenizer.decode(encode(tokenizer, text)) == text


def test_a_folder_is_taken_as_it_is(folder: Path, tokenizer: Tokenizer, tmp_path: Path):
    take_tokenizer(str(folder), None, tmp_path)
    taken, begin, end = load_tokenizer(tmp_path)
    assert (begin, end) == (128000, 128001)
    assert all(encode(taken, text) == encode(tokenizer, text) for text in TEXTS.values())
    assert tokenizer_difference(folder, tmp_path) == ""


# --- what is refused --------------------------------------------------------------------------------------------------


def make_wheel(folder: Path, name: str, text: str) -> None:
    with zipfile.ZipFile(folder / "llama_models-0.0-py3-none-any.whl", "w") as archive:
        archive.writestr(name, text)


def ranks(count: int) -> str:
    return "\n".join(f"{base64.b64encode(str(i).encode()).decode()} {i}" for i in range(count))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "llama_models/llama4/tokenizer.model",
            ranks(9),
            "holds no llama3/tokenizer.model; see that tokenizer.package",
        ),
        ("llama_models/llama3/tokenizer.model", ranks(127_999), "has 127,999 ranks, not those from 0 to 127,999"),
        ("llama_models/llama3/tokenizer.model", ranks(128_001), "has 128,001 ranks"),
        ("llama_models/llama3/tokenizer.model", ranks(127_999) + "\nQUFB 5", "has 128,000 ranks, not those from 0"),
        ("llama_models/llama3/tokenizer.model", "IQ== 0\n!!! 1", "cannot be read"),
        ("llama_models/llama3/tokenizer.model", "IQ==", "cannot be read"),
    ],
    ids=["none", "too few", "too many", "a rank twice", "not base64", "no rank"],
)
def test_a_package_without_the_right_ranks_is_refused(tmp_path: Path, name: str, text: str, message: str):
    make_wheel(tmp_path, name, text)
    with pytest.raises(GrowmergeError, match=re.escape(message)) as error:
        take_llama3_tokenizer(tmp_path, tmp_path / "out")
    assert "llama_models-0.0-py3-none-any.whl" in str(error.value)


def test_a_folder_without_a_wheel_and_a_damaged_wheel_are_refused(tmp_path: Path):
    with pytest.raises(GrowmergeError, match="0 wheels; one is needed"):
        take_llama3_tokenizer(tmp_path, tmp_path / "out")
    (tmp_path / "x.whl").write_bytes(b"PK not a zip")
    with pytest.raises(GrowmergeError, match=r"x\.whl: llama3/tokenizer\.model cannot be read"):
        take_llama3_tokenizer(tmp_path, tmp_path / "out")


TAKE = (
    "from pathlib import Path; from growmerge.data.tokenizer import take_tokenizer; "
    "take_tokenizer('meta-llama/Llama-3.3-70B-Instruct', None, Path({target!r}))"
)
WAYS_OUT = "or give the path of a local folder; or, for Llama 3's, `pretrained: null` and `package: llama-models`"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {},
            "is gated: accept its licence on https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct and run `hf auth",
        ),
        ({"HF_HUB_OFFLINE": "1"}, "cannot be fetched"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "check the network"),
    ],
    ids=["gated", "offline", "no network"],
)
def test_a_tokenizer_that_cannot_be_had_is_one_line_with_the_three_ways_out(
    folder: Path, tmp_path: Path, variables: dict[str, str], message: str
):
    name = "meta-llama/Llama-3.3-70B-Instruct"
    with Hub({name: folder}, gated={name}) as hub:
        said = run_with_hub(TAKE.format(target=str(tmp_path)), hub.url, tmp_path / "cache", **variables)
    assert said.startswith(f"tokenizer.pretrained = '{name}': ")
    assert message in said
    assert said.endswith(WAYS_OUT)
    assert "\n" not in said


@pytest.mark.slow
def test_a_tokenizer_of_the_hub_is_taken(folder: Path, tmp_path: Path):
    with Hub({"meta-llama/Llama-3.3-70B-Instruct": folder}) as hub:
        assert run_with_hub(TAKE.format(target=str(tmp_path / "out")), hub.url, tmp_path / "cache") == ""
    assert tokenizer_difference(tmp_path / "out", folder) == ""


@pytest.mark.parametrize("missing", ["tokenizer.json", "tokenizer_config.json"])
def test_a_folder_that_is_not_a_tokenizers_is_refused(folder: Path, tmp_path: Path, missing: str):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / missing).unlink()
    with pytest.raises(GrowmergeError, match=re.escape(missing)):
        load_tokenizer(tmp_path)
