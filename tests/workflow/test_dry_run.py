"""The grids as Snakemake sees them: golden job counts, and errors before any job."""

import re

import pytest
import yaml
from packaging.utils import canonicalize_name

from growmerge.config.load import load_files
from growmerge.study.coverage import coverage_lines
from growmerge.study.gated import gated_line
from growmerge.study.grid import Grid
from workflow.snakemake import LAPTOP, ROOT, copy_of_the_repository, job_counts, snakemake

pytestmark = pytest.mark.workflow


MINIATURE = {
    "download_package": 10,
    "build_documents": 6,
    "build_tokenizer": 1,
    "tokenize_shard": 7,
    "build_benchmark": 15,
    "list_benchmarks": 5,
    "initialise_model": 1,
    "train_base": 3,
    "clone_model": 2,
    "adapt_model": 34,  # 20 as in the paper, 8 in two rounds, 6 that are trained on from merges and the base
    "count_tokens": 4,
    "collect_grams": 16,
    "write_tuning_text": 4,
    "tune_coefficients": 4,
    "merge_models": 4,
    "merge_and_score": 47,
    "merge_and_score_alone": 20,
    "score_model": 37,
    "score_ensemble": 4,
    "score_reference": 1,
    "score_unigram": 1,
    "match_compute": 1,
    "score_checkpoint": 23,
    "compare_models": 4,
    "tabulate_comparisons": 1,
    "tabulate_contrasts": 1,
    "tabulate_contrasts_of_figure": 4,
    "tabulate_benchmarks": 1,
    "tabulate_trainings": 1,
    "tabulate_languages": 1,
    "correlate_similarity": 1,
    "tabulate_gap": 1,
    "tabulate_signal": 1,
    "tabulate_tokenizer": 1,
    "tabulate_scores": 7,
    "draw_figure": 10,
}


METHOD = """
from growmerge.merging.methods import Tensors, merge_method


@merge_method(statistics=["token_counts"])
def by_counts(tensors: Tensors, share: float):
    return tensors.members[0]
"""

PATHS = ("--quiet", "host")  # a profile hides inputs and outputs, and this shows them
TRAINING = {"train_base", "adapt_model", "tokenize_shard", "initialise_model", "tabulate_trainings"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("a clone þ"))


def test_the_miniature(clone):
    assert job_counts(snakemake(clone, "-n", *LAPTOP)) == MINIATURE


def test_facts_and_translation_add_their_benchmarks_and_a_table(clone):
    files = ("config/miniature.yaml", "config/miniature-translation.yaml")
    counts = job_counts(snakemake(clone, "-n", *LAPTOP, "--configfile", *files))
    assert counts == MINIATURE | {"build_benchmark": 25, "tabulate_translations": 1}


def test_the_scores_of_a_setup_need_no_merge_of_another(clone):
    output = snakemake(clone, "-n", "scores_2x", *LAPTOP)
    combinations = 2**4 - 1 - 4
    counts = job_counts(output)
    assert counts["merge_and_score"] == combinations
    assert "score_reference" not in counts
    assert not re.search(r"in setup (?!2x\b)", output)


@pytest.mark.slow
def test_partial_sharing_adds_its_own_cells_to_the_miniature(clone):
    files = ("config/miniature.yaml", "config/miniature-sharing.yaml")
    counts = job_counts(snakemake(clone, "-n", *LAPTOP, "--configfile", *files))
    added = {rule: count - MINIATURE[rule] for rule, count in counts.items() if count != MINIATURE[rule]}
    # For each of three shares a common model, four experts and six pairs; for all of training a common model alone.
    assert added == {
        "adapt_model": 16,
        "score_model": 16,
        "merge_and_score": 18,
        "tabulate_scores": 1,
        "draw_figure": 1,
    }


@pytest.mark.slow
def test_rounds_by_methods_that_ask_for_statistics_make_those_of_every_round(clone):
    (clone / "rounds.yaml").write_text(
        "merging: {rounds: {methods: [tuned_rows, regmean_rows], counts: [3], setups: [1x]}}\n", encoding="utf-8"
    )
    output = snakemake(clone, "-n", *PATHS, *LAPTOP, "--configfile", "config/miniature.yaml", "rounds.yaml")
    for path in (
        "coefficients/1x-rounds-3.1/ekk+fas+isl+swe/tuned_rows",
        "coefficients/1x-rounds-3/ekk+fas+isl+swe/tuned_rows",
        "grams/1x-rounds-3.1/swe",
        "grams/1x-rounds-3-regmean_rows.2/swe",
        "grams/1x-rounds-3-regmean_rows/fas",
    ):
        assert f"results/miniature/statistics/{path}" in output
    added = {rule: count - MINIATURE[rule] for rule, count in job_counts(output).items() if count != MINIATURE[rule]}
    # Instead of two rounds by one method: three by each of two, the first of which they share.
    assert added == {
        "adapt_model": 4 * (1 + 2 + 2) - 4 * 2,
        "merge_models": 2 * 3 - 2,
        "score_model": 2 * (4 + 1) - (4 + 1),
        "tune_coefficients": 3,
        "collect_grams": 4 * 3,
    }


