"""`snakemake --profile slurm` on a real Slurm, unattended, while everything goes wrong that does on a cluster.

The tests run in order on one results folder. Nothing here depends on how fast a training is: the ones that are to be
disturbed are stopped (SIGSTOP) as soon as they have saved a state.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from workflow.snakemake import LAPTOP, command, copy_of_the_repository, job_counts, snakemake

from growmerge.artifacts import sha256_file, verify
from slurm.cluster import Cluster, kill, wait_for, why_not

pytestmark = pytest.mark.workflow
HERE = Path(__file__).parent
CONFIGURATION = ["--configfile", "config/miniature.yaml", "two-languages.yaml", "one-setup.yaml"]
SLURM = ["--profile", "slurm", "--nocolor", *CONFIGURATION]
RESULTS = Path("results/on-slurm")
ADAPTED = ("1x/swe", "1x/isl", "1x/multi")
MINUTES = 60  # seconds in one


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    if reason := why_not():
        (pytest.fail if os.environ.get("GROWMERGE_SLURM") == "required" else pytest.skip)(reason)
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def clone(cluster, tmp_path_factory):
    """A copy of the repository whose profile knows the cluster, with text that was tokenized without Slurm."""
    folder = copy_of_the_repository(tmp_path_factory.mktemp("clone"))
    for file in (HERE.parent / "workflow/two-languages.yaml", HERE / "one-setup.yaml"):
        shutil.copy(file, folder)
    shutil.copy(HERE / "partitions.yaml", folder / "slurm")
    profile = yaml.safe_load((folder / "slurm/config.yaml").read_text())
    profile["resources"][0] = "gpu=2"
    profile["slurm-status-command"] = "squeue"
    profile["set-threads"] = [f"{rule}=1" for rule in ("train_base", "adapt_model", "merge_and_score", "score_model")]
    profile["set-resources"]["train_base"] = {"runtime": "5 * attempt", "slurm_extra": "'--signal=TERM@60'"}
    profile["set-resources"]["adapt_model"] = {"runtime": "5 * attempt"}
    (folder / "slurm/config.yaml").write_text(yaml.safe_dump(profile))
    shards = [f"{RESULTS}/tokens/{part}/1-of-1" for part in ("code", "eng80", "swe", "isl")]
    snakemake(folder, *shards, *LAPTOP, *CONFIGURATION)
    return folder


@pytest.fixture(scope="module")
def undisturbed(clone, tmp_path_factory):
    """The same trainings without Slurm, in another folder, meanwhile: most of the time Slurm is waited for."""
    folder = shutil.copytree(clone, tmp_path_factory.mktemp("undisturbed"), dirs_exist_ok=True)
    arguments = command("models", "--cores", "1", "--profile", "laptop", *CONFIGURATION)
    with (folder / "log").open("w") as log, subprocess.Popen(arguments, cwd=folder, stdout=log, stderr=log) as process:
        yield folder, process
        process.kill()


@contextmanager
def controller(clone, target, log):
    """`snakemake --profile slurm`, running."""
    with (clone / log).open("w") as out:
        process = subprocess.Popen(
            [sys.executable, HERE / "controller.py", target, *SLURM], cwd=clone, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def finish(process, clone, log):
    """Wait for a controller's end, which must be a good one."""
    wait_for(lambda: process.poll() is not None, f"{log} to end", 10 * MINUTES)
    assert process.returncode == 0, (clone / log).read_text()[-6000:]


def freeze_when_saved(clone, cluster, rules):
    """Stop the training of each model as soon as it has saved a state; returns the models' jobs.

    It goes on when Slurm signals it: SIGTERM brings a SIGCONT.
    """
    frozen = {}

    def freeze():
        for model, rule in rules.items():
            if model not in frozen and any((clone / RESULTS / "work" / model).glob("*/state-*/manifest.json")):
                (job,) = cluster.jobs_of(rule)
                kill(cluster.processes(job["JobId"], "train_model.py"), signal.SIGSTOP)
                frozen[model] = job
        return len(frozen) == len(rules)

    wait_for(freeze, "trainings to save a state", 3 * MINUTES, every=0.02)
    return frozen


def end_in(seconds, job):
    """Bring a job's time limit forward. Slurm looks at the limits every 30 seconds."""
    subprocess.run(["scontrol", "update", f"JobId={job['JobId']}", f"EndTime=now+{seconds}"], check=True)


def rule_of(model):
    return f"adapt_model {model.replace('/', '_')}"


def resumed(clone, model):
    return "resuming after step" in (clone / RESULTS / f"logs/models/{model}.log").read_text()


def test_a_training_outlives_its_controller_is_not_started_twice_and_resumes_after_the_warning(
    cluster, clone, undisturbed
):
    """Killed with -9, Snakemake leaves a training behind. It is warned of its time limit, saves its state and ends."""
    target = f"{RESULTS}/models/seed"
    with controller(clone, target, "left.log"):
        job = freeze_when_saved(clone, cluster, {"seed": "train_base seed"})["seed"]
    snakemake(clone, "--unlock", *SLURM)
    refused = snakemake(clone, target, *SLURM, fails=True)
    assert (
        f"(Slurm's job {job['JobId']}). Wait until they have ended, or end them (`scancel {job['JobId']}`)" in refused
    )
    end_in(60, job)
    wait_for(lambda: cluster.jobs_of("train_base seed")[0]["JobState"] != "RUNNING", "the warning", MINUTES)
    with controller(clone, target, "warned.log") as process:
        finish(process, clone, "warned.log")
    first, last = cluster.jobs_of("train_base seed")
    assert first["JobState"] == "FAILED", "not TIMEOUT: it ended by itself"
    assert "interrupted by SIGTERM" in Path(first["StdOut"]).read_text()
    assert last["JobState"] == "COMPLETED"
    assert resumed(clone, "seed")


