"""The table of benchmarks: what was read, what became of it, and what the papers print."""

import json

import pandas as pd

from growmerge.artifacts import publish, verify
from growmerge.benchmarks.build import build_benchmark
from growmerge.benchmarks.items import write_items
from growmerge.config.benchmarks import Benchmark
from growmerge.tables.benchmarks import write_benchmarks

PAIRS = [{"sen": f"Hann fer {n}.", "wrong_sen": f"Hann fara {n}."} for n in range(5)]


def test_counts_stand_beside_the_printed_ones_and_say_what_was_dropped(tmp_path):
    rows = tmp_path / "pairs.jsonl"
    rows.write_text("\n".join(map(json.dumps, [*PAIRS, {"sen": "", "wrong_sen": "x"}])))
    sources = {"isl": {"dataset": str(rows)}}
    chosen = [
        Benchmark(name="agreement", use="multiblimp", sources=sources, limit=3),
        Benchmark(name="facts", limit=4),
    ]
    folders = []
    for benchmark in chosen:
        built = build_benchmark(benchmark, "isl", seed=1)
        folders.append(tmp_path / "benchmarks" / benchmark.name / "isl")
        with publish(folders[-1]) as draft:
            write_items(built.items, draft.folder / "items.parquet")
            draft.facts |= built.facts
    path = tmp_path / "tables" / "benchmarks.parquet"
    write_benchmarks(folders, path, {benchmark.name: benchmark.measured for benchmark in chosen})
    read, made = pd.read_csv(path.with_suffix(".csv")).to_dict("records")
    assert (read["benchmark"], read["language"], read["measure"]) == ("agreement", "isl", "acceptability")
    assert [read[key] for key in ("read", "converted", "published", "kept")] == [6, 5, 2801, 3]
    assert read["dropped"] == "empty text: 1; not sampled: 2"
    assert (read["dataset"], read["licence"]) == (str(rows), "CC BY 4.0")
    assert (
        made["kept"] == 4
        and pd.isna(made["published"])
        and "CLDR" in made["licence"]
        and "Babel" in made["attribution"]
    )
    assert verify(path).facts == {"rows": 2, "items": 7}
