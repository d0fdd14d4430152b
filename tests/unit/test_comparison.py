"""Comparisons on disk, from checkpoints to correlations."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from growmerge.artifacts import publish, read_manifest, verify, write_manifest
from growmerge.benchmarks.items import Item, write_items
from growmerge.comparing.comparison import english_sentences, write_comparison
from growmerge.config.load import load_files
from growmerge.data.corpus import HELDOUT
from growmerge.data.documents import Document, write_documents
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.tables.tables import write_comparisons, write_correlations

ROOT = Path(__file__).parents[2]
LANGUAGES = ("swe", "isl", "fas")
SENTENCES = ["the cat sees the sun", "a dog runs", "the sun is warm", "a dog runs"]


@pytest.fixture
def benchmark(tmp_path) -> Path:
    """Parity items whose English sides are `SENTENCES`."""
    items = [Item(str(i), "", (f"mening {i}",), reference=sentence) for i, sentence in enumerate(SENTENCES)]
    with publish(tmp_path / "benchmarks" / "parity" / "eng") as draft:
        write_items(items, draft.folder / "items.parquet")
    return tmp_path / "benchmarks" / "parity" / "eng"


def compare(tiny, benchmark: Path, setup: str, seed: int) -> Path:
    members = {code: tiny.checkpoint(f"{setup}-{code}", seed + i) for i, code in enumerate(LANGUAGES)}
    base = tiny.checkpoint(f"{setup}-base", seed + 10)
    parquet = benchmark.parents[2] / "comparisons" / f"{setup}.parquet"
    work = benchmark.parents[2] / "work"
    write_comparison(setup, members, base, [benchmark], parquet, sentences=100, work=work)
    return parquet


def test_a_comparison_holds_weights_and_states_and_says_what_it_is_made_from(tiny, benchmark) -> None:
    parquet = compare(tiny, benchmark, "share-0.05", 0)
    manifest = verify(parquet)
    assert manifest.facts["sentences"] == 3
    assert str(benchmark) in manifest.inputs
    assert len(manifest.inputs) == len(LANGUAGES) + 2
    table = pd.read_parquet(parquet)
    assert set(table["setup"]) == {"share-0.05"}
    assert {"cosine", "norm", "sign_conflicts", "stable_rank_difference", "cka", "cka_standardised"} <= set(
        table["measure"]
    )
    whole = table[table["layer"].isna() & (table["kind"] == "all") & (table["measure"] == "cka")]
    assert list(zip(whole["first"], whole["second"], strict=True)) == [("swe", "isl"), ("swe", "fas"), ("isl", "fas")]


def test_a_damaged_checkpoint_is_refused(tiny, benchmark) -> None:
    folder = tiny.checkpoint("damaged", 1)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(GrowmergeError, match=r"model\.safetensors: has"):
        write_comparison("2x", {"swe": folder}, folder, [benchmark], folder / "x.parquet", sentences=9, work=folder)


def test_sentences_are_the_english_sides_or_held_out_documents_each_once(benchmark, tmp_path) -> None:
    assert english_sentences([benchmark], 100) == SENTENCES[:3]
    assert english_sentences([benchmark], 2) == SENTENCES[:2]
    shards = []
    for name, texts in (("1-of-2", ["one two", "three"]), ("2-of-2", ["three", "four"])):
        with publish(tmp_path / "documents" / name) as draft:
            write_documents([Document(str(i), text) for i, text in enumerate(texts)], draft.folder / HELDOUT)
            write_documents([Document("9", "training text")], draft.folder / "documents.parquet")
        shards.append(tmp_path / "documents" / name)
    assert english_sentences(shards, 100) == ["one two", "three", "four"]


def scores(path: Path, setups: list[str]) -> Path:
    """A table of scores with its manifest: every pair loses as much as its languages' places in the alphabet say."""
    rows = []
    for setup in setups:
        for i, first in enumerate(sorted(LANGUAGES)):
            rows.append((setup, first, "", "facts", first, 0.9))
            for j, second in list(enumerate(sorted(LANGUAGES)))[i + 1 :]:
                for language in (first, second):
                    rows.append((setup, f"{first}+{second}", "linear", "facts", language, 0.9 - 0.1 * (i + j)))
    columns = ["setup", "target", "method", "measure", "language", "value"]
    path.parent.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).assign(subset="all").to_parquet(path, index=False)
    write_manifest(path.with_suffix(".manifest.json"), [path.name])
    return path