@pytest.mark.slow
def test_a_module_adds_a_merge_method_and_the_statistics_that_it_asks_for(clone):
    (clone / "mine").mkdir()
    (clone / "mine/my_methods.py").write_text(METHOD, encoding="utf-8")
    method = {"name": "by_counts", "parameters": {"share": 0.5}}

    def with_methods(*methods):
        files = ("config/config.yaml", "config/miniature.yaml")
        given = [yaml.safe_load((clone / file).read_text(encoding="utf-8"))["merging"] for file in files]
        chosen = {"modules": ["my_methods.py"], "methods": [*(given[0] | given[1])["methods"], *methods]}
        (clone / "mine/study.yaml").write_text(yaml.safe_dump({"merging": chosen}), encoding="utf-8")
        return ("-n", *LAPTOP, "--configfile", "config/miniature.yaml", "mine/study.yaml")

    assert job_counts(snakemake(clone, *with_methods())) == MINIATURE, "no method of the module is used"
    output = snakemake(clone, *PATHS, *with_methods(method))
    assert job_counts(output) == MINIATURE, "tokens are counted for another method already"
    assert "results/miniature/scores/1x/isl+swe/by_counts/items.parquet" in output
    output = snakemake(clone, *with_methods(method | {"parameters": {"shar": 0.5}}), fails=True)
    assert re.search(
        r"mine/study.yaml: merging.methods.\d+.parameters.shar = 'shar': no such parameter of by_counts; "
        "did you mean 'share'",
        output,
    )


@pytest.mark.slow
def test_the_second_study(clone):
    counts = job_counts(snakemake(clone, "-n", "all", "--configfile", "config/limits-of-merging.yaml"))
    assert counts["adapt_model"] == 11
    assert counts["merge_and_score"] == 45 + 8 + 47, "pairs, the nested series of 3 to 10, and the checkpoints"
    assert counts["score_checkpoint"] == 47
    assert counts["score_model"] == 1 + 11 + 3


@pytest.mark.slow
def test_the_second_study_from_its_published_checkpoints(clone):
    files = ("config/limits-of-merging.yaml", "config/limits-of-merging-published.yaml")
    counts = job_counts(snakemake(clone, "-n", "all", "--configfile", *files))
    assert counts["import_model"] == 1 + 11 + 3
    assert counts["import_checkpoint"] == 47 * 11
    assert not TRAINING & counts.keys()


def test_the_full_grid(clone):
    output = snakemake(clone, "-n", "all")
    assert "Gated, so an account that has accepted the terms is needed (README.md): " in output
    counts = job_counts(output)
    assert counts["adapt_model"] == 18
    assert counts["merge_and_score"] == 3 * 26
    assert counts["train_base"] == 3
    assert counts["clone_model"] == 2
    assert counts["tokenize_shard"] == 8 + 2 * 64 + 32 + 4 + 1 + 16 + 32
    assert counts["build_documents"] == 8 + 64 + 32 + 4 + 1 + 16 + 32 + 6
    assert counts["score_model"] == 6 + 18 + 6
    assert counts["import_model"] == 6, "models of others"
    assert counts["score_checkpoint"] == 15 + 5, "18 pairs of setups and targets, 3 excluded; the last of one training"


@pytest.mark.slow
def test_merges_made_for_languages_on_top_of_the_full_grid(clone):
    counts = job_counts(snakemake(clone, "-n", "all", "--configfile", "config/beyond.yaml"))
    assert counts["adapt_model"] == 18 + 27 + 20, "as in the paper; trained on; in four rounds"
    assert counts["count_tokens"] == 5
    assert counts["collect_grams"] == 3 * 5
    assert counts["score_ensemble"] == 3
    assert counts["tabulate_gap"] == 1


