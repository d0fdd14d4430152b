"""Two jobs never train the same model at once, on whatever node, and the death of one lets the other go on."""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_runs import RECIPE, finish, make_inputs, said, start, task, train, wait_for_state, weights

from growmerge.errors import GrowmergeError
from growmerge.training import lease, worker
from growmerge.training.lease import Holder, Occupied, refuse_beside_trainers, sole_trainer, trainers
from growmerge.training.stopping import AGAIN

ELSEWHERE = 2**22 + 1  # the number of a process that this machine cannot have, as Linux counts to 2^22

LONG = RECIPE | {"phases": [{"a": 60}]}


@pytest.fixture(scope="module")
def inputs(tiny):
    return make_inputs(tiny)


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_the_second_of_two_jobs_waits_and_finds_the_model_made(inputs, tmp_path):
    first = start(inputs, tmp_path, forked=False)
    wait_for_state(first, tmp_path, 7)
    first.send_signal(signal.SIGSTOP)
    second = start(inputs, tmp_path)
    wait_for(lambda: "waiting for its end" in said(tmp_path))
    assert f"trained by process {first.pid} on" in said(tmp_path)
    first.send_signal(signal.SIGCONT)
    assert (first.wait(), second.wait()) == (0, 0)
    assert "another job has made it meanwhile" in said(tmp_path)
    assert not (tmp_path / "work").exists()
    assert weights(tmp_path) == train(inputs, tmp_path / "alone")


@pytest.mark.slow
def test_the_second_goes_on_when_the_first_is_killed_with_9(inputs, tmp_path):
    first = start(inputs, tmp_path, LONG, forked=False)
    wait_for_state(first, tmp_path, 7)
    second = start(inputs, tmp_path, LONG)
    wait_for(lambda: "waiting for its end" in said(tmp_path))
    first.kill()
    first.wait()
    newest = max(tmp_path.glob("work/*/state-*"))
    wait_for_state(second, tmp_path, int(newest.name.removeprefix("state-")) + 1)
    assert "resuming after step" in said(tmp_path)
    second.terminate()
    assert second.wait() == AGAIN
    assert not trainers(tmp_path), "one that is interrupted gives it back"


@pytest.mark.slow
def test_the_ranks_of_a_job_wait_together(inputs, tmp_path):
    short = RECIPE | {"phases": [{"b": 1}]}
    with sole_trainer(tmp_path / "work"):
        second = start(inputs, tmp_path, short, ranks=2)
        wait_for(lambda: "waiting for its end" in said(tmp_path))
    finish(second, tmp_path)


def held_elsewhere(work, *, ago=0.0):
    """A lease as a process on another node leaves it, touched so many seconds ago."""
    work.mkdir(parents=True)
    file = work / "lease-4"
    file.write_text(json.dumps({"host": "n2", "process": ELSEWHERE, "job": "77"}))
    os.utime(file, (time.time() - ago,) * 2)
    return file


def test_a_lease_of_another_node_holds_while_it_is_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "PATIENCE", 0.0)
    file = held_elsewhere(tmp_path / "work", ago=lease.STALE - 60)
    with pytest.raises(Occupied, match=rf"still trained by process {ELSEWHERE} on n2 \(Slurm's job 77\).*`scancel 77`"):
        sole_trainer(tmp_path / "work").__enter__()
    assert file.exists()


def test_a_lease_that_is_no_longer_touched_is_taken_over(tmp_path):
    file = held_elsewhere(tmp_path / "work", ago=lease.STALE + 1)
    with sole_trainer(tmp_path / "work"):
        assert not file.exists()
        assert list(trainers(tmp_path)) == ["work"]
    assert not trainers(tmp_path)


def test_a_lease_of_another_users_process_holds():
    """A job may not send signals to it, which is how it is asked whether it runs."""
    program = (
        "import os, sys; from growmerge.drafts import runs\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "sys.exit(not runs(1))"
    )
    assert run(program).wait() == 0


