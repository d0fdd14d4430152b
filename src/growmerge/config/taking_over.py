"""What the rest of a study says once its languages are in full: benchmarks, replay and merges take them over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.catalogue.languages import languages
from growmerge.config.origins import Origins

COLUMNS = {"translation": "flores"}  # benchmark of the registry -> its column in the catalogue, if it has another name


def named(corpora: Any) -> list[dict[str, Any]]:
    """The corpora that have a name."""
    return [corpus for corpus in corpora if isinstance(corpus, dict) and isinstance(corpus.get("name"), str)]


def _scored(data: Mapping[str, Any]) -> list[str]:
    english = (data.get("english") or {}).get("code", "eng")
    return list(dict.fromkeys([english, *(entry["code"] for entry in data["languages"])]))


def leave_out_of_parallel(data: dict[str, Any], lacking: set[str]) -> None:
    """Benchmarks that are made of parallel sentences leave out the languages whose own text is held out."""
    benchmarks = list(data.get("benchmarks") or [])
    for i, benchmark in enumerate(benchmarks):
        entry = REGISTRY.get(str(benchmark.get("use") or benchmark.get("name")))
        made = entry is not None and entry.languages is None and entry.metric.name in ("parity", "chrf")
        if made and lacking and "languages" not in benchmark:
            benchmarks[i] = benchmark | {"languages": [code for code in _scored(data) if code not in lacking]}
    if lacking:
        data["benchmarks"] = benchmarks


def take_rows_in_script(data: dict[str, Any], code: str, script: str) -> None:
    """Benchmarks take the rows of the language in its script, and leave it out if they have it in another alone."""
    known = next((known for known in languages().get(code, ()) if known.script == script), None)
    if known is None or len(languages()[code]) == 1:
        return
    benchmarks = list(data.get("benchmarks") or [])
    for i, benchmark in enumerate(benchmarks):
        name = str(benchmark.get("use") or benchmark.get("name"))
        usual = ((REGISTRY[name].languages or {}) if name in REGISTRY else {}).get(code)
        own = known.benchmarks.get(COLUMNS.get(name, name))
        if usual is None or code in (benchmark.get("sources") or {}) or usual.configs == (own,):
            continue
        if own:
            sources = dict(benchmark.get("sources") or {}) | {code: {"configs": [own]}}
            benchmarks[i] = benchmark | {"sources": sources}
        else:
            rows = REGISTRY[name].languages or {}
            listed = benchmark.get("languages") or [c for c in _scored(data) if c in rows and rows[c].id]
            benchmarks[i] = benchmark | {"languages": [c for c in listed if c != code]}
    data["benchmarks"] = [b for b in benchmarks if b.get("languages") != []]


def let_go(data: dict[str, Any], origins: Origins) -> None:
    """Leave out what files below the list of languages say about languages that it no longer has."""
    mine = origins.number(("languages",))
    if mine is None:
        return
    scored = _scored(data)

    def below(*path: str) -> bool:
        number = origins.number(path)
        return number is not None and number < mine

    rule = data.get("unimax")
    if isinstance(rule, Mapping) and isinstance(rule.get("fixed"), Mapping):
        kept = {c: n for c, n in rule["fixed"].items() if c in scored or not below("unimax", "fixed", c)}
        data["unimax"] = dict(rule) | {"fixed": kept}
    merging, codes = dict(data["merging"]), [entry["code"] for entry in data["languages"]]
    if merging.get("sizes") and below("merging", "sizes"):
        sizes = sorted({min(size, len(codes)) for size in merging["sizes"]})
        merging["sizes"] = sizes if sizes[0] > 1 else None
    series = merging.get("series") or {}
    if series.get("orders") and below("merging", "series", "orders"):
        orders = [[code for code in order if code in codes] for order in series["orders"]]
        merging["series"] = dict(series) | {"orders": [order for order in orders if len(order) > 1]}
    data["merging"] = merging
    if below("benchmarks"):
        data["benchmarks"] = [
            benchmark
            for benchmark in (_of(benchmark, scored) for benchmark in data["benchmarks"])
            if _has_rows(benchmark, scored)
        ]
    if below("replay", "reference") and data["replay"]["reference"] not in codes:
        _take_over_replay(data)


def _of(benchmark: dict[str, Any], scored: list[str]) -> dict[str, Any]:
    """A benchmark without what it says about languages that are not scored."""
    kept = dict(benchmark)
    if isinstance(kept.get("languages"), list):
        kept["languages"] = [code for code in kept["languages"] if code in scored]
        if not kept["languages"]:
            del kept["languages"]
    for name in ("sources", "packages"):
        if isinstance(kept.get(name), Mapping):
            kept[name] = {code: said for code, said in kept[name].items() if code in scored}
    return kept


def _has_rows(benchmark: Mapping[str, Any], scored: list[str]) -> bool:
    entry = REGISTRY.get(str(benchmark.get("use") or benchmark.get("name")))
    if entry is None or entry.languages is None:
        return True  # made here in any language; an unknown name is told later
    with_rows = [code for code, dataset in entry.languages.items() if dataset.id] + list(benchmark.get("sources") or {})
    return any(code in with_rows for code in scored)


def _take_over_replay(data: dict[str, Any]) -> None:
    """Replay that is stated for a language which is gone is restated for the largest that is there.

    Shares are scaled by documents, as `replay` itself does it for all languages but its reference.
    """
    replay = data["replay"]
    documents = {entry["code"]: _documents(data, entry["corpus"]) or 0 for entry in data["languages"]}
    largest = max(documents, key=lambda code: documents[code])
    gone, now = _documents(data, replay["reference"]), documents[largest]
    scale = now / gone if gone and now else 1.0
    shares = {name: min(1.0, float(f"{share * scale:.4g}")) for name, share in replay["corpora"].items()}
    data["replay"] = dict(replay) | {"reference": largest, "corpora": shares}


def _documents(data: Mapping[str, Any], corpus: str) -> int | None:
    found = next((c for c in named(data["corpora"]) if c["name"] == corpus), {})
    return (found.get("expected") or {}).get("documents")


def join_benchmarks(data: dict[str, Any], short: Collection[int], origins: Origins) -> None:
    """Benchmarks of files below the `short` languages (their places in the list) list them, too, if they have rows."""
    benchmarks = list(data.get("benchmarks") or [])
    for i, benchmark in enumerate(benchmarks):
        entry = REGISTRY.get(str(benchmark.get("use") or benchmark.get("name")))
        if not isinstance(benchmark.get("languages"), list) or entry is None or entry.languages is None:
            continue
        stated = origins.number(("benchmarks", str(i)))
        for number in short:
            code = data["languages"][number]["code"]
            at = origins.number(("languages", str(number)))
            later = at is not None and stated is not None and at > stated
            rows = entry.languages.get(code)
            if later and rows and rows.id and code not in benchmark["languages"]:
                benchmark = benchmark | {"languages": [*benchmark["languages"], code]}
        benchmarks[i] = benchmark
    if benchmarks:
        data["benchmarks"] = benchmarks
