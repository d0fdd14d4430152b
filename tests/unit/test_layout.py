"""Every artifact has one place, and what it is made from are artifacts of the grid."""

from pathlib import Path

import pytest

from growmerge.artifacts import publish
from growmerge.benchmarks.listing import read_listings, write_listing
from growmerge.config import validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout

CONFIG = Path(__file__).parents[2] / "config"


# Of the miniature's methods, those that are fitted to held-out text need the benchmark that says how it is cut.
PLAIN = {
    "methods": [{"name": "linear", "parameters": {"weight": 1.0}}],
    "healing": None,
    "rounds": None,
    "ensemble": None,
}


def layout_of(*files, **overlay):
    data = {}
    if "benchmarks" in overlay:
        overlay = {"merging": PLAIN} | overlay
    for file in files:
        data = merge_mappings(data, read_yaml(CONFIG / file))
    study = validate(merge_mappings(data, overlay))
    return Layout(study, Grid(study))


@pytest.fixture(scope="module")
def miniature():
    return layout_of("config.yaml", "miniature.yaml")


def test_members_and_base_of_a_merge_are_models_of_its_setup(miniature):
    assert miniature.members("2x", "isl+swe") == [f"results/miniature/models/2x/{code}" for code in ("isl", "swe")]
    assert miniature.merge_base("scratch", "isl+swe", "ties") == "results/miniature/models/init"
    models = set(miniature.models())
    for merge in miniature.grid.merges:
        assert models.issuperset(miniature.members(merge.setup, merge.target))


def test_a_scoring_depends_on_the_benchmarks_of_its_own_languages(miniature):
    def listings(*codes):
        return [f"results/miniature/benchmarks/listings/{code}.json" for code in codes]

    assert miniature.listings(miniature.grid.scored_in("isl+swe@40")) == listings("eng", "swe", "isl")
    assert miniature.listings(None) == listings("eng", "swe", "isl", "ekk", "fas")


def test_a_language_without_any_benchmark_has_no_listing():
    facts = {"name": "facts", "languages": ["swe"], "limit": 9}
    languages = [language | {"unscored": True} for language in read_yaml(CONFIG / "miniature.yaml")["languages"]]
    one = layout_of("config.yaml", "miniature.yaml", benchmarks=[facts], languages=languages)
    assert one.listings(None) == one.listings(("eng", "swe")) == [one.listing("swe")]
    assert one.listings(("eng", "isl")) == []


@pytest.mark.parametrize(
    "files",
    [["config.yaml", *others] for others in ([], ["miniature.yaml"], ["beyond.yaml"], ["limits-of-merging.yaml"])],
)
def test_listings_give_the_shipped_benchmarks_in_the_order_of_the_configuration(files, tmp_path):
    """So the rows of scores are in one order, whatever languages a model is scored in."""
    layout = layout_of(*files)
    listings = []
    for language in layout.grid.scored_languages:
        folders = [
            tmp_path / path for path in layout.benchmarks(c for c in layout.grid.score_cells if c[1] == language)
        ]
        for folder in folders:
            with publish(folder) as draft:
                (draft.folder / "items").write_text("")
        write_listing(folders, layout.grid.benchmark_places(language), tmp_path / layout.listing(language))
        listings.append(tmp_path / layout.listing(language))
    assert list(read_listings(listings)) == layout.grid.score_cells


def test_a_part_stands_on_the_documents_of_its_corpus(miniature):
    assert miniature.documents("eng80") == miniature.documents("eng20") == ["results/miniature/documents/eng/1-of-1"]
    assert miniature.documents_shard("eng20", "1-of-1") == "results/miniature/documents/eng/1-of-1"


def test_a_large_corpus_is_many_shards():
    full = layout_of("config.yaml")
    assert len(full.shards("eng80")) == 64
    assert full.shards("fao") == ["results/grow-up-and-merge/tokens/fao/1-of-1"]


def test_a_large_corpus_is_read_in_as_many_shards_as_it_is_tokenized_in():
    full = layout_of("config.yaml")
    assert full.documents("eng20") == [full.documents_shard("eng", f"{i + 1}-of-64") for i in range(64)]


def test_text_is_kept_out_that_its_languages_and_english_are_evaluated_on_or_that_it_holds_out_itself(miniature):
    full = layout_of("config.yaml")
    flores = [f"results/grow-up-and-merge/documents/flores-{code}/1-of-1" for code in ("eng", "swe")]
    assert full.evaluation_of([full.study.corpus("swe")]) == flores
    assert full.evaluation_of([full.study.corpus("code")]) == flores[:1]
    assert miniature.evaluation_of([miniature.study.corpus("eng")]) == miniature.documents("eng")
    assert miniature.evaluation_of([]) == []
    corpora = [c.model_dump(mode="json") for c in miniature.study.corpora]
    holding = [c | {"heldout": 0.1} if c["name"] == "code" else c for c in corpora]
    own = layout_of("config.yaml", "miniature.yaml", corpora=holding)
    assert own.evaluation_of([own.study.corpus("code")]) == [*own.documents("eng"), *own.documents("code")]


