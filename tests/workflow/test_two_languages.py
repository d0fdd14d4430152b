"""The whole workflow on a two-language grid, for real: completed, edited, extended, with holes and failures.

The tests run in order on one results folder, as a user would go on from one command to the next.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from browser import browser
from report_data import page_data

from growmerge.artifacts import read_manifest, verify
from growmerge.benchmarks.items import read_items
from growmerge.config.load import load_files
from growmerge.data.documents import fold, read_documents
from growmerge.data.tokenizer import load_tokenizer
from growmerge.study.grid import Grid
from workflow.snakemake import LAPTOP, copy_of_the_repository, job_counts, snakemake

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
CONFIGURATION = ["--configfile", "config/miniature.yaml", "two-languages.yaml"]
RUN = [*LAPTOP, *CONFIGURATION]
RESULTS = Path("results/two-languages")
REPORT = RESULTS / "report.html"


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_of_the_repository(tmp_path_factory.mktemp("a clone þ"))
    shutil.copy(Path(__file__).with_name("two-languages.yaml"), folder)
    return folder


@pytest.fixture
def a_copy(clone, tmp_path):
    """The clone with all that was built, with its times: what a test breaks in it, no later test has to build again."""
    return shutil.copytree(clone, tmp_path / "a copy", symlinks=True)


def study(clone):
    return load_files(clone / "config/config.yaml", clone / "config/miniature.yaml", clone / "two-languages.yaml")


def test_everything_is_built(clone):
    snakemake(clone, "all", *RUN)
    grid = Grid(study(clone))
    for model in [*grid.bases, *grid.models, *grid.healed]:
        verify(clone / RESULTS / "models" / model.id)
    for model in grid:
        verify(clone / RESULTS / "scores" / model.id)
    figures = ("baselines", "pairwise", "methods", "compute_matched", "language_vectors", "similarity_and_drop")
    second_study = ("series", "over_training", "sharing", "gap", "tokenizer")
    for figure in (*figures, *second_study):
        for suffix in ("pdf", "png", "svg", "csv", "md"):
            assert (clone / RESULTS / f"figures/{figure}.{suffix}").stat().st_size > 100
    for checkpoint in ("2x/swe@30", "2x/isl@40", "2x/multi@80"):
        verify(clone / RESULTS / "scores" / checkpoint)
    matches = pd.read_csv(clone / RESULTS / "compute_match.csv")
    assert (len(matches), matches["excluded"].sum()) == (9, 6), "scratch costs so much less"
    assert not list((clone / RESULTS / "work").rglob("*.safetensors")), "nothing unfinished is left"
    merges = {
        path.parent.relative_to(clone / RESULTS / "merges") for path in clone.glob(f"{RESULTS}/merges/**/manifest.json")
    }
    assert merges == set(map(Path, grid.kept)), "the other merges lived only until they were scored"


def test_merges_made_for_languages_are_between_base_and_joint_training(clone):
    gap = pd.read_csv(clone / RESULTS / "tables/gap.csv")
    gap = gap[(gap["measure"] == "bits_per_byte") & (gap["setup"] == "1x")].set_index("id")
    assert {"merge", "rounds", "healed", "control", "ensemble", "experts"} == set(gap["kind"])
    whole = gap.loc["1x/isl+swe/tuned_rows"]
    assert whole["share"] == pytest.approx((whole["base"] - whole["value"]) / (whole["base"] - whole["mixed"]))
    assert whole["share"] > gap.loc["1x/isl+swe/linear", "share"]
    scores = pd.read_csv(clone / RESULTS / "tables/scores.csv")
    mean = (
        scores[(scores["measure"] == "bits_per_byte") & scores["language"].isin(["isl", "swe"])]
        .groupby("id")["value"]
        .mean()
    )
    assert mean["1x/isl+swe/tuned_rows"] == pytest.approx(whole["value"])
    assert mean["1x/multi"] == pytest.approx(whole["mixed"])


def test_experts_restart_from_their_merge_and_a_merge_is_trained_on(clone):
    table = pd.read_csv(clone / RESULTS / "tables/trainings.csv").set_index("id")
    for code in ("swe", "isl"):
        rounds = table.loc[[f"1x-rounds-2.1/{code}", f"1x-rounds-2/{code}"], "steps"]
        assert rounds.sum() == table.loc[f"1x/{code}", "steps"] and rounds.max() - rounds.min() <= 1
        started = read_manifest(clone / RESULTS / "models/1x-rounds-2" / code)
        assert str(RESULTS / "merges/1x-rounds-2.1/isl+swe/linear") in started.inputs
        drawn = [
            read_manifest(clone / RESULTS / f"models/{s}/{code}").facts["sequences"]
            for s in ("1x-rounds-2.1", "1x-rounds-2", "1x")
        ]
        assert {corpus: drawn[0].get(corpus, 0) + drawn[1].get(corpus, 0) for corpus in drawn[2]} == drawn[2]
    healed, control = (f"1x/isl+swe/{name}~10" for name in ("linear", "base"))
    assert table.loc[healed, "steps"] == table.loc[control, "steps"] == round(table.loc["1x/multi", "steps"] / 10)
    assert str(RESULTS / "merges/1x/isl+swe/linear") in read_manifest(clone / RESULTS / "models" / healed).inputs
    assert str(RESULTS / "models/base-1x") in read_manifest(clone / RESULTS / "models" / control).inputs
    scored = pd.read_csv(clone / RESULTS / "tables/scores.csv").drop_duplicates("id").set_index("id")
    assert scored.loc[[healed, control, "1x-rounds-2/isl+swe/linear"], "kind"].tolist() == ["healed", "healed", "merge"]
    assert not any("rounds-2.1" in model for model in scored.index), "rounds before the last are not scored"


def test_the_report_shows_figures_captions_and_what_they_show(clone, tmp_path):
    snakemake(clone, "--report", str(tmp_path / "report.html"), *RUN)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Language vectors (a model's weights minus those of its ancestor)" in report
    assert "Cosines over all weights: 1x" in report
    assert "Language models are adapted to Swedish, Icelandic, merged, and scored." in report
    assert "Tables" in report and "tabulate_contrasts" in report
    assert "system-message" not in report


def test_one_page_shows_the_study(clone):
    output = snakemake(clone, "report", *RUN)
    assert "report.html: " in output and "larger than" not in output
    page = (clone / REPORT).read_text(encoding="utf-8")
    data = page_data(page)
    grid, folder = Grid(study(clone)), clone / RESULTS
    assert {model.id for model in grid} <= data["models"].keys()
    for name, manifest in data["manifests"].items():
        artifact = name.removesuffix("/manifest.json").replace(".manifest.json", ".csv")
        assert manifest["digest"] == read_manifest(folder / artifact).digest
    scores = pd.read_csv(folder / "tables/scores.csv").query("subset == 'all'").dropna(subset="value")
    for row in scores.itertuples():
        assert data["models"][row.id]["scores"][row.measure][row.language][0] == pytest.approx(row.value, abs=1e-5)
    for figure in folder.glob("figures/*.csv"):
        assert data["files"][f"figures/{figure.name}"] == figure.read_text(encoding="utf-8")
        assert f'id="figure-{figure.stem}"' in page
    wanted = pd.read_parquet(folder / "scores/2x/swe/items.parquet").query("benchmark == 'facts' and language == 'swe'")
    by_item = wanted.pivot_table(index="item", columns="candidate", values="logprob")
    right = [
        int(by_item.loc[item["id"], 0] > by_item.loc[item["id"]].iloc[1:].max()) for item in data["items"]["facts/swe"]
    ]
    assert data["outcomes"]["2x/swe"]["facts/swe"] == right
    log = (folder / "models/2x/swe/training_log.jsonl").read_text(encoding="utf-8").splitlines()
    assert data["models"]["2x/swe"]["curve"][-1][0] == json.loads(log[-1])["tokens"]
    assert "Pairs of setups that are not compared at equal cost" in page
    assert "snakemake all --configfile two-languages.yaml" in page


def test_the_page_is_found_through_in_a_browser_and_asks_for_nothing(clone, tmp_path):
    with browser(tmp_path) as chromium:
        chromium.open(clone / REPORT, width=1400)
        assert chromium.evaluate("document.images.length") == len(list((clone / RESULTS).glob("figures/*.svg")))
        assert chromium.evaluate("[...document.images].every(image => image.naturalWidth > 100)")

        # From a number of a figure to the manifest of its model: three clicks.
        chromium.click("#figure-baselines .numbers > summary")
        chromium.click("#figure-baselines .numbers tbody td button")
        chromium.wait("document.querySelector('#detail').open")
        model = chromium.evaluate("document.querySelector('#detail-name').textContent")
        chromium.click("#detail .manifest > summary")
        chromium.wait("document.querySelector('#detail .manifest pre') !== null")
        shown = json.loads(chromium.evaluate("document.querySelector('#detail .manifest pre').textContent"))
        assert shown["digest"] == read_manifest(clone / RESULTS / "models" / model).digest
        assert chromium.evaluate("document.querySelectorAll('#detail svg.curve').length") == 1
        chromium.click("#detail form button")
        chromium.wait("!document.querySelector('#detail').open")

        names = "[...document.querySelectorAll('#models tbody th')].map(head => head.textContent)"
        chromium.evaluate("document.querySelector('#models .below button')?.click()")  # show all, if there are many
        everything = chromium.evaluate(names)
        chromium.evaluate("document.querySelector('.filters').method.value = 'ties'")
        chromium.evaluate("document.querySelector('.filters').dispatchEvent(new Event('input'))")
        assert chromium.evaluate(names) == [name for name in everything if name.endswith("/ties")]
        chromium.evaluate("document.querySelector('.filters').reset()")
        chromium.evaluate("document.querySelector('.filters').dispatchEvent(new Event('input'))")
        assert chromium.evaluate(names) == everything

        table = pd.read_csv(clone / RESULTS / "tables/scores.csv")
        table = table.query("measure == 'acceptability' and language == 'eng' and subset == 'all'").dropna(
            subset="value"
        )
        chromium.evaluate("document.querySelector('.filters').language.value = 'eng'")
        for direction, ascending in (("ascending", True), ("descending", False)):
            chromium.click("#models thead th:nth-child(2) button")
            column = (
                "[...document.querySelectorAll('#models tbody td:nth-child(2) button')].map(b => Number(b.textContent))"
            )
            numbers = chromium.evaluate(column)
            assert numbers == pytest.approx(sorted(table["value"], reverse=not ascending), abs=6e-4)
            assert chromium.evaluate("document.querySelector('#models thead th:nth-child(2)').ariaSort") == direction

        for width in (400, 1400):
            chromium.open(clone / REPORT, width=width)
            assert chromium.evaluate("document.documentElement.scrollWidth") <= width, "only tables scroll sideways"
            chromium.evaluate("location.hash = '#/model/2x/swe'")
            chromium.wait("document.querySelector('#detail').open")
            box = "document.querySelector('#detail').getBoundingClientRect()"
            assert 0 <= chromium.evaluate(f"{box}.left") <= chromium.evaluate(f"{box}.right") <= width
        own = {"about:blank", (clone / REPORT).resolve().as_uri()}
        assert {address.partition("#")[0] for address in chromium.requests if not address.startswith("data:")} <= own
        assert chromium.errors == []


def test_no_evaluation_text_is_in_the_training_text(clone):
    """Read back from the token shards themselves: all corpora against every held-out text, by their words."""
    tokenizer, _, _ = load_tokenizer(clone / RESULTS / "tokenizer")
    training = ""
    for shard in (clone / RESULTS / "tokens").glob("*/*"):
        table = pa.ipc.open_file(pa.memory_map(str(shard / "tokens.arrow"))).read_all()
        text = tokenizer.decode(table["tokens"].to_pylist(), skip_special_tokens=False)
        training += " ".join(fold(document) for document in text.split("<|endoftext|>"))
    assert len(training) > 100_000
    heldout = [
        document.text
        for file in (clone / RESULTS / "documents").glob("*/*/heldout.parquet")
        for document in read_documents(file)
    ]
    used = [
        candidate
        for file in (clone / RESULTS / "benchmarks").glob("*/*/items.parquet")
        for item in read_items(file)
        for candidate in (*item.candidates[:1], item.reference)
        if candidate and item.subset in ("word_order", "parity", "translation")
    ]
    assert len(heldout) > 200
    assert set(used) <= set(heldout)
    assert [text for text in heldout if f" {fold(text)} " in training] == []


def test_the_table_of_trainings_shows_that_noise_tells_the_copies_of_a_clone_apart(clone):
    table = pd.read_csv(clone / RESULTS / "tables/trainings.csv")
    assert set(table.id) >= {"seed", "base-2x", "2x/swe", "scratch/multi"}
    assert table.loc[table.width == 2, "block_asymmetry_last"].between(0.1, 1).all()
    assert table.loc[table.width == 1, "block_asymmetry_last"].isna().all()


def test_a_changed_recipe_reruns_its_branch_alone(clone, edit):
    edit("two-languages.yaml", "name: Icelandic, corpus: isl, epochs: 2", "name: Icelandic, corpus: isl, epochs: 3")
    counts = job_counts(snakemake(clone, "-n", *RUN))
    # Icelandic and multi in three setups; the two common models of all languages, and the experts that branch off one;
    # Icelandic in the first round and both in the second; what a merge and the base are trained on with.
    assert counts["adapt_model"] == 3 * 2 + 2 + 2 + 3 + 2
    assert counts["merge_models"] == 3
    assert not counts.keys() & {"train_base", "clone_model", "tokenize_shard", "build_tokenizer", "build_benchmark"}


def test_a_new_language_runs_its_own_cells(clone, edit):
    edit(
        "two-languages.yaml",
        "corpus: isl, epochs: 2}",
        "corpus: isl, epochs: 2}\n  - {code: ekk, name: Estonian, corpus: ekk, epochs: 2}",
    )
    assert job_counts(snakemake(clone, "-n", *RUN)) == {
        "build_documents": 1,
        "tokenize_shard": 1,
        "build_benchmark": 5,
        "list_benchmarks": 1,
        # Estonian, and multi, which is trained on all languages; so are common models, which others branch off. The
        # second of two rounds starts from another merge; another merge is trained on, and its control.
        "adapt_model": 3 * 2 + 2 + 3 + 1 + 3 + 2,
        "merge_models": 3,
        # Three new combinations; pairs of what branched off; one over training. The old combination stays as it is.
        "merge_and_score": 3 * 3 + 3 + 1,
        # By two methods, all languages in each setup; and what these ask for.
        "merge_and_score_alone": 3 * 2,
        "count_tokens": 1,
        "collect_grams": 3,
        "write_tuning_text": 1,
        "tune_coefficients": 3,
        # Every base in Estonian; Estonian and multi; and what is trained again: what is common and what branched off,
        # the last round with its merge, a merge and its control.
        "score_model": 5 + 3 * 2 + 2 + 3 + 3 + 1 + 2,
        "score_ensemble": 2,  # of all three languages, in the two setups
        "score_checkpoint": 1,  # over training; the size of Estonian is not stated, so multi cannot be matched
        "score_reference": 1,
        "score_unigram": 1,
        "match_compute": 1,
        "compare_models": 3,
        "tabulate_comparisons": 1,
        "correlate_similarity": 1,
        "tabulate_scores": 8,
        "tabulate_contrasts": 1,
        "tabulate_contrasts_of_figure": 4,
        "tabulate_gap": 1,
        "tabulate_signal": 1,
        "tabulate_tokenizer": 1,
        "tabulate_benchmarks": 1,
        "tabulate_trainings": 1,
        "tabulate_languages": 1,
        "tabulate_translations": 1,
        "draw_figure": 11,
    }


def test_a_hole_in_the_grid_is_drawn_as_a_hole(a_copy):
    shutil.rmtree(a_copy / RESULTS / "scores/1x/isl+swe/linear")
    figures = [str(RESULTS / f"figures/{name}.pdf") for name in ("pairwise", "similarity_and_drop")]
    output = snakemake(a_copy, *figures, "--config", "analysis={partial: true}", *RUN)
    assert f"Figures: {RESULTS}/figures/\n" in output
    assert "1 without scores, left out as analysis.partial says: 1x/isl+swe/linear\n" in output
    table = pd.read_csv(a_copy / RESULTS / "tables/pairwise.csv")
    assert table[table.id == "1x/isl+swe/linear"].value.isna().all()
    assert table[table.id == "2x/isl+swe/linear"].value.notna().any()
    facts = read_manifest(a_copy / RESULTS / "tables/pairwise.parquet").facts
    assert facts["models_without_scores"] == 1


def test_one_failing_cell_leaves_the_others_and_is_named(a_copy):
    weights = a_copy / RESULTS / "models/scratch/isl/model.safetensors"
    whole = weights.read_bytes()
    for setup in ("1x", "scratch"):
        shutil.rmtree(a_copy / RESULTS / f"scores/{setup}/isl+swe")
    weights.write_bytes(whole[:100])
    output = snakemake(a_copy, "--keep-going", "scores", *RUN, fails=True)
    verify(a_copy / RESULTS / "scores/1x/isl+swe/ties")
    assert "models/scratch/isl/model.safetensors: has 100 bytes" in output
    assert "logs/merges/scratch/isl+swe.log" in output
    weights.write_bytes(whole)
    snakemake(a_copy, "scores", *RUN)
    verify(a_copy / RESULTS / "scores/scratch/isl+swe/ties")


def test_a_new_method_makes_its_own_merges_alone(clone, edit):
    linear = clone / RESULTS / "scores/2x/isl+swe/linear"
    before = pd.read_parquet(linear / "items.parquet")
    edit(
        "two-languages.yaml",
        "merging:\n  methods:",
        "merging:\n  methods:\n    - {name: multislerp, parameters: {weight: 1.0}}",
    )
    assert job_counts(snakemake(clone, "all", "-n", *RUN)) == {
        "merge_and_score": 3 + 1 + 1,
        "tabulate_scores": 6,
        "tabulate_contrasts": 1,
        "tabulate_contrasts_of_figure": 2,  # `methods`; `pairwise`, as one job scores a combination by all methods
        "tabulate_gap": 1,
        "tabulate_languages": 1,
        "tabulate_translations": 1,
        "correlate_similarity": 1,
        "draw_figure": 7,
    }
    output = snakemake(clone, "scores", str(RESULTS / "figures/methods.pdf"), *RUN)
    assert output.count("merging isl+swe by multislerp") == 5, "the others are there"
    assert output.count("merging isl+swe by") == 5
    assert pd.read_parquet(linear / "items.parquet").equals(before)
    verify(clone / RESULTS / "scores/2x/isl+swe/multislerp")
    assert "multislerp" in set(pd.read_csv(clone / RESULTS / "figures/methods.csv")["method"])
