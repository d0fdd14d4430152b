"""`snakemake --profile slurm` on a real Slurm, unattended, while everything goes wrong that does on a cluster.

The tests run in order on one results folder. Nothing here depends on how fast a training is: the ones that are to be
disturbed are stopped (SIGSTOP) as soon as they have saved a state.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from workflow.snakemake import LAPTOP, command, copy_of_the_repository, job_counts, snakemake

from growmerge.artifacts import sha256_file, verify
from slurm.cluster import Cluster, kill, why_not

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
HERE = Path(__file__).parent
CONFIGURATION = ["--configfile", "config/miniature.yaml", "two-languages.yaml", "one-setup.yaml"]
SLURM = ["--profile", "slurm", "--nocolor", *CONFIGURATION]
RESULTS = Path("results/on-slurm")
ADAPTED = ("1x/swe", "1x/isl", "1x/multi")
# One job of every kind: each costs seconds of Slurm and of a Snakemake of its own. `all` has more tables and figures.
SCORES = ("scores", f"{RESULTS}/comparisons/1x.parquet", f"{RESULTS}/figures/baselines.pdf")
LONG = 600  # seconds, for a machine that is busy: a daemon that dies ends a wait at once


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
def controller(clone, log, *targets):
    """`snakemake --profile slurm`, running."""
    arguments = [sys.executable, HERE / "controller.py", *targets, *SLURM]
    with (clone / log).open("w") as out:
        process = subprocess.Popen(arguments, cwd=clone, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def finish(process, cluster, clone, log):
    """Wait for a controller's end, which must be a good one."""
    cluster.wait_for(lambda: process.poll() is not None, f"{log} to end", LONG)
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

    cluster.wait_for(freeze, "trainings to save a state", LONG, every=0.02)
    return frozen


def end_in(seconds, job):
    """Bring a job's time limit forward. Slurm looks at the limits every 30 seconds."""
    update(f"JobId={job['JobId']}", f"EndTime=now+{seconds}")


def update(*what):
    """Change a job or a partition."""
    subprocess.run(["scontrol", "update", *what], check=True)


def stopped(cluster, rule, script):
    """Stop (SIGSTOP) a script of the rule's last job as soon as it runs; returns the job, and the stopped processes.

    Before that, the job still needs the controller: without one, its step cannot start, and the job fails.
    """
    processes = []

    def stop():
        jobs = cluster.jobs_of(rule)
        if jobs and jobs[-1]["JobState"] == "RUNNING":
            processes[:] = cluster.processes(jobs[-1]["JobId"], script)
            kill(processes, signal.SIGSTOP)
        return processes

    cluster.wait_for(stop, f"{rule} to run", LONG, every=0.05)
    return cluster.jobs_of(rule)[-1], processes


def rule_of(model):
    return f"adapt_model {model.replace('/', '_')}"


def resumed(clone, model):
    return "resuming after step" in (clone / RESULTS / f"logs/models/{model}.log").read_text()


def test_a_training_outlives_its_controller_is_not_started_twice_and_resumes_after_the_warning(
    cluster, clone, undisturbed
):
    """Killed with -9, Snakemake leaves a training behind. It is warned of its time limit, saves its state and ends."""
    target = f"{RESULTS}/models/seed"
    with controller(clone, "left.log", target):
        job = freeze_when_saved(clone, cluster, {"seed": "train_base seed"})["seed"]
    snakemake(clone, "--unlock", *SLURM)
    refused = snakemake(clone, target, *SLURM, fails=True)
    assert (
        f"(Slurm's job {job['JobId']}). Wait until they have ended, or end them (`scancel {job['JobId']}`)" in refused
    )
    end_in(60, job)
    cluster.wait_for(lambda: cluster.jobs_of("train_base seed")[0]["JobState"] != "RUNNING", "the warning", LONG)
    with controller(clone, "warned.log", target) as process:
        finish(process, cluster, clone, "warned.log")
    first, last = cluster.jobs_of("train_base seed")
    assert first["JobState"] == "FAILED", "not TIMEOUT: it ended by itself"
    assert "interrupted by SIGTERM" in Path(first["StdOut"]).read_text()
    assert last["JobState"] == "COMPLETED"
    assert resumed(clone, "seed")