def test_files_are_dealt_out_to_the_shards_before_any_job(miniature, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("text")
    corpora = [c.model_dump(mode="json") for c in miniature.study.corpora]
    source = {"kind": "files", "paths": [f"{tmp_path}/*.txt"]}

    def layout(shards):
        changed = [c | {"sources": [source], "shards": shards} if c["name"] == "code" else c for c in corpora]
        return layout_of("config.yaml", "miniature.yaml", corpora=changed)

    two = layout(2)
    two.check_sources()
    assert two.files_of("code", "1-of-2") + two.files_of("code", "2-of-2") == [f"{tmp_path}/{n}.txt" for n in "abc"]
    with pytest.raises(GrowmergeError, match=r"corpora\.code\.shards = 4: paths .* has 3 files"):
        layout(4).check_sources()


def test_published_ids_are_listed_once_for_all_parts(miniature, tmp_path):
    (tmp_path / "ids.jsonl").write_text('{"id": "x"}')
    corpora = [c.model_dump(mode="json") for c in miniature.study.corpora]

    def layout(path):
        ids = {"kind": "files", "paths": [str(path)], "id_field": "id"}
        parts = [{"name": "eng80", "share": 0.8}, {"name": "eng20", "share": 0.2, "ids": ids}]
        return layout_of(
            "config.yaml",
            "miniature.yaml",
            corpora=[c | {"parts": parts} if c["name"] == "eng" else c for c in corpora],
        )

    listed = layout(tmp_path / "ids.jsonl")
    assert listed.part_ids("eng80") == listed.part_ids("eng20") == ["results/miniature/part_ids/eng20"]
    assert listed.files_of_ids("eng20") == [str(tmp_path / "ids.jsonl")]
    assert miniature.part_ids("eng80") == []
    with pytest.raises(GrowmergeError, match=r"corpora: ids of 'eng20': sources\.paths = '.*absent': no such file"):
        layout(tmp_path / "absent").check_sources()


def test_a_language_is_scored_on_its_evaluation_corpus(miniature):
    full = layout_of("config.yaml")
    assert full.study.evaluation_corpus("swe").name == "flores-swe"
    assert full.study.evaluation_corpus("eng").name == "flores-eng"
    assert miniature.benchmark_packages("acceptability", "fas") == ["results/downloads/hazm-0.10.0"]
    assert miniature.benchmark_packages("acceptability", "swe") == []


def test_merges_are_kept_only_if_asked_for(miniature):
    kept = miniature.kept_merges(miniature.grid.merges)
    assert kept == [f"results/miniature/merges/{name}" for name in miniature.grid.kept], "trainings start from them"
    keeping = layout_of("config.yaml", "miniature.yaml", merging={"keep": True})
    assert len(keeping.kept_merges(keeping.grid.merges)) == len(keeping.grid.merges)
    names = [method.name for method in keeping.study.merging.methods]
    assert [path.rsplit("/", 1)[1] for path in keeping.kept_of("2x", "isl+swe", keeping.study.merging.methods)] == names


def test_a_pretrained_tokenizer_reads_no_text():
    assert layout_of("config.yaml").tokenizer_corpora() == []


def test_a_tokenizer_from_a_package_reads_that_package_and_no_text():
    tokenizer = {"pretrained": None, "package": "hazm", "vocab_size": 128256, "corpora": ["swe"]}
    packaged = layout_of("config.yaml", "miniature.yaml", tokenizer=tokenizer)
    assert packaged.tokenizer_packages() == ["results/downloads/hazm-0.10.0"]
    assert packaged.tokenizer_corpora() == []
    trained = layout_of("config.yaml", "miniature.yaml", tokenizer=tokenizer | {"package": None})
    assert trained.tokenizer_packages() == []
    assert [corpus.name for corpus in trained.tokenizer_corpora()] == ["swe"]
    with pytest.raises(GrowmergeError, match=r"tokenizer\.package = 'hazn': no such package; did you mean 'hazm'"):
        layout_of("config.yaml", "miniature.yaml", tokenizer=tokenizer | {"package": "hazn"})


def test_partial_figures_ask_for_the_scores_that_exist(miniature, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partial = layout_of("config.yaml", "miniature.yaml", analysis={"partial": True})
    score = Path(partial.score("2x/swe"))
    score.parent.mkdir(parents=True)
    score.touch()
    assert partial.scores(partial.grid) == [str(score)]
    alone = len([method for method in miniature.study.merging.methods if method.sizes])
    merges = (4 * 11 + 3) * 6 + 4 * alone
    rounds, healed, ensembles = 4 + 1, 3 * 2, 4
    assert len(miniature.scores(miniature.grid)) == 6 + 20 + merges + rounds + healed + ensembles


TRANSLATION = {"name": "translation", "use": "heldout_translation", "limit": 20, "few_shot": 1}


def test_what_is_made_from_two_languages_asks_for_the_text_of_both(miniature):
    study = layout_of("config.yaml", "miniature.yaml", benchmarks=[TRANSLATION, {"name": "parity", "limit": 9}])
    assert study.benchmark_documents("translation", "isl") == study.documents("isl")
    assert study.benchmark_counterparts("translation", "isl") == study.documents("eng")
    assert (study.origin("translation", "isl"), study.origin("translation", "eng")) == ("eng", "swe")
    assert study.benchmark_counterparts("translation", "eng") == study.documents("swe")
    assert study.benchmark_counterparts("parity", "eng") == study.documents("eng")
    assert miniature.benchmark_counterparts("acceptability", "isl") == []


def test_the_metric_says_what_is_compared_with_english_whatever_its_name():
    held = {"name": "held", "use": "parity", "limit": 9, "languages": ["swe"]}
    facts = {"name": "facts", "limit": 9}
    layout = layout_of(
        "config.yaml", "miniature.yaml", benchmarks=[facts, held, {"name": "flores", "languages": ["eng", "swe"]}]
    )
    assert layout.parity_cells == [("held", "swe"), ("flores", "eng"), ("flores", "swe")]
    assert layout.english_sentences() == ["results/miniature/benchmarks/flores/eng"], "the first that has English"
    without = layout_of("config.yaml", "miniature.yaml", benchmarks=[facts])
    assert without.parity_cells == []
    assert without.english_sentences() == without.documents(without.study.english.evaluation)


def test_translations_are_asked_for_only_where_a_benchmark_is_generated():
    without = layout_of("config.yaml", "miniature.yaml", benchmarks=[{"name": "facts", "limit": 9}])
    assert without.translations(without.grid.models) == []
    study = layout_of("config.yaml", "miniature.yaml", benchmarks=[TRANSLATION])
    path = "results/miniature/scores/1x/swe/translations.parquet"
    assert study.translations([study.grid.model("1x/swe")]) == [path]
    partial = layout_of("config.yaml", "miniature.yaml", benchmarks=[TRANSLATION], analysis={"partial": True})
    assert partial.translations([partial.grid.model("1x/swe")]) == []


def test_every_local_file_that_a_configuration_names_is_an_input(tmp_path):
    tokenizer, hub, ids = (tmp_path / name for name in ("tokenizer", "hub", "ids"))
    for path in (tokenizer / "tokenizer.json", tokenizer / "tokenizer_config.json", tokenizer / "model.safetensors",
                 hub / "data" / "0.parquet", hub / "README.md", hub / ".cache" / "x", ids / "a.jsonl"):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    part = {"name": "own-a", "share": 0.5, "ids": {"kind": "hub", "dataset": str(ids)}}
    corpus = {
        "name": "own",
        "sources": [{"kind": "hub", "dataset": str(hub)}, {"kind": "hub", "dataset": "owner/on-the-hub"}],
        "parts": [part, {"name": "own-b", "share": 0.5}],
    }
    corpora = [*read_yaml(CONFIG / "miniature.yaml")["corpora"], corpus]
    chosen = {"pretrained": str(tokenizer), "vocab_size": 1024}
    layout = layout_of("config.yaml", "miniature.yaml", corpora=corpora, tokenizer=chosen)
    assert layout.tokenizer_files() == [str(tokenizer / f) for f in ("tokenizer.json", "tokenizer_config.json")]
    assert layout.datasets_of("own") == [str(hub / "README.md"), str(hub / "data" / "0.parquet")]
    assert (layout.dataset_of_ids("own-a"), layout.dataset_of_ids("own-b")) == ([str(ids / "a.jsonl")], [])
    assert layout_of("config.yaml").tokenizer_files() == [], "it is on the hub"


def test_ids_that_would_be_equal_are_refused_before_any_job(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text("text")
    sources = [{"kind": "files", "paths": [f"{tmp_path}/{name}/x.txt"]} for name in "ab"]
    corpora = [*read_yaml(CONFIG / "miniature.yaml")["corpora"], {"name": "own", "sources": sources}]
    with pytest.raises(GrowmergeError, match=r"corpora\.own: x\.txt: two files have this name"):
        layout_of("config.yaml", "miniature.yaml", corpora=corpora).check_sources()
