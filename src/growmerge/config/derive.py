"""What a language of a few keys stands for: `{code: dan}` becomes text, sizes, held-out text and benchmarks.

All of it comes from the catalogue of languages, or from the user's own text, and is plain configuration afterwards:
every key that the user states goes over what is derived. Languages that name their corpus are left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growmerge.catalogue.languages import FINEWEB, Known, languages, settle
from growmerge.config.origins import Origins
from growmerge.config.own_text import missing_of, size_of, source_of
from growmerge.config.problems import Problem
from growmerge.config.taking_over import (
    join_benchmarks,
    leave_out_of_parallel,
    let_go,
    named,
    take_rows_in_script,
)

# Keys of a short language that are about its derived corpus.
OF_CORPUS = ("heldout", "min_words", "cleaning", "placeholder", "shards", "expected")
BYTES_A_SHARD, MOST_SHARDS = 4_000_000_000, 32
HELD_OUT = 0.05  # share of a language's own text, where it has no sentences in FLORES+


def derive(data: dict[str, Any], origins: Origins) -> tuple[dict[str, Any], list[Problem]]:
    """The configuration with all languages in full, and what is wrong with those that were short.

    There are short languages, and all other sections have the right types. `origins` learns where the user wrote what
    is new.
    """
    listed = data["languages"]
    data, problems = dict(data), []
    data["corpora"], data["languages"] = list(data.get("corpora") or []), []
    before = {corpus["name"] for corpus in named(data["corpora"])}
    for i, entry in enumerate(listed):
        try:
            whole = _in_full(f"languages.{i}", entry, data, origins) if _is_short(entry) else entry
        except Problem as problem:
            problems.append(problem)
            whole = None
        data["languages"].append(whole)
    if problems or not all(isinstance(x, Mapping) and isinstance(x.get("code"), str) for x in data["languages"]):
        return data, problems
    derived = {name for name in (c["name"] for c in named(data["corpora"])) if name not in before}
    leave_out_of_parallel(
        data, {x["code"] for x in data["languages"] if "evaluation" not in x and x["corpus"] in derived}
    )
    join_benchmarks(data, [i for i, entry in enumerate(listed) if _is_short(entry)], origins)
    let_go(data, origins)
    for entry in listed:
        if isinstance(entry, Mapping) and "script" in entry:
            take_rows_in_script(data, entry["code"], entry["script"])
    return data, []


def has_short_languages(data: Mapping[str, Any]) -> bool:
    """Whether a configuration has languages to derive."""
    listed = data.get("languages")
    return isinstance(listed, list) and any(_is_short(entry) for entry in listed)


def _is_short(entry: Any) -> bool:
    return isinstance(entry, str) or (isinstance(entry, Mapping) and "code" in entry and "corpus" not in entry)


# --- a language -----------------------------------------------------------------------------------------------------


def _in_full(key: str, entry: Any, data: dict[str, Any], origins: Origins) -> dict[str, Any]:
    """A short language with name, corpus and evaluation; its corpora are appended to those of the study."""
    entry = {"code": entry} if isinstance(entry, str) else dict(entry)
    code, text, script = entry["code"], entry.pop("text", None), entry.pop("script", None)
    if not (text is None or isinstance(text, str) or _is_list_of_text(text)):
        raise Problem(f"{key}.text", text, "must be a path or glob, such as texts/*.jsonl, or a list of them")
    if text is not None and (missing := missing_of(text)):
        message = f"no such file; the path is relative to the working directory, {Path.cwd()}"
        raise Problem(f"{key}.text", missing, message)
    of_corpus = {name: entry.pop(name) for name in OF_CORPUS if name in entry}
    names = {corpus["name"]: corpus for corpus in named(data["corpora"])}
    here = text is None and code in names and not names[code].get("parts")
    known = _known(key, code, script, has_text=text is not None or here)
    derived = None
    if here:
        corpus = code
        if of_corpus:
            name = next(iter(of_corpus))
            message = f"the corpus '{code}' is in `corpora` already; change it there"
            raise Problem(f"{key}.{name}", of_corpus[name], message)
    else:
        corpus = code if code not in names else f"{code}-own"
        derived = _corpus(corpus, known, text, data) | of_corpus
    entry = {"code": code, "name": known.name if known else code, "corpus": corpus} | entry
    if "evaluation" not in entry:
        parallel = _parallel(code, known, data)
        if parallel:
            entry["evaluation"] = parallel["name"]
            if parallel["name"] not in names:
                _append(data, parallel, key, origins)
        elif derived:
            derived.setdefault("heldout", _heldout_of_english(data))
    if derived and "expected" not in derived and (size := size_of(derived["sources"][0])):
        share = derived.get("heldout", 0)
        trained = 1 - share if isinstance(share, int | float) else 1
        derived["expected"] = {key: max(1, round(count * trained)) for key, count in size.items()}
    if derived:
        _append(data, derived, key, origins)
    return entry


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(member, str) for member in value)


def _known(key: str, code: Any, script: str | None, *, has_text: bool) -> Known | None:
    """The language in the catalogue; None for one that only the user has text of."""
    if not isinstance(code, str):
        raise Problem(f"{key}.code", code, "must be a code of ISO 639-3, in letters, such as dan")
    settled = settle(code)
    if settled is None and not has_text:
        message = "FineWeb-2 has no text of this language; name files of your own as its `text`, or a `corpus`"
        raise Problem(f"{key}.code", code, message)
    if settled is None:
        return None
    if settled != code and len(code) == 2:
        raise Problem(f"{key}.code", code, f"ISO 639-3, please: {settled}")
    if settled != code:
        raise Problem(f"{key}.code", code, f"{languages()[settled][0].name} has the code '{settled}' here; write that")
    scripts = {known.script: known for known in languages()[code]}
    if script is not None and script not in scripts:
        raise Problem(f"{key}.script", script, f"'{code}' is known in {' and '.join(scripts)}")
    if script is None and not has_text and len(scripts) > 1:
        sizes = " and ".join(f"{known.script} ({known.documents:,} documents)" for known in scripts.values())
        first = next(iter(scripts))
        raise Problem(f"{key}.code", code, f"there is text in {sizes}; state which, such as `script: {first}`")
    known = scripts[script] if script else next(iter(scripts.values()))
    if known.subset is None and not has_text:
        raise Problem(f"{key}.code", code, "FineWeb-2 has no text of this language; name a `corpus`")
    return known


def _corpus(name: str, known: Known | None, text: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """The language's text: the user's own, or its subset of FineWeb-2 in as many shards as its size asks for."""
    if text is not None:
        return {"name": name, "sources": [source_of(text, known.subset if known else None)]}
    assert known is not None
    shards = min(MOST_SHARDS, max(1, known.bytes // BYTES_A_SHARD))
    expected = {"documents": known.documents, "tokens": known.tokens, "characters": known.characters}
    source = {"kind": "hub", "dataset": _fineweb(data), "config": known.subset}
    return {"name": name, "sources": [source], "shards": shards, "expected": expected}


def _fineweb(data: Mapping[str, Any]) -> str:
    """FineWeb-2, or the local copy of it that the study reads."""
    read = (source["dataset"] for source in _sources(data["corpora"]) if isinstance(source.get("dataset"), str))
    return next((dataset for dataset in read if dataset.rstrip("/").rpartition("/")[2] == "fineweb-2"), FINEWEB)


def _parallel(code: str, known: Known | None, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The corpus of the language's sentences in FLORES+, from where the study has its English ones."""
    english = _english_evaluation(data)
    theirs = languages()["eng"][0].benchmarks["flores"]
    if known is None or "flores" not in known.benchmarks or english is None:
        return None
    source = next((s for s in _sources([english]) if s.get("config") == theirs), None)
    if source is None:
        return None
    name = f"flores-{code}"
    return {"name": name, "sources": [source | {"config": known.benchmarks["flores"]}], "heldout": 1.0}


def _heldout_of_english(data: Mapping[str, Any]) -> float:
    english = _english_evaluation(data) or {}
    heldout = english.get("heldout", HELD_OUT)
    return heldout if isinstance(heldout, float) and 0 < heldout < 1 else HELD_OUT


def _english_evaluation(data: Mapping[str, Any]) -> dict[str, Any] | None:
    name = (data.get("english") or {}).get("evaluation")
    return next((corpus for corpus in named(data["corpora"]) if corpus["name"] == name), None)


def _sources(corpora: Any) -> list[dict[str, Any]]:
    listed = [corpus.get("sources") for corpus in named(corpora)]
    return [source for sources in listed if isinstance(sources, list) for source in sources if isinstance(source, dict)]


def _append(data: dict[str, Any], corpus: dict[str, Any], key: str, origins: Origins) -> None:
    place = tuple(key.split("."))
    number = origins.number(place)
    if number is not None:
        origins.places["corpora", str(len(data["corpora"]))] = number, origins.written(place)
    data["corpora"].append(corpus)
