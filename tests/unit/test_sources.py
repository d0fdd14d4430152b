"""Catalogues in wheels, the running Python's own text, and the user's files."""

import codecs
import gzip
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growmerge.config.corpora import MOST_CHARACTERS, FileSource, HubSource, check_ids
from growmerge.data.catalogues import parse_mo, parse_po, read_catalogues
from growmerge.data.cleaning import Cleaner
from growmerge.data.documents import Document, source_id
from growmerge.data.files import read_files, read_id_files
from growmerge.data.sources import read_stdlib_code, read_topics
from growmerge.errors import GrowmergeError

HEADER = {"": "Content-Type: text/plain; charset=UTF-8\n"}


def compile_mo(messages: dict[str, str], order: str = "<") -> bytes:
    """A .mo file as msgfmt writes it: header, two tables of (length, offset), the strings, each ended by a zero."""
    pairs = sorted((key.encode(), value.encode()) for key, value in (HEADER | messages).items())
    start = 28 + 16 * len(pairs)
    tables, strings = [], b""
    for column in (0, 1):
        for pair in pairs:
            tables += [len(pair[column]), start + len(strings)]
            strings += pair[column] + b"\0"
    numbers = [0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0, *tables]
    return struct.pack(f"{order}{len(numbers)}I", *numbers) + strings


def make_wheel(path: Path, members: dict[str, bytes | str | dict]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, json.dumps(content) if isinstance(content, dict) else content)
    return path


def texts(wheels: list[Path], locale: str) -> dict[str, str]:
    return {document.id: document.text for document in read_catalogues(wheels, locale)}


@given(st.dictionaries(st.text(min_size=1).filter(lambda t: not set("\0\4") & set(t)), st.text(min_size=1)))
def test_compiled_catalogues_are_read_in_both_byte_orders(messages):
    messages = {key: value.replace("\0", "") or "x" for key, value in messages.items()}
    assert dict(parse_mo(compile_mo(messages))) == dict(parse_mo(compile_mo(messages, ">"))) == messages


def test_of_plurals_the_first_form_is_taken_and_contexts_are_ignored():
    mo = compile_mo({"menu\4One file\0%d files": "Ein skrá\0Margar skrár"})
    assert list(parse_mo(mo)) == [("One file", "Ein skrá")]
    po = 'msgctxt "menu"\nmsgid "One file"\nmsgid_plural "%d files"\nmsgstr[0] "Ein skrá"\nmsgstr[1] "Margar"\n'
    assert list(parse_po(po.encode())) == [("One file", "Ein skrá")]


def test_source_catalogues_skip_header_fuzzy_obsolete_and_untranslated_entries():
    po = r"""
msgid ""
msgstr "Content-Type: text/plain\n"

# comment
#: file.py:1
msgid "Open "
"the \"file\"\n"
msgstr "Opna "
"\"skrána\"\\n"

#, fuzzy
msgid "Guess"
msgstr "Ágiskun"

msgid "Untranslated"
msgstr ""

#~ msgid "Old"
#~ msgstr "Gamalt"
"""
    assert list(parse_po(po.encode())) == [('Open the "file"\n', 'Opna "skrána"\\n')]


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\f"])
def test_what_separates_lines_elsewhere_is_part_of_a_message(separator):
    po = f'msgid "Page{separator}two"\nmsgstr "Síða{separator}tvö"\n'
    assert list(parse_po(po.encode())) == [(f"Page{separator}two", f"Síða{separator}tvö")]


def test_the_same_english_has_the_same_id_in_every_package_format_and_language(tmp_path):
    mo = make_wheel(
        tmp_path / "a.whl",
        {
            "a/locale/is/LC_MESSAGES/a.mo": compile_mo({"_Open the file": "Opna skrána"}),
            "a/locale/sv_SE/LC_MESSAGES/a.mo": compile_mo({"_Open the file": "Öppna filen"}),
        },
    )
    js = make_wheel(
        tmp_path / "b.whl",
        {
            "b/translations/en.json": {"step": {"title": "Open the file."}},
            "b/translations/et.json": {"step": {"title": "Ava fail", "gone": "Ingliskeelne puudub"}},
        },
    )
    id_ = source_id("Open the file")
    assert texts([mo, js], "is") == {id_: "Opna skrána"}
    assert texts([mo, js], "sv") == {id_: "Öppna filen"}
    assert texts([mo, js], "et") == {id_: "Ava fail"}
    assert texts([mo], "fa") == {}
    assert list(read_catalogues([mo, js], "en")) == [Document(id_, "_Open the file")]


