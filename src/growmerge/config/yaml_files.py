"""Reads configuration files strictly: a key given twice and a slip of indentation are told with file and line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from growmerge.errors import GrowmergeError

# libyaml's is 10 times faster, and the files are read whenever Snakemake parses the rules.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"  # `<<`, which takes the keys of an anchor over
# What the parsers say (libyaml and PyYAML word it differently) -> what is probably wrong.
_MEANINGS = {
    "mapping values are not allowed": "a colon is not expected here; is the line indented too far, or does a text with "
    "': ' lack quotation marks?",
    r"',' or '[\]}]'": "a list or mapping in brackets{begun} lacks a comma or its closing bracket",
    "end of stream|stream end|node content": "a bracket or quotation mark{begun} is not closed",
    "<block end>|expected key|expected '-'|block entries": "the line does not fit the lines around it{begun}: keys of "
    "one section, and the dashes of one list, begin in the same column",
    "could not find expected ':'": "a key{begun} lacks its colon or the space after it, or a text its quotation marks",
    "cannot start any token|undefined alias|determine a constructor": "a text that begins with @, `, %, *, & or ! "
    "must be in quotation marks",
    "another document": "only one document can be in a file; remove the line ---",
    "unhashable": "a list or mapping cannot be a key",
}


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file.

    Raises GrowmergeError, a line for each fault as `file:line: what is wrong`, if a mapping has a key twice (YAML keeps
    the last one without a word), if the file is not YAML, and if it holds no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise GrowmergeError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GrowmergeError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); convert it first") from None
    return _read(path, text)


def check_file(path: Path) -> None:
    """Raise GrowmergeError as `read_yaml` does, if there is a file at all.

    Called before Snakemake reads the same file: it tells neither file nor line, and takes the last of two equal keys.
    """
    if path.exists():
        read_yaml(path)


def _read(path: Path, text: str) -> dict[str, Any]:
    try:
        # Snakemake tries JSON first. Its strings hold no raw tabs, which YAML refuses between values.
        in_json, text = json.loads(text), text.replace("\t", " ")
    except ValueError:
        in_json = None
    try:
        data, twice = _parse(text)
    except yaml.YAMLError as error:
        raise GrowmergeError(_syntax(path, text, error)) from None
    if twice:
        raise GrowmergeError("\n".join(f"{path}:{line}: {message}" for line, message in twice))
    data = data if in_json is None else in_json  # 3e-3 is a number in JSON, text in YAML
    if not isinstance(data, dict):
        found = "is empty" if data is None else f"holds a {type(data).__name__}"
        raise GrowmergeError(f"{path}: {found}; it must hold a mapping of sections, such as `study: my-study`")
    return data


def _parse(text: str) -> tuple[Any, list[tuple[int, str]]]:
    """What is in the text, and the keys that are there twice."""
    # Snakemake reads with PyYAML's own parser, which refuses tabs that libyaml takes.
    loader = (yaml.SafeLoader if "\t" in text else _Loader)(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, []
        twice = list(_twice(node, loader, (), set()))
        return loader.construct_document(node), twice
    finally:
        loader.dispose()


def _twice(node: yaml.Node, loader: Any, path: tuple[str, ...], seen: set[int]) -> Iterator[tuple[int, str]]:
    """(line from 1, message) of every key that its mapping already has.

    This looks at what is written, before anchors are merged: `<<: *anchor` may well be followed by one of its keys.
    What an alias stands for is looked at once, where it is written.
    """
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for i, member in enumerate(node.value):
            yield from _twice(member, loader, (*path, str(i)), seen)
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[Any, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
            name = loader.construct_object(key)  # yes and true are the same key, 1 and "1" are two
            here = ".".join((*path, str(key.value)))
            if name in first:
                yield line, f"{here}: is there twice, first in line {first[name]}; keep one of the two"
            first.setdefault(name, line)
        yield from _twice(value, loader, (*path, str(getattr(key, "value", "?"))), seen)


def _syntax(path: Path, text: str, error: yaml.YAMLError) -> str:
    """One line about what YAML cannot read."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # of signs that YAML does not allow anywhere
        reason = str(error).splitlines()[0]
        return f"{path}: is not YAML: {reason}"
    lines, problem = text.splitlines(), str(getattr(error, "problem", None) or error)
    # libyaml notices a missing bracket after the last line.
    number = min(mark.line, max(len(lines) - 1, 0))
    context = getattr(error, "context_mark", None)
    begun = f" (begun in line {context.line + 1})" if context and context.line < number else ""
    return f"{path}:{number + 1}: is not YAML: {_in_plain_words(problem, lines[number] if lines else '', begun)}"


def _in_plain_words(problem: str, line: str, begun: str) -> str:
    if re.match(r" *\t", line):
        return "the line is indented with a tab; indent it with spaces"
    if "cannot start any token" in problem and "\t" in line:
        return "there is a tab in the line; write spaces instead"
    for pattern, meaning in _MEANINGS.items():
        if re.search(pattern, problem):
            return meaning.format(begun=begun)
    return problem
