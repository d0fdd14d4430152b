"""The whole workflow on a two-language grid, for real: killed, resumed, completed, verified, edited, extended.

The tests run in order on one results folder, as a user would go on from one command to the next.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from growmerge.artifacts import read_manifest, sha256_file, verify
from growmerge.benchmarks.items import read_items
from growmerge.config.load import load_files
from growmerge.data.documents import fold, read_documents
from growmerge.data.tokenizer import load_tokenizer
from growmerge.study.grid import Grid
from growmerge.tables.statistics import FEWEST_ITEMS
from workflow.snakemake import LAPTOP, command, copy_of_the_repository, job_counts, snakemake

pytestmark = pytest.mark.workflow
CONFIGURATION = ["--configfile", "config/miniature.yaml", "two-languages.yaml"]
RUN = [*LAPTOP, *CONFIGURATION]
RESULTS = Path("results/two-languages")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_of_the_repository(tmp_path_factory.mktemp("a clone þ"))
    shutil.copy(Path(__file__).with_name("two-languages.yaml"), folder)
    return folder


@pytest.fixture
def edit(clone):
    """Edits a file of the clone for the time of a test."""
    originals = {}

    def apply(name, old, new):
        path = clone / name
        originals.setdefault(path, path.read_text(encoding="utf-8"))
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    yield apply
    for path, text in originals.items():
        path.write_text(text, encoding="utf-8")


def study(clone):
    return load_files(clone / "config/config.yaml", clone / "config/miniature.yaml", clone / "two-languages.yaml")


def test_killed_with_9_in_training_it_goes_on_from_the_last_state(clone):
    target = str(RESULTS / "models/scratch/swe")
    process = subprocess.Popen(command(target, *RUN), cwd=clone, start_new_session=True, stderr=subprocess.DEVNULL)
    work = clone / RESULTS / "work/scratch/swe"
    while not any(work.glob("*/state-*")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (clone / target / "manifest.json").exists()

    refused = snakemake(clone, target, *RUN, fails=True)
    assert "--unlock" in refused, "a stale lock says how to recover"
    snakemake(clone, "--unlock", *RUN)
    output = snakemake(clone, target, *RUN)
    assert "resuming after step" in output
    assert "tokens/s" in output, "a training says how it goes"

    resumed = sha256_file(clone / target / "model.safetensors")
    shutil.rmtree(clone / target)
    assert "resuming" not in snakemake(clone, target, *RUN)
    assert sha256_file(clone / target / "model.safetensors") == resumed


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
        for suffix in ("pdf", "png", "csv", "md"):
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
    assert "system-message" not in report


def test_nothing_is_written_outside_of_results(clone):
    shipped = {path.name for path in copy_of_the_repository(clone.parent / "again").iterdir()}
    assert {path.name for path in clone.iterdir()} - shipped == {"results", ".snakemake", "two-languages.yaml"}


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


def test_scores_are_those_of_a_direct_computation(clone):
    """One number of the table, from the checkpoint by stock transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = clone / RESULTS / "models/2x/multi"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    items = read_items(clone / RESULTS / "benchmarks/acceptability/isl/items.parquet")

    def logprob(text):
        ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            logs = model(ids).logits.log_softmax(-1)
        return logs[0, :-1].gather(1, ids[0, 1:, None]).sum().item()

    accuracy = sum(logprob(i.candidates[0]) > logprob(i.candidates[1]) for i in items) / len(items)
    table = pd.read_csv(clone / RESULTS / "tables/scores.csv")
    rows = table.query("id == '2x/multi' and measure == 'acceptability' and subset == 'all'")
    row = rows[rows.language == "isl"]
    assert row.value.item() == pytest.approx(accuracy)
    assert row.n.item() == len(items)
    assert row.low.item() <= row.value.item() <= row.high.item()
    few = rows[rows.language == "swe"]
    assert few.n.item() < FEWEST_ITEMS <= row.n.item()
    assert few.low.isna().item() and few.high.isna().item()


def test_clones_score_like_their_source(clone):
    table = pd.read_csv(clone / RESULTS / "tables/scores.csv").query("subset == 'all'")
    seed, clones = (table[table.id == name].value.to_numpy() for name in ("seed", "seed-x2"))
    assert clones == pytest.approx(seed, abs=0.07)


def test_the_table_of_trainings_shows_that_noise_tells_the_copies_of_a_clone_apart(clone):
    table = pd.read_csv(clone / RESULTS / "tables/trainings.csv")
    assert set(table.id) >= {"seed", "base-2x", "2x/swe", "scratch/multi"}
    assert table.loc[table.width == 2, "block_asymmetry_last"].between(0.1, 1).all()
    assert table.loc[table.width == 1, "block_asymmetry_last"].isna().all()


def test_information_parity_of_the_reference_in_english_is_one(clone):
    table = pd.read_csv(clone / RESULTS / "tables/scores.csv")
    row = table.query("id == 'base-2x' and measure == 'parity' and language == 'eng'")
    assert row.value.item() == pytest.approx(1)


def test_a_second_run_has_nothing_to_do(clone):
    assert "Nothing to be done" in snakemake(clone, "all", *RUN)


def test_verify_finds_what_is_damaged(clone):
    assert "artifacts agree with their manifests" in snakemake(clone, "verify", *RUN)
    weights = clone / RESULTS / "models/2x/isl/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        output = snakemake(clone, "verify", *RUN, fails=True)
    finally:
        weights.write_bytes(whole)
    assert "models/2x/isl/model.safetensors: its bytes differ" in output


