"""Every artifact has one place, and what it is made from are artifacts of the grid."""

from pathlib import Path

import pytest

from growmerge.config import validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.grid import Grid
from growmerge.layout import Layout

CONFIG = Path(__file__).parents[2] / "config"


def layout_of(*files, **overlay):
    data = {}
    for file in files:
        data = merge_mappings(data, read_yaml(CONFIG / file))
    study = validate(merge_mappings(data, overlay))
    return Layout(study, Grid(study))


@pytest.fixture(scope="module")
def miniature():
    return layout_of("config.yaml", "miniature.yaml")


def test_members_and_base_of_a_merge_are_models_of_its_setup(miniature):
    assert miniature.members("2x", "isl+swe") == [f"results/miniature/models/2x/{code}" for code in ("isl", "swe")]
    assert miniature.merge_base("scratch") == "results/miniature/models/init"
    models = set(miniature.models())
    for merge in miniature.grid.merges:
        assert models.issuperset(miniature.members(merge.setup, merge.target))


def test_a_part_stands_on_the_documents_of_its_corpus(miniature):
    assert miniature.documents("eng80") == miniature.documents("eng20") == "results/miniature/documents/eng"


def test_a_large_corpus_is_many_shards():
    full = layout_of("config.yaml")
    assert len(full.shards("eng80")) == 64
    assert full.shards("fao") == ["results/grow-up-and-merge/tokens/fao/1-of-1"]


def test_a_language_is_scored_on_its_evaluation_corpus():
    full = layout_of("config.yaml")
    assert full.evaluation_corpus("swe").name == "flores-swe"
    assert full.evaluation_corpus("eng").name == "flores-eng"
    assert full.benchmark_packages("acceptability", "fas") == ["results/downloads/hazm-0.10.0"]
    assert full.benchmark_packages("acceptability", "swe") == []


def test_merges_are_kept_only_if_asked_for(miniature):
    assert miniature.kept_merges(miniature.grid.merges) == []
    keeping = layout_of("config.yaml", "miniature.yaml", merging={"keep": True})
    assert len(keeping.kept_merges(keeping.grid.merges)) == 220
    assert [path.rsplit("/", 1)[1] for path in keeping.kept_of("2x", "isl+swe")] == [
        "linear", "task_arithmetic", "ties", "dare_ties", "multislerp",
    ]  # fmt: skip


def test_a_pretrained_tokenizer_reads_no_text():
    assert layout_of("config.yaml").tokenizer_corpora() == []


def test_partial_figures_ask_for_the_scores_that_exist(miniature, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partial = layout_of("config.yaml", "miniature.yaml", analysis={"partial": True})
    score = Path(partial.score("2x/swe"))
    score.parent.mkdir(parents=True)
    score.touch()
    assert partial.scores(partial.grid) == [str(score)]
    assert len(miniature.scores(miniature.grid)) == 6 + 20 + 220