def test_a_source_catalogue_counts_only_where_there_is_no_compiled_one(tmp_path):
    po = 'msgid "One thing"\nmsgstr "%s"\n'
    wheel = make_wheel(
        tmp_path / "a.whl",
        {
            "a/is/LC_MESSAGES/both.mo": compile_mo({"One thing": "Eitt"}),
            "a/is/LC_MESSAGES/both.po": po % "Annað",
            "a/is/LC_MESSAGES/only.po": po % "Einungis",
        },
    )
    assert [document.text for document in read_catalogues([wheel], "is")] == ["Eitt", "Einungis"]


def test_other_languages_whose_code_begins_alike_are_not_taken(tmp_path):
    wheel = make_wheel(
        tmp_path / "a.whl",
        {
            "a/fas/LC_MESSAGES/a.mo": compile_mo({"One": "x y"}),
            "a/fa_IR/LC_MESSAGES/a.mo": compile_mo({"One": "یک"}),
        },
    )
    assert list(texts([wheel], "fa").values()) == ["یک"]


def test_untranslated_strings_and_symbolic_names_are_left_out(tmp_path):
    messages = {"Save File": "save file…", "label_add": "Bæta við hlut"}
    wheel = make_wheel(tmp_path / "a.whl", {"a/is/LC_MESSAGES/a.mo": compile_mo(messages)})
    assert texts([wheel], "is") == {}
    assert list(texts([wheel], "en").values()) == ["Save File"]


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("a/is/LC_MESSAGES/a.mo", b"not a catalogue"),
        ("a/is/LC_MESSAGES/a.mo", compile_mo({"One": "Eitt"})[:40]),
        ("a/is/LC_MESSAGES/a.po", b'msgid "One"\nmsgstr "\xff"'),
        ("a/translations/is.json", b"{"),
    ],
)
def test_a_damaged_member_is_named_with_its_wheel(tmp_path, member, content):
    wheel = make_wheel(tmp_path / "a.whl", {"a/translations/en.json": {}, member: content})
    with pytest.raises(GrowmergeError, match=rf"a\.whl: {member}"):
        list(read_catalogues([wheel], "is"))


def test_a_file_that_is_no_wheel_is_named(tmp_path):
    (tmp_path / "a.whl").write_text("nothing")
    with pytest.raises(GrowmergeError, match=r"a\.whl"):
        list(read_catalogues([tmp_path / "a.whl"], "is"))


def test_topics_are_prose_with_ids_by_content():
    cleaner = Cleaner(4, kind="text")
    kept = [document for outcome, document in map(cleaner.clean, read_topics()) if outcome == "kept"]
    assert sum(len(document.text) for document in kept) > 150_000
    assert all(document.id == source_id(document.text) and "\n" not in document.text for document in kept)
    assert not any("::=" in document.text or "****" in document.text for document in kept)
    assert len(kept) > 800


def test_library_code_stays_under_the_cap_is_sorted_and_has_no_tests():
    documents = list(read_stdlib_code(600_000))
    ids = [document.id for document in documents]
    assert ids == sorted(ids)
    assert not any(set(Path(i).parts) & {"test", "tests", "site-packages", "idlelib", "lib2to3"} for i in ids)
    for cap in (300_000, 600_000):  # the first files hold one that alone is too large for what is left
        size = sum(len(document.text.encode()) for document in read_stdlib_code(cap))
        assert 0.9 * cap < size <= cap
    compile(documents[0].text, documents[0].id, "exec")