@pytest.fixture(scope="module")
def night(cluster, clone):
    """One run: a training is cancelled, one hangs, one loses its node, a script is edited. Says which is which."""
    with controller(clone, "models", "night.log") as process:
        jobs = freeze_when_saved(clone, cluster, {model: rule_of(model) for model in ADAPTED})
        nodes = [job["NodeList"] for job in jobs.values()]
        lost = next(model for model in ADAPTED if nodes.count(jobs[model]["NodeList"]) == 1)
        cancelled, hung = (model for model in ADAPTED if model != lost)
        script = clone / "workflow/scripts/train_model.py"
        script.write_text(script.read_text() + "\n# edited while jobs run\n")
        end_in(1, jobs[hung])
        subprocess.run(["scancel", jobs[cancelled]["JobId"]], check=True)
        cluster.kill_node(jobs[lost]["NodeList"])
        wait_for(lambda: cluster.jobs_of(rule_of(lost))[0]["JobState"] == "PENDING", "Slurm to miss it", 3 * MINUTES)
        cluster.start_node(jobs[lost]["NodeList"])
        # Slurm waits two minutes before it starts a requeued job.
        subprocess.run(["scontrol", "update", f"JobId={jobs[lost]['JobId']}", "StartTime=now"], check=True)
        finish(process, clone, "night.log")
    return {"cancelled": cancelled, "hung": hung, "lost": lost, "limit": jobs[hung]["TimeLimit"]}


def test_a_cancelled_training_is_submitted_again_and_resumes(cluster, clone, night):
    states = [job["JobState"] for job in cluster.jobs_of(rule_of(night["cancelled"]))]
    assert (states[0], states[-1]) == ("CANCELLED", "COMPLETED")
    assert resumed(clone, night["cancelled"])


def test_a_training_over_its_time_limit_gets_a_longer_one_and_resumes(cluster, clone, night):
    first, *_, last = cluster.jobs_of(rule_of(night["hung"]))
    assert first["JobState"] == "TIMEOUT"
    assert last["JobState"] == "COMPLETED"
    assert last["TimeLimit"] > night["limit"] == "00:05:00"
    assert resumed(clone, night["hung"])


def test_a_lost_node_is_survived(cluster, clone, night):
    jobs = cluster.jobs_of(rule_of(night["lost"]))
    assert int(jobs[0]["Restarts"]) >= 1, "Slurm itself requeued it"
    assert jobs[-1]["JobState"] == "COMPLETED"
    assert resumed(clone, night["lost"])


def test_an_edited_script_rebuilt_nothing_that_was_there(cluster, clone, night):
    assert len(cluster.jobs_of("initialise_model init")) == 1
    assert cluster.jobs_of("train_base seed")[-1]["EndTime"] < cluster.jobs_of(rule_of(night["hung"]))[0]["StartTime"]
    assert "Nothing to be done" in snakemake(clone, "models", *SLURM)


def test_a_controller_killed_with_9_is_replaced_and_nothing_is_done_twice(cluster, clone, night):
    def states(*wanted):
        return [job for job in cluster.jobs() if job["JobState"] in wanted]

    with controller(clone, "all", "killed.log"):
        wait_for(lambda: (clone / RESULTS / "scores/init/items.parquet").exists(), "the first scores", 5 * MINUTES)
    wait_for(lambda: not states("PENDING", "RUNNING"), "the jobs of the killed controller to end", 5 * MINUTES)
    assert "--unlock" in snakemake(clone, "all", *SLURM, fails=True)
    snakemake(clone, "--unlock", *SLURM)
    with controller(clone, "all", "replaced.log") as process:
        finish(process, clone, "replaced.log")
    ran = [job["rule"] for job in cluster.jobs() if not job["rule"].startswith(("train_base", "adapt_model"))]
    assert sorted(ran) == [
        "benchmarks_build_benchmark",
        "compare_models 1x",
        "initialise_model init",
        "merge_and_score 1x_isl+swe",
        *(f"score_model {model}" for model in ("1x_isl", "1x_multi", "1x_swe", "init", "seed")),
    ]
    assert job_counts(snakemake(clone, "-n", "all", *SLURM)) == {}
    verify(clone / RESULTS / "figures/baselines.png")


def test_only_what_asks_for_a_gpu_gets_one(cluster, night):
    seen = cluster.gpus_seen()
    # Not of jobs that failed: one that Slurm requeues while it loses a node can start without its GPU.
    completed = [job for job in cluster.jobs() if job["JobState"] == "COMPLETED"]
    with_gpu = {job["rule"].split()[0]: job for job in completed if seen[job["JobId"]]}
    without = {job["rule"].split()[0]: job for job in completed if not seen[job["JobId"]]}
    assert with_gpu.keys() == {"train_base", "adapt_model", "compare_models", "merge_and_score", "score_model"}
    assert without.keys() == {"initialise_model", "benchmarks_build_benchmark"}
    assert {len(seen[job["JobId"]].split(",")) for job in with_gpu.values()} == {1}
    assert {job["Partition"] for job in with_gpu.values()} == {"gpu"}
    assert {job["Partition"] for job in without.values()} == {"cpu"}


def test_trainings_that_were_interrupted_end_with_the_bits_of_those_that_were_not(clone, night, undisturbed):
    other, process = undisturbed
    assert process.wait() == 0, (other / "log").read_text()[-6000:]
    for model in ("seed", *ADAPTED):
        assert not resumed(other, model)
        weights = [sha256_file(folder / RESULTS / "models" / model / "model.safetensors") for folder in (clone, other)]
        assert weights[0] == weights[1], model