@pytest.mark.slow
def test_the_study_for_one_gpu_and_that_with_text_of_ones_own(clone):
    counts = job_counts(snakemake(clone, "-n", "all", "--configfile", "config/one-gpu.yaml"))
    assert counts["adapt_model"] == 3 * (3 * 6 + 3), "three seeds; three setups; what is trained on"
    assert (counts["train_base"], counts["clone_model"], counts["initialise_model"]) == (9, 3, 3)
    assert counts["merge_and_score"] == 3 * 3 * 26
    assert counts["build_tokenizer"] == 1 and counts["count_tokens"] == 5
    capped = ("--configfile", "config/one-gpu.yaml", "config/one-gpu-capped.yaml")
    counts = job_counts(snakemake(clone, "-n", "all", *capped))
    assert (counts["adapt_model"], counts["merge_and_score"]) == (3 * 6 + 3, 3 * 26), "one seed of the whole grid"
    for name in ("ces/a", "slk/a", "try/ces", "try/slk"):
        file = clone / "texts" / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(('{"text": "' + "ahoj " * 100 + '"}\n') * 3000, encoding="utf-8")
    own = ("--configfile", "config/one-gpu.yaml", "config/one-gpu-own.yaml")
    counts = job_counts(snakemake(clone, "-n", "all", *own))
    assert counts["adapt_model"] == 3 * (3 * 3 + 3)
    counts = job_counts(snakemake(clone, "-n", "all", *own, "config/one-gpu-try.yaml"))
    assert counts["adapt_model"] == 3 * 3 + 3, "one seed of it"


@pytest.mark.slow
def test_the_published_checkpoints_need_no_training(clone):
    counts = job_counts(snakemake(clone, "-n", "all", "--configfile", "config/published.yaml"))
    assert counts["import_model"] == 3 + 18 + 6
    assert counts["clone_model"] == 1, "what 1x_cloned starts from"
    assert counts["score_model"] == 4 + 18 + 6
    assert counts["merge_and_score"] == 3 * 26
    assert not TRAINING & counts.keys()


@pytest.mark.parametrize("arguments", [[], LAPTOP[:2]])
def test_a_plan_needs_no_data(clone, arguments):
    snakemake(clone, "plan", *arguments)
    study = "miniature" if arguments else "grow-up-and-merge"
    lines = (clone / f"results/{study}/plan.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,kind,setup,target,method,parameters,tokens,flops,gpu_hours,disk_bytes"
    merges = sum(line.split(",")[1] == "merge" for line in lines)
    assert merges == (304 if arguments else 390)
    assert "## Trainings" in (clone / f"results/{study}/plan.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_full_grid_with_kept_merges_declares_390(clone):
    counts = job_counts(snakemake(clone, "-n", "all", "--config", "merging={keep: true}"))
    assert counts["merge_models"] == 390


def test_a_figure_asks_for_what_it_shows(clone):
    baselines = job_counts(snakemake(clone, "-n", *LAPTOP, "results/miniature/figures/baselines.pdf"))
    pairwise = job_counts(snakemake(clone, "-n", *LAPTOP, "results/miniature/figures/pairwise.pdf"))
    assert "merge_and_score" not in baselines
    assert baselines["adapt_model"] == 20
    assert pairwise["merge_and_score"] == 4 * 6, "pairs alone"
    assert pairwise["adapt_model"] == 16, "no multilingual model"
    assert pairwise["draw_figure"] == 1


def test_a_model_or_merge_is_a_target(clone):
    counts = job_counts(snakemake(clone, "-n", *LAPTOP, "results/miniature/merges/2x/isl+swe/ties"))
    assert (counts["merge_models"], counts["adapt_model"], counts["train_base"]) == (1, 2, 2)


@pytest.mark.slow
def test_the_catalog_finds_the_same_workflow(clone):
    same = snakemake(clone, "-n", *LAPTOP, "--snakefile", "workflow/Snakefile")
    assert job_counts(same)["merge_and_score"] == 47


def test_a_bad_configuration_is_one_line_before_any_job(clone):
    (clone / "mine.yaml").write_text("training: {learning_rat: 0.1}\n", encoding="utf-8")
    output = snakemake(clone, "-n", "--configfile", "mine.yaml", fails=True)
    assert "mine.yaml: training.learning_rat = 0.1: unknown key; did you mean 'learning_rate'?" in output
    assert "Traceback" not in output


def test_an_error_in_an_overlay_is_not_blamed_on_the_file_below(clone):
    (clone / "mine.yaml").write_text("training: {learning_rate: fast}\n", encoding="utf-8")
    output = snakemake(clone, "-n", "--configfile", "config/miniature.yaml", "mine.yaml", fails=True)
    assert "mine.yaml: training.learning_rate = 'fast': Input should be a valid number" in output
    output = snakemake(clone, "-n", "--config", "seed=-1", fails=True)
    assert "seed = -1" in output


def test_a_source_that_is_not_there_is_said_before_any_job(clone):
    text = (clone / "config/miniature.yaml").read_text(encoding="utf-8")
    start = text.index("  - name: code")
    end = text.index("  - name: eng")
    source = '  - {name: code, sources: [{kind: files, paths: ["absent/*.txt"]}]}\n'
    (clone / "mine.yaml").write_text(text[:start] + source + text[end:], encoding="utf-8")
    output = snakemake(clone, "-n", "--configfile", "mine.yaml", fails=True)
    assert "mine.yaml: corpora.0.sources.0.paths.0 = 'absent/*.txt': no such file" in output


def test_a_merge_of_a_language_that_is_not_there_is_no_target(clone):
    output = snakemake(clone, "-n", *LAPTOP, "results/miniature/merges/2x/deu+swe/ties", fails=True)
    assert "MissingRuleException" in output
    wrong = "'results/miniature/merges/2x/deu+swe/ties': no rule makes it"
    assert f"{wrong}; did you mean 'results/miniature/merges/2x/ekk+swe/ties'?" in output


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("figures/baseline.pdf", "results/miniature/figures/baselines.pdf"),
        ("results/miniature/merges/2x/swe+isl/tiess", "results/miniature/merges/2x/isl+swe/ties"),
        ("figuers", "figures"),
    ],
)
def test_a_target_that_is_not_there_is_one_line_with_the_nearest(clone, asked, meant):
    output = snakemake(clone, "-n", *LAPTOP, asked, fails=True)
    assert f"'{asked}': no rule makes it; did you mean '{meant}'?" in output
    assert "Traceback" not in output


