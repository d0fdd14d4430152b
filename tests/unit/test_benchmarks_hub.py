"""Benchmarks read from the hub: the revision that is asked for, the commit that was read, and what refuses to come."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
from dataset_server import COMMIT, DatasetServer
from hub_folder import write_dataset
from hub_server import run_with_hub
from local_server import LocalServer

from growmerge.benchmarks.build import build_benchmark
from growmerge.config.benchmarks import Benchmark

BUILD = """
    from growmerge.config.benchmarks import Benchmark
    from growmerge.benchmarks.build import build_benchmark
    import json, logging, sys
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    for name, language in {cells}:
        built = build_benchmark(Benchmark(name=name), language, seed=42)
        items = [item.candidates for item in built.items]
        print(json.dumps([built.facts["source"], items, sorted(set(item.subset for item in built.items))]))
"""


def build(cells, url, cache, **variables):
    return run_with_hub(BUILD.format(cells=cells).strip(), url, cache, **variables).splitlines()


def test_the_commit_that_was_read_is_recorded_and_conversions_and_all_splits_are_found(tmp_path):
    write_dataset(tmp_path / "multiblimp", {"isl": {"train": [{"sen": "Ég fer.", "wrong_sen": "Ég fara."}]}})
    rows = [{"sentence": "Jag går hem.", "label": 0}, {"sentence": "Jag gå hem.", "label": 1}]
    for split in ("train", "validation", "test"):
        folder = tmp_path / "superlim" / "dalaj-ged" / split
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "0000.parquet")
    person = {"correct": "Ta läheb.", "incorrect": "Ta lähen.", "original_subset": "ind_prs_3sg_to_1sg"}
    case = {"correct": "Ema maja.", "incorrect": "Ema maju.", "original_subset": "nom_sg_to_part_pl"}
    corruptions = {row["original_subset"]: [row] for row in (person, case)}
    write_dataset(tmp_path / "corrupted", {"et": corruptions})
    repositories = {
        "jumelet/multiblimp": tmp_path / "multiblimp",
        "sbx/superlim-2": tmp_path / "superlim",
        "liu-nlp/blimp-single-error": tmp_path / "corrupted",
    }
    with DatasetServer(repositories) as hub:
        cells = [("multiblimp", "isl"), ("dalaj", "swe"), ("blimp_single_error", "ekk")]
        lines = build(cells, hub.url, tmp_path / "cache")
        revisions = hub.revisions
    warnings = [line for line in lines if not line.startswith("[")]
    results = [json.loads(line) for line in lines if line.startswith("[")]
    (multiblimp, pairs, _), (dalaj, aligned, _), (corrupted, _, subsets) = results
    unpinned = [line for line in warnings if line.endswith(f"no revision is pinned; read was {COMMIT}")]
    assert [line.split(":")[0] for line in unpinned] == ["jumelet/multiblimp", "liu-nlp/blimp-single-error"]
    assert multiblimp == {"dataset": "jumelet/multiblimp", "revision": None, "commits": [COMMIT]}
    assert pairs == [["Ég fer.", "Ég fara."]]
    assert corrupted["commits"] == [COMMIT]
    assert subsets == ["ind_prs_3sg_to_1sg", "nom_sg_to_part_pl"]
    assert dalaj == {"dataset": "sbx/superlim-2", "revision": "refs/convert/parquet", "commits": [COMMIT]}
    assert aligned == [["Jag går hem.", "Jag gå hem."]] * 3
    assert "refs/convert/parquet" in revisions


def test_without_a_network_one_line_says_what_to_do(tmp_path):
    (line,) = build([("blimp", "eng")], "http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE="1")
    assert "nyu-mll/blimp" in line
    assert "check the network (is HF_HUB_OFFLINE set?)" in line


class OneFile(LocalServer):
    """Serves the same text at every address."""

    text = ""

    def answer(self, request):
        self.send(request, 200, self.text.encode())


def test_a_file_is_read_from_its_address():
    with OneFile() as server:
        server.text = json.dumps({"sentence_good": "Hon er góð.", "sentence_bad": "Hon er góður."}) + "\n"
        address = f"{server.url}/foblimp.jsonl"
        digest = hashlib.sha256(server.text.encode()).hexdigest()
        benchmark = Benchmark(name="foblimp", sources={"fao": {"dataset": address, "sha256": digest}})
        built = build_benchmark(benchmark, "fao", seed=1)
    assert [item.candidates for item in built.items] == [("Hon er góð.", "Hon er góður.")]
    assert built.facts["source"] == {"dataset": address, "revision": None, "commits": []}
    assert benchmark.files("fao") == []