def test_a_lease_names_slurms_job(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    with sole_trainer(tmp_path / "work"):
        (holder,) = trainers(tmp_path).values()
    assert (holder.process, holder.end_it) == (os.getpid(), "scancel 77")


def test_a_lease_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    flush, flushed = os.fsync, {}

    def flush_and_look(number):
        flush(number)
        flushed[os.fstat(number).st_ino] = (os.fstat(number).st_size, lease._leases(tmp_path / "work"))

    monkeypatch.setattr(os, "fsync", flush_and_look)
    with sole_trainer(tmp_path / "work"):
        (file,) = (tmp_path / "work").iterdir()
        assert flushed[file.stat().st_ino] == (file.stat().st_size, [])


def test_a_folder_that_its_trainer_removes_meanwhile_is_made_again(tmp_path, monkeypatch):
    flush, removed = os.fsync, []

    def flush_and_remove(number):
        flush(number)
        if not removed:
            removed.append(True)
            shutil.rmtree(tmp_path / "work")

    monkeypatch.setattr(os, "fsync", flush_and_remove)
    monkeypatch.setattr(lease, "POLL", 0.0)
    with sole_trainer(tmp_path / "work"):
        assert list(trainers(tmp_path)) == ["work"]
    assert removed


def test_a_file_system_that_is_away_for_a_moment_does_not_end_a_lease(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("growmerge"), "propagate", True)
    monkeypatch.setattr(lease, "BEAT", 0.001)

    def mount(what):
        (tmp_path / "next").symlink_to(what)
        (tmp_path / "next").replace(tmp_path / "results")

    (tmp_path / "disk").mkdir()
    (tmp_path / "nothing").touch()
    mount("disk")
    with sole_trainer(tmp_path / "results/work"):
        mount("nothing")
        wait_for(lambda: "could not be touched" in caplog.text)
        mount("disk")
        os.utime(tmp_path / "disk/work/lease-1", (0, 0))
        wait_for(lambda: trainers(tmp_path / "disk"))
    assert not trainers(tmp_path / "disk")


def test_a_lease_that_was_given_back_is_not_touched_again(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "BEAT", 0.0)
    for _ in range(50):
        with sole_trainer(tmp_path / "work"):
            pass
        assert not trainers(tmp_path)


def test_a_training_that_fails_gives_its_lease_back(tmp_path):
    with pytest.raises(RuntimeError), sole_trainer(tmp_path / "work"):
        raise RuntimeError
    assert not trainers(tmp_path)


def test_leases_of_ended_jobs_do_not_pile_up_and_numbers_are_not_used_twice(tmp_path):
    for number in range(1, 4):
        with sole_trainer(tmp_path / "work"):
            pass
        assert [file.name for file in (tmp_path / "work").iterdir()] == [f"lease-{number}"]


@pytest.mark.parametrize("text", ["", '{"host": "n2", "pro', "[]", '{"host": "n2"}'])
def test_a_lease_that_a_power_cut_left_unreadable_ends_with_its_time(tmp_path, monkeypatch, text):
    monkeypatch.setattr(lease, "PATIENCE", 0.0)
    file = held_elsewhere(tmp_path / "work", ago=lease.STALE - 60)
    file.write_text(text)
    os.utime(file, (time.time() - lease.STALE + 60,) * 2)
    with pytest.raises(Occupied, match=r"still trained by a process that its lease does not name.*`sleep 300`"):
        sole_trainer(tmp_path / "work").__enter__()
    os.utime(file, (time.time() - lease.STALE - 1,) * 2)
    with sole_trainer(tmp_path / "work"):
        assert not file.exists()


def test_a_file_that_is_called_nearly_like_a_lease_is_none(tmp_path):
    for name in ("lease-1.bak", "lease-", "lease-two"):
        (tmp_path / "work").mkdir(exist_ok=True)
        (tmp_path / "work" / name).write_text("mine")
    assert not trainers(tmp_path)
    with sole_trainer(tmp_path / "work"):
        assert list(trainers(tmp_path)) == ["work"]
    assert (tmp_path / "work/lease-1.bak").read_text() == "mine"


def test_a_job_that_finds_it_occupied_asks_to_be_run_again(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "PATIENCE", 0.0)
    held_elsewhere(tmp_path / "work")
    with pytest.raises(SystemExit) as end:
        worker.train(worker.TrainingJob.model_validate_json(task(inputs, tmp_path).read_text(encoding="utf-8")))
    assert end.value.code == AGAIN
    assert f"still trained by process {ELSEWHERE} on n2" in said(tmp_path)
    assert not (tmp_path / "model").exists()


def run(program, *arguments):
    arguments = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


OVERTAKEN = """
import sys, time
from pathlib import Path
from growmerge.training import lease
lease.BEAT = 0.01
with lease.sole_trainer(Path(sys.argv[1])):
    time.sleep(100)
"""


def test_who_was_overtaken_stops_at_once(tmp_path):
    process = run(OVERTAKEN, tmp_path / "work")
    wait_for(lambda: trainers(tmp_path))
    (file,) = (tmp_path / "work").iterdir()
    file.unlink()
    assert process.wait() == AGAIN
    assert "another job has taken over" in process.stderr.read()


# Takes turns with others. What was given back looks like what was not touched for long.
RIVAL = """
import os, sys, time
from pathlib import Path
from growmerge.training import lease
lease.POLL = 0.001
work, inside, turns = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
sys.stdin.read()  # all at once
for turn in range(100):
    mine = lease._acquire(work)
    inside.open("x").close()
    with turns.open("a") as file:
        file.write("turn ")
    inside.unlink()
    lease._give_back(mine)
"""


def test_rivals_are_never_inside_together_though_leases_go_stale(tmp_path):
    turns = tmp_path / "turns"
    rivals = [run(RIVAL, tmp_path / "work", tmp_path / "inside", turns) for _ in range(4)]
    for rival in rivals:
        rival.stdin.close()
    assert [rival.wait() for rival in rivals] == [0] * 4, rivals[0].stderr.read()
    assert len(turns.read_text().split()) == 4 * 100


def test_a_run_that_would_train_what_is_being_trained_is_refused(tmp_path):
    held_elsewhere(tmp_path / "1x/swe")
    held_elsewhere(tmp_path / "1x/isl", ago=lease.STALE + 1)
    with pytest.raises(
        GrowmergeError, match=rf"1x/swe by process {ELSEWHERE} on n2 \(Slurm's job 77\)\. .*`scancel 77`"
    ):
        refuse_beside_trainers(tmp_path, {"1x/swe", "1x/isl"})
    refuse_beside_trainers(tmp_path, {"1x/isl", "1x/multi"})
    refuse_beside_trainers(Path("no/such/folder"), {"1x/swe"})


def test_the_command_that_ends_a_process_of_another_node_ends_none_of_this_one():
    assert Holder("n2", 17).end_it == "ssh n2 kill 17"
    assert Holder(socket.gethostname(), 17).end_it == "kill 17"
    assert Holder("n2", 17, "77").end_it == "scancel 77"


def test_leases_need_no_torch():
    program = "import sys; import growmerge.training.lease; sys.exit('torch' in sys.modules)"
    assert run(program).wait() == 0