def test_similarity_is_held_against_the_drop_of_every_pair(tiny, benchmark, tmp_path) -> None:
    comparisons = [compare(tiny, benchmark, setup, seed) for setup, seed in (("1x", 0), ("2x", 20))]
    write_comparisons(comparisons, tmp_path / "tables" / "language_vectors.parquet")
    gathered = pd.read_parquet(tmp_path / "tables" / "language_vectors.parquet")
    assert list(dict.fromkeys(gathered["setup"])) == ["1x", "2x"]
    assert len(gathered) == sum(len(pd.read_parquet(path)) for path in comparisons)

    distances = tmp_path / "distances.csv"
    distances.write_text("first,second,distance\nfas,isl,0.1\nfas,swe,0.2\nisl,swe,0.3\n", encoding="utf-8")
    pairs = tmp_path / "tables" / "similarity_and_drop.parquet"
    about = {"setups": ["1x", "2x"], "languages": LANGUAGES, "method": "linear", "codes": {}}
    table = scores(tmp_path / "summary" / "pairwise.parquet", ["1x", "2x"])
    write_correlations(comparisons, table, [distances], pairs, **about, resamples=50, seed=1)

    manifest = verify(pairs)
    assert set(manifest.inputs) == {*map(str, comparisons), str(table)}
    assert list(manifest.facts["tables"]) == [str(distances)]
    found = pd.read_parquet(pairs)
    typological = found[(found["similarity"] == "typological_distance") & (found["measure"] == "facts")]
    assert typological["delta"].tolist() == pytest.approx([-0.1, -0.2, -0.3] * 2)
    assert found["x"].notna().all()
    correlated = pd.read_csv(pairs.with_name("similarity_and_drop_correlations.csv"), keep_default_na=False)
    chosen = correlated[(correlated["similarity"] == "typological_distance") & (correlated["coefficient"] == "pearson")]
    assert chosen["value"].astype(float).tolist() == pytest.approx([-1.0] * 6)  # 1x, 2x and all; facts and mean
    assert read_manifest(pairs).files.keys() >= {"similarity_and_drop_correlations.csv", "similarity_and_drop.csv"}


def test_tables_and_figures_need_no_torch() -> None:
    program = """
import sys
import growmerge.tables.tables, growmerge.figures.common.write
print([name for name in ("torch", "transformers", "safetensors", "tokenizers", "datasets") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


# --- configuration and paths --------------------------------------------------------------------------------------


def study(tmp_path, text: str = ""):
    (tmp_path / "more.yaml").write_text(text or "{}", encoding="utf-8")
    return load_files(ROOT / "config/config.yaml", ROOT / "config/miniature.yaml", tmp_path / "more.yaml")


def test_every_setup_is_compared_over_the_english_parity_items(tmp_path) -> None:
    layout = Layout(chosen := study(tmp_path), Grid(chosen))
    assert layout.comparisons() == [layout.comparison(setup.name) for setup in chosen.setups]
    assert layout.english_sentences() == ["results/miniature/benchmarks/parity/eng"]
    assert layout.compared("2x") == [f"results/miniature/models/2x/{code}" for code in chosen.language_codes]
    assert layout.ancestor("scratch") == "results/miniature/models/init"


def test_distances_come_from_a_package_or_a_table(tmp_path) -> None:
    package = study(tmp_path, "comparison: {typology: {package: hazm}}")
    assert Layout(package, Grid(package)).typology() == ["results/downloads/hazm-0.10.0"]
    missing = study(tmp_path, "comparison: {typology: {package: null, table: nowhere.csv}}")
    layout = Layout(missing, Grid(missing))
    assert layout.typology() == ["nowhere.csv"]
    with pytest.raises(GrowmergeError, match=r"comparison\.typology\.table = 'nowhere\.csv': no such file"):
        layout.check_sources()
    with pytest.raises(GrowmergeError, match=r"comparison\.typology\.package"):
        study(tmp_path, "comparison: {typology: {package: lang3vec}}")