@pytest.fixture(scope="module")
def night(cluster, clone):
    """One run: a training is cancelled, one hangs, one loses its node, a script is edited. Says which is which."""
    with controller(clone, "night.log", "models") as process:
        jobs = freeze_when_saved(clone, cluster, {model: rule_of(model) for model in ADAPTED})
        nodes = [job["NodeList"] for job in jobs.values()]
        lost = next(model for model in ADAPTED if nodes.count(jobs[model]["NodeList"]) == 1)
        cancelled, hung = (model for model in ADAPTED if model != lost)
        script = clone / "workflow/scripts/train_model.py"
        script.write_text(script.read_text() + "\n# edited while jobs run\n")
        end_in(1, jobs[hung])
        subprocess.run(["scancel", jobs[cancelled]["JobId"]], check=True)
        cluster.kill_node(jobs[lost]["NodeList"])
        cluster.wait_for(lambda: cluster.jobs_of(rule_of(lost))[0]["JobState"] == "PENDING", "Slurm to miss it", LONG)
        cluster.start_node(jobs[lost]["NodeList"])
        # Slurm waits two minutes before it starts a requeued job.
        update(f"JobId={jobs[lost]['JobId']}", "StartTime=now")
        finish(process, cluster, clone, "night.log")
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

    with controller(clone, "killed.log", *SCORES):
        cluster.wait_for(lambda: (clone / RESULTS / "scores/init/items.parquet").exists(), "the first scores", LONG)
    cluster.wait_for(lambda: not states("PENDING", "RUNNING"), "the jobs of the killed controller to end", LONG)
    assert "--unlock" in snakemake(clone, *SCORES, *SLURM, fails=True)
    snakemake(clone, "--unlock", *SLURM)
    with controller(clone, "replaced.log", *SCORES) as process:
        finish(process, cluster, clone, "replaced.log")
    ran = [job["rule"] for job in cluster.jobs() if not job["rule"].startswith(("train_base", "adapt_model"))]
    late = [job for job in ran if job.startswith("score_checkpoint ")]
    assert len(late) == len(set(late)) == 2
    assert (
        sorted(set(ran) - set(late))
        == sorted(job for job in ran if job not in late)
        == [
            "benchmarks_build_benchmark",
            "compare_models 1x",
            "count_tokens isl",
            "count_tokens swe",
            "initialise_model init",
            "merge_and_score 1x_isl+swe",
            *(f"score_model {model}" for model in ("1x_isl", "1x_multi", "1x_swe", "init", "seed")),
            "score_unigram",
            "tabulate_scores baselines",
            "tabulate_signal",
        ]
    )
    assert job_counts(snakemake(clone, "-n", *SCORES, *SLURM)) == {}
    left = job_counts(snakemake(clone, "-n", "all", *SLURM))
    assert left.pop("match_compute") == 1
    assert all(rule.startswith(("tabulate_", "draw_", "correlate_", "download_")) for rule in left), left
    verify(clone / RESULTS / "figures/baselines.png")


def test_only_what_asks_for_a_gpu_gets_one(cluster, night):
    seen = cluster.gpus_seen()
    # Not of jobs that failed: one that Slurm requeues while it loses a node can start without its GPU.
    completed = [job for job in cluster.jobs() if job["JobState"] == "COMPLETED"]
    with_gpu = {job["rule"].split()[0]: job for job in completed if seen[job["JobId"]]}
    without = {job["rule"].split()[0]: job for job in completed if not seen[job["JobId"]]}
    scored = {"score_model", "score_checkpoint", "merge_and_score"}
    assert with_gpu.keys() == {"train_base", "adapt_model", "compare_models", *scored}
    made = {"initialise_model", "benchmarks_build_benchmark", "count_tokens", "score_unigram"}
    assert without.keys() == made | {"tabulate_scores", "tabulate_signal"}
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


# From here on the controller is restarted. After that, Slurm 22.05.8 dies if a job with GPUs is requeued.


def test_a_daemon_that_dies_ends_a_wait_at_once_and_is_named(cluster, monkeypatch):
    monkeypatch.setattr(cluster, "revivals", 0)
    cluster.signal_controller(signal.SIGSEGV)
    with pytest.raises(RuntimeError, match="slurmctld ended by SIGSEGV while the test waited for Godot"):
        cluster.wait_for(lambda: False, "Godot")
    cluster.start_controller()


def test_a_controller_that_crashes_is_started_again(cluster, monkeypatch):
    monkeypatch.setattr(cluster, "revivals", 1)
    cluster.signal_controller(signal.SIGSEGV)
    cluster.wait_for(lambda: not cluster.revivals and cluster.jobs()[0], "the controller to know its jobs again")