def write(path: Path, kind: str) -> Path:
    rows = [{"key": 1, "body": "first\ntext"}, {"key": 2, "body": "سلام"}]
    path = path / f"höf uð{kind}"
    if kind == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == ".txt":
        path.write_text("\n\nfirst\ntext\n \nسلام\n", encoding="utf-8")
    else:
        data = "\n".join(map(json.dumps, rows)).encode() + b"\n\n"
        path.write_bytes(gzip.compress(data) if kind.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("kind", [".jsonl", ".jsonl.gz", ".parquet", ".txt"])
def test_each_kind_of_file_gives_its_documents(tmp_path, kind):
    path = write(tmp_path, kind)
    assert list(read_files([path], "body", None)) == [
        Document(f"{path.name}:1", "first\ntext"),
        Document(f"{path.name}:2", "سلام"),
    ]
    if kind != ".txt":
        assert [document.id for document in read_files([path], "body", "key")] == ["1", "2"]
        with pytest.raises(GrowmergeError, match=rf"{path.name}.*no field 'text'; there are 'key', 'body'"):
            list(read_files([path], "text", None))
        with pytest.raises(GrowmergeError, match="no field 'identifier'"):
            list(read_files([path], "body", "identifier"))
        with pytest.raises(
            GrowmergeError, match=rf"{path.name}: (line|row) 1: field 'key' must be a string, found int"
        ):
            list(read_files([path], "key", None))


def test_a_null_text_is_an_empty_one(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": null}\n{"text": "x"}\n')
    pq.write_table(pa.table({"text": [None, "x"]}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert [d.text for d in read_files([tmp_path / name], "text", None)] == ["", "x"]


@pytest.mark.parametrize("empty", ["file", "row group", "untyped", "without columns"])
@pytest.mark.parametrize("last", [False, True])
def test_an_empty_piece_of_parquet_is_passed_over(tmp_path, empty, last):
    whole = pa.table({"id": ["a"], "text": ["x"]})
    none = {"untyped": pa.table({"id": pa.nulls(0), "text": pa.nulls(0)}), "without columns": pa.table({})}
    pieces = [none.get(empty, whole.slice(0, 0)), whole][:: -1 if last else 1]
    if empty == "row group":
        with pq.ParquetWriter(tmp_path / "0.parquet", whole.schema) as writer:
            for piece in pieces:
                writer.write_table(piece)
    else:
        for number, piece in enumerate(pieces):
            pq.write_table(piece, tmp_path / f"{number}.parquet")
    assert list(read_files(sorted(tmp_path.glob("*")), "text", "id")) == [Document("a", "x")]


def test_columns_that_are_not_mapped_may_differ_from_row_to_row_and_file_to_file(tmp_path):
    rows = [{"id": "a", "text": "x"}, {"id": "b", "text": "y", "more": 1}, {"id": "c", "text": "z", "more": "s"}]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for row in rows:
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{row['id']}.parquet")
    for paths in ([tmp_path / "all.jsonl"], sorted(tmp_path.glob("*.parquet"))):
        assert [d.id for d in read_files(paths, "text", "id")] == ["a", "b", "c"]


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", b'{"text": "x"}'), ("a.jsonl.gz", None), ("a.txt", b"x")])
def test_a_byte_order_mark_is_no_text(tmp_path, name, content):
    marked = codecs.BOM_UTF8 + (content or b'{"text": "x"}')
    (tmp_path / name).write_bytes(marked if content else gzip.compress(marked))
    assert [document.text for document in read_files([tmp_path / name], "text", None)] == ["x"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": \n', "line 2, column 10: not JSON"),
        ("a.jsonl", b'{"text": "x"}\n[1]\n', "line 2: a JSON object is needed, found list"),
        ("a.jsonl", b'{"text": [null]}', "line 1: field 'text' must be a string, found list"),
        ("a.jsonl", b'{"text": "x \\ud83d y"}', "line 1: holds half of a surrogate pair"),
        ("a.jsonl", b"", "has no documents"),
        ("a.txt", b"\n \n", "has no documents"),
        ("a.jsonl", b'{"text": "\xff"}', "not UTF-8"),
        ("a.jsonl.gz", b"plain", "cannot be read"),
        # Without the time of day: every process that collects the tests has to find the same ids.
        ("a.jsonl.gz", gzip.compress(b'{"text": "x"}\n' * 99, mtime=0)[:-9], "cannot be read"),
        ("a.parquet", b"plain", "cannot be read"),
        ("a.csv", b"text\nx\n", "unknown kind of file; the ending must be one of .jsonl"),
        ("a.jsonl", None, "no such file"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(GrowmergeError) as caught:
        list(read_files([tmp_path / name], "text", None))
    assert name in str(caught.value)
    assert message in str(caught.value)


LONG = MOST_CHARACTERS + 1


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.jsonl", "line 2"),
        ("a.jsonl.gz", "line 2"),
        ("a.parquet", "row 2"),
        ("a.txt", "line 3"),
        ("lines.txt", "line 2"),
    ],
)
def test_a_document_that_is_too_long_is_named_with_its_place(tmp_path, name, place):
    path, text = tmp_path / name, "x" * LONG
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"text": ["a", text]}), path)
    elif path.suffix == ".txt":
        path.write_text("a\n" + ("" if name == "lines.txt" else "\n") + text)
    else:
        open_ = gzip.open if path.suffix == ".gz" else open
        with open_(path, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": value}) + "\n" for value in ("a", text))
    with pytest.raises(GrowmergeError, match=f"{name}: {place}: has more than 20,000,000 characters") as error:
        list(read_files([path], "text", None, lines=name == "lines.txt"))
    assert "\n" not in str(error.value)


def test_lines_that_are_too_long_together_are_a_paragraph_that_is(tmp_path):
    (tmp_path / "a.txt").write_text(("x" * (LONG // 2) + "\n") * 3)
    with pytest.raises(GrowmergeError, match=r"a.txt: paragraph 1: has more than"):
        list(read_files([tmp_path / "a.txt"], "text", None))


def test_a_line_that_unpacks_to_gigabytes_takes_the_memory_of_a_document(tmp_path):
    """A line of 1 GB from 1 MB of gzip, in a process that may take 600 MB more than it has."""
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb", compresslevel=1) as file:
        for _ in range(1000):
            file.write(b"x" * 10**6)
    program = (
        "import resource, sys; from pathlib import Path; from growmerge.data.files import read_files\n"
        "now = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 600 * 10**6,) * 2)\n"
        "list(read_files([Path(sys.argv[1])], 'text', None))"
    )
    command = [sys.executable, "-c", program, tmp_path / "bomb.jsonl.gz"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "bomb.jsonl.gz: line 1: has more than 20,000,000 characters" in ended.stderr, ended.stderr


def test_ids_made_of_names_do_not_collide(tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder, ".jsonl"))
    names = list(map(str, paths))
    with pytest.raises(GrowmergeError, match=r"two files have this name.*rename one"):
        check_ids([FileSource(kind="files", paths=names)])
    with pytest.raises(GrowmergeError, match=r"two files have this name.*rename one"):
        check_ids([FileSource(kind="files", paths=[name]) for name in names])
    check_ids([FileSource(kind="files", paths=names, id_field="key")])
    check_ids([FileSource(kind="files", paths=[name], id_prefix=name) for name in names])
    assert len(list(read_files(paths, "body", "key"))) == 4


def test_numbered_rows_of_two_hub_datasets_of_one_name_do_not_collide():
    both = [HubSource(kind="hub", dataset=f"{owner}/web", id_field=None) for owner in ("one", "two")]
    with pytest.raises(GrowmergeError, match=r"web/default/train: two hub datasets.*id_prefix"):
        check_ids(both)
    check_ids([both[0], both[1].model_copy(update={"config": "sv"})])
    check_ids([both[0], both[1].model_copy(update={"id_prefix": "two:"})])


@pytest.mark.parametrize("kind", [".jsonl", ".jsonl.gz", ".parquet"])
def test_ids_alone_are_read(tmp_path, kind):
    assert list(read_id_files([write(tmp_path, kind)], "key")) == ["1", "2"]
    with pytest.raises(GrowmergeError, match="no field 'uuid'; there are 'key', 'body'"):
        list(read_id_files([tmp_path / f"höf uð{kind}"], "uuid"))


def test_ids_are_not_read_from_plain_text(tmp_path):
    with pytest.raises(GrowmergeError, match=r"\.txt: unknown kind of file"):
        list(read_id_files([write(tmp_path, ".txt")], "key"))


def test_an_id_that_is_null_is_named_with_its_place(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"key": null}')
    with pytest.raises(GrowmergeError, match=r"a\.jsonl: line 1: the id must be a string or a whole number"):
        list(read_id_files([tmp_path / "a.jsonl"], "key"))