def test_every_rule_says_what_it_makes(clone):
    grid = Grid(load_files(clone / "config/config.yaml"))
    said = {*coverage_lines(grid), gated_line(grid)}
    listed = [line for line in snakemake(clone, "--list").splitlines()[1:] if line not in said]
    assert len(listed) > 40
    assert [line for line in listed if not re.fullmatch(r"\w+ \([A-Z].+[.]\)", line)] == []


@pytest.mark.slow
def test_a_strict_plan_fails_if_the_time_does_not_suffice(clone):
    fits = "plan={strict: true, gpus: 4, hours: 1}"
    assert "## Time on 4 GPUs" in snakemake(clone, "plan", *LAPTOP, "--config", fits)
    output = snakemake(clone, "plan", *LAPTOP, "--config", "plan={strict: true, hours: 1e-9}", fails=True)
    assert "hours on 8 GPUs, more than plan.hours = 1e-09" in output


def test_a_dry_run_lists_no_missing_inputs(clone):
    output = snakemake(clone, "-n", *LAPTOP, "results/miniature/figures/pairwise.pdf")
    assert "Reasons:\n    (check individual jobs above for details)\n    " in output, "the summary stays"
    assert "Reason: Missing output files" not in output
    assert "Reason: Missing output files" in snakemake(
        clone, "-n", *LAPTOP, "results/miniature/figures/pairwise.pdf", "--quiet", "host"
    )


def test_on_a_laptop_every_job_has_one_thread():
    """The miniature relies on it: as many jobs at once as there are cores, not one after the other."""
    # As the Snakefile includes them: a rule goes by one that stands before it.
    files = re.findall(r'^include: "(.+)"$', (ROOT / "Snakefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = "".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    # Of each rule its name, the name of the rule that it goes by (`use rule ... as`), and what it says itself.
    _, *parts = re.split(r"^(?:use )?rule (\w+)(?: as (\w+) with)?:\n", text, flags=re.MULTILINE)
    threads = {}
    for name, alias, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        own = re.search(r"^    threads: (.+)$", body, re.MULTILINE)
        threads[alias or name] = own[1] if own else threads[name] if alias else "1"
    assert threads.keys() >= MINIATURE.keys(), "rules that were not found"
    profile = yaml.safe_load((ROOT / "laptop/config.yaml").read_text(encoding="utf-8"))
    assert set(profile["set-threads"]) == {f"{rule}=1" for rule, number in threads.items() if number != "1"}


def test_conda_environments_hold_the_locked_versions():
    text = (ROOT / "requirements.lock").read_text() + (ROOT / "requirements-torch.lock").read_text()
    lock = dict(re.findall(r"^([\w.-]+)==(\S+)", text, flags=re.MULTILINE))
    for file in sorted((ROOT / "envs").glob("*.yaml")):
        pins = yaml.safe_load(file.read_text())["dependencies"][-1]["pip"]
        assert pins
        for pin in pins:
            name, version = pin.split("==")
            assert lock[canonicalize_name(name)] == version, f"{file.name}: {pin}"


def test_every_locked_file_has_a_hash():
    """But those of torch: its builds for CPUs and for CUDA are of one version."""
    requirements = (ROOT / "requirements.lock").read_text().replace("\\\n", "").splitlines()
    requirements = [line for line in requirements if not line.startswith("#")]
    assert len(requirements) > 100
    for requirement in requirements:
        assert re.fullmatch(r"[\w.-]+==\S+( +--hash=sha256:[0-9a-f]{64})+", requirement)
    assert not any(requirement.startswith("torch==") for requirement in requirements)