@pytest.fixture(scope="module")
def outage(cluster, clone):
    """One job meets a controller that hangs, a partition that is closed to it, and a controller that dies.

    Returns what Snakemake said, and the jobs that Slurm got.
    """

    def said(text):
        cluster.wait_for(lambda: text in (clone / "outage.log").read_text(), repr(text), LONG)

    shutil.rmtree(clone / RESULTS / "models/init", ignore_errors=True)
    before = len(cluster.jobs_of("initialise_model init"))
    update("PartitionName=cpu", "AllowAccounts=others")
    cluster.signal_controller(signal.SIGSTOP)
    with controller(clone, "outage.log", f"{RESULTS}/models/init") as process:
        said("Slurm does not answer: Socket timed out")
        cluster.signal_controller(signal.SIGCONT)
        said("Slurm answers again")
        said("Slurm does not start jobs")
        update("PartitionName=cpu", "AllowAccounts=ALL")
        _, processes = stopped(cluster, "initialise_model init", "initialise_model.py")
        time.sleep(6)  # Slurm writes down within five seconds that it runs
        cluster.kill_controller()
        said("Slurm does not answer: its controller is down")
        kill(processes, signal.SIGCONT)
        cluster.wait_for((clone / RESULTS / "models/init/manifest.json").exists, "the job's end", LONG)
        cluster.start_controller()
        finish(process, cluster, clone, "outage.log")
    return (clone / "outage.log").read_text(), cluster.jobs_of("initialise_model init")[before:]


def test_a_submission_that_finds_no_controller_waits_and_uses_up_no_attempt(outage):
    log, (*others, last) = outage
    assert "Trying to restart" not in log
    assert last["JobState"] == "COMPLETED"
    assert others, "the controller that hung has taken the job, though sbatch gave up"
    assert {job["JobState"] for job in others} == {"CANCELLED"}, "it is not left in the queue"


def test_a_job_in_a_partition_closed_to_it_is_named_with_the_reason(outage):
    log, jobs = outage
    number = jobs[-1]["JobId"]
    assert f"Slurm does not start jobs {number} (initialise_model). Its reason: Job's account not known" in log


def test_a_job_that_ends_while_the_controller_is_away_is_not_forgotten(outage):
    log, _ = outage
    assert log.count("Slurm answers again") == 2
    assert "1 of 1 steps (100%) done" in log


def test_ctrl_c_ends_the_jobs_of_a_run_also_while_slurm_is_asked_about_them(cluster, clone, tmp_path, monkeypatch):
    """Snakemake's list of the jobs that run is empty meanwhile."""
    asked = tmp_path / "asked"
    slow = tmp_path / "squeue"
    slow.write_text(f'#!/bin/sh\ntouch {asked}\nsleep 5\nexec {shutil.which("squeue")} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    shutil.rmtree(clone / RESULTS / "models/init", ignore_errors=True)
    with controller(clone, "ended.log", f"{RESULTS}/models/init") as process:
        job, _ = stopped(cluster, "initialise_model init", "initialise_model.py")
        asked.unlink(missing_ok=True)
        cluster.wait_for(asked.exists, "a question about the job", LONG, every=0.02)
        process.send_signal(signal.SIGINT)
        cluster.wait_for(lambda: process.poll() is not None, "the end of the run", LONG)
    cluster.wait_for(lambda: cluster.jobs_of("initialise_model init")[-1]["JobState"] == "CANCELLED", "its job's", LONG)
    assert cluster.jobs_of("initialise_model init")[-1]["JobId"] == job["JobId"]


def test_a_job_that_slurm_has_lost_counts_as_done_if_it_has_made_its_outputs(cluster, clone):
    """The controller comes back without its memory. This is the last test, because the others look at that."""
    model = RESULTS / "models/init"
    shutil.rmtree(clone / model, ignore_errors=True)
    with controller(clone, "lost.log", str(model)) as process:
        job, processes = stopped(cluster, "initialise_model init", "initialise_model.py")
        cluster.kill_controller()
        kill(processes, signal.SIGCONT)
        cluster.wait_for((clone / model / "manifest.json").exists, "the model", LONG)
        cluster.wait_for(lambda: not cluster.processes(job["JobId"], "snakemake"), "the job's end", LONG)
        shutil.rmtree(cluster.folder / "state")
        (cluster.folder / "state").mkdir()
        cluster.start_controller()
        finish(process, cluster, clone, "lost.log")
    log = (clone / "lost.log").read_text()
    assert f"Slurm no longer knows job {job['JobId']} (initialise_model). It has made its outputs." in log
    assert "Trying to restart" not in log
    verify(clone / model)