def test_a_plot_parameter_redraws_and_nothing_else(clone, edit):
    edit("two-languages.yaml", "bootstrap_resamples: 200", "bootstrap_resamples: 200\n  dpi: 90")
    assert job_counts(snakemake(clone, "-n", *RUN)) == {"draw_figure": 11}


def test_a_comment_or_an_edited_script_runs_nothing(clone, edit):
    edit("workflow/scripts/train_model.py", "from pathlib import Path", "from pathlib import Path  # edited")
    edit("workflow/rules/adapt.smk", "# Adaptation", "# An edited comment. Adaptation")
    edit("two-languages.yaml", "study:", "# a comment\nstudy:")
    assert job_counts(snakemake(clone, "-n", *RUN)) == {}
    assert job_counts(snakemake(clone, "-n", "--nocolor", *CONFIGURATION)) == {}, "nor without a profile"


def test_how_often_to_log_and_the_micro_batch_retrain_nothing(clone, edit):
    edit("two-languages.yaml", "  state_every: 5", "  state_every: 7\n  log_every: 3\n  micro_batch_sequences: 2")
    assert job_counts(snakemake(clone, "-n", *RUN)) == {}


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
        "match_compute": 1,
        "compare_models": 3,
        "tabulate_comparisons": 1,
        "correlate_similarity": 1,
        "tabulate_scores": 8,
        "tabulate_contrasts": 1,
        "tabulate_gap": 1,
        "tabulate_tokenizer": 1,
        "tabulate_benchmarks": 1,
        "tabulate_trainings": 1,
        "tabulate_languages": 1,
        "tabulate_translations": 1,
        "draw_figure": 11,
    }


def test_a_hole_in_the_grid_is_drawn_as_a_hole(clone):
    shutil.rmtree(clone / RESULTS / "scores/1x/isl+swe/linear")
    figures = [str(RESULTS / f"figures/{name}.pdf") for name in ("pairwise", "similarity_and_drop")]
    output = snakemake(clone, *figures, "--config", "analysis={partial: true}", *RUN)
    assert f"Figures: {RESULTS}/figures/\n" in output
    assert "1 without scores, left out as analysis.partial says: 1x/isl+swe/linear\n" in output
    table = pd.read_csv(clone / RESULTS / "tables/pairwise.csv")
    assert table[table.id == "1x/isl+swe/linear"].value.isna().all()
    assert table[table.id == "2x/isl+swe/linear"].value.notna().any()
    facts = read_manifest(clone / RESULTS / "tables/pairwise.parquet").facts
    assert facts["models_without_scores"] == 1


def test_one_merge_is_built_by_its_path(clone):
    path = RESULTS / "merges/2x/isl+swe/ties"
    snakemake(clone, str(path), *RUN)
    merged = verify(clone / path)
    scored = read_manifest(clone / RESULTS / "scores/2x/isl+swe/ties")
    assert set(merged.inputs) < set(scored.inputs), "the scores of a merge that is gone name its members, too"
    assert scored.config == merged.config
    assert set(merged.inputs) == {str(RESULTS / f"models/{m}") for m in ("2x/isl", "2x/swe", "base-2x")}
    weights = sha256_file(clone / path / "model.safetensors")
    shutil.rmtree(clone / path)
    snakemake(clone, str(path), *RUN)
    assert sha256_file(clone / path / "model.safetensors") == weights


def test_one_failing_cell_leaves_the_others_and_is_named(clone):
    weights = clone / RESULTS / "models/scratch/isl/model.safetensors"
    whole = weights.read_bytes()
    for setup in ("1x", "scratch"):
        shutil.rmtree(clone / RESULTS / f"scores/{setup}/isl+swe")
    weights.write_bytes(whole[:100])
    output = snakemake(clone, "--keep-going", "scores", *RUN, fails=True)
    weights.write_bytes(whole)
    verify(clone / RESULTS / "scores/1x/isl+swe/ties")
    assert "models/scratch/isl/model.safetensors: has 100 bytes" in output
    assert "logs/merges/scratch/isl+swe.log" in output
    snakemake(clone, "all", *RUN)


def test_moved_results_are_not_built_again(clone, tmp_path):
    shutil.copytree(clone, tmp_path / "elsewhere", symlinks=True)
    assert job_counts(snakemake(tmp_path / "elsewhere", "-n", *RUN)) == {}


def test_a_new_method_makes_its_own_merges_alone(clone, edit):
    linear = clone / RESULTS / "scores/2x/isl+swe/linear"
    before = pd.read_parquet(linear / "items.parquet")
    edit(
        "two-languages.yaml",
        "merging:\n  methods:",
        "merging:\n  methods:\n    - {name: multislerp, parameters: {weight: 1.0}}",
    )
    output = snakemake(clone, *RUN)
    assert job_counts(output) == {
        "merge_and_score": 3 + 1 + 1,
        "tabulate_scores": 6,
        "tabulate_contrasts": 1,
        "tabulate_gap": 1,
        "tabulate_languages": 1,
        "tabulate_translations": 1,
        "correlate_similarity": 1,
        "draw_figure": 7,
    }
    assert output.count("merging isl+swe by multislerp") == 5, "the others are there"
    assert output.count("merging isl+swe by") == 5
    assert pd.read_parquet(linear / "items.parquet").equals(before)
    verify(clone / RESULTS / "scores/2x/isl+swe/multislerp")
