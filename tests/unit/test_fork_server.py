"""Scripts go on in forks of one process; whoever started them sees no difference."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from conftest import ROOT

from growmerge import fork_server

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
PYTHON = [sys.executable, "-c"]
RUN = """
import os, sys
from growmerge import fork_server
fork_server.start()
print(os.environ[fork_server.FOLDER], flush=True)
sys.stdin.read()
"""
# As scripts of jobs begin. What follows runs in the fork.
HEAD = "from growmerge.fork_server import hand_over\nhand_over()\nimport json, os, signal, sys, time\n"
WAIT = "print('begun', flush=True)\ntime.sleep(100)\n"


@dataclass
class Run:
    """A process that has started a server, as Snakemake does, and can start scripts."""

    process: subprocess.Popen[str]
    folder: Path

    @property
    def server(self) -> psutil.Process:
        (server,) = psutil.Process(self.process.pid).children()
        return server

    def script(self, body: str, *arguments: str, **options) -> subprocess.Popen[str]:
        file = Path("test.score_model.py").absolute()
        file.write_text(HEAD + body, encoding="utf-8")
        environment = os.environ | {fork_server.FOLDER: str(self.folder), "OMP_NUM_THREADS": "1"}
        environment |= options.pop("environment", {})
        return subprocess.Popen(
            [sys.executable, str(file), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def waiting(self, body: str = "", **options) -> tuple[subprocess.Popen[str], psutil.Process]:
        """A script that waits in its fork, and the fork."""
        script = self.script(body + WAIT, **options)
        assert script.stdout and script.stdout.readline() == "begun\n"
        return script, psutil.Process(int((self.folder / str(script.pid)).read_text()))

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def begin(run: str = RUN) -> Run:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    environment.pop(fork_server.FOLDER, None)
    process = subprocess.Popen(
        [*PYTHON, run],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    return Run(process, Path(process.stdout.readline().strip()))


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    run = begin()
    yield run
    run.end()


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended within some seconds."""
    for _ in range(500):
        try:
            ended = not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # it went between the two questions
            ended = True
        if ended:
            return True
        time.sleep(0.01)
    return False


def test_a_script_finds_torch_imported_and_is_else_as_it_was_started(run, tmp_path):
    body = """
begun = dict(torch="torch" in sys.modules, ours=sorted(name for name in sys.modules if name.startswith("growmerge.")))
import growmerge.job
umask = os.umask(0)
print(json.dumps(begun | dict(
    pid=os.getpid(), parent=os.getppid(), arguments=sys.argv[1:], folder=os.getcwd(), umask=umask, path=sys.path[0],
    mine=os.environ["MINE"], main=sys.modules["__main__"].sys is sys, file=__file__, name=__name__,
    text=sys.stdin.read(),
)))
print("a fault", file=sys.stderr)
sys.exit(75)
"""
    script = run.script(body, "a b", "ö", environment={"MINE": "this"}, stdin=subprocess.PIPE, umask=0o27)
    said, faults = script.communicate("typed")
    found = json.loads(said)
    assert (script.returncode, faults) == (75, "a fault\n")
    assert found["pid"] != script.pid and found["parent"] == run.server.pid
    assert (found["torch"], found["arguments"], found["umask"]) == (True, ["a b", "ö"], 0o27)
    assert {name.split(".")[1] for name in found["ours"]} == {"fork_server"}, (
        "of ours, nothing is older than the script"
    )
    assert (found["mine"], found["folder"], found["text"]) == ("this", str(tmp_path), "typed")
    assert (found["main"], found["name"], found["path"]) == (True, "__main__", str(tmp_path))
    assert Path(found["file"]).name == "test.score_model.py"
    assert not list(run.folder.glob("[0-9]*"))


def test_the_server_has_a_single_thread(run):
    """A lock that another thread holds while it forks is never released in the fork."""
    script, fork = run.waiting()
    assert run.server.num_threads() == fork.num_threads() == 1
    assert fork.name() == "score_model"
    script.kill()
    script.wait()


def test_a_server_that_a_library_gave_a_thread_takes_no_script():
    run = begin(RUN.replace("fork_server.start()", "fork_server.run.NO_THREAD_OF_ARROW = {}\nfork_server.start()"))
    body = "print(os.getpid(), 'torch' in sys.modules)\n" + WAIT
    script = run.script(f"if 'pandas' in sys.modules:\n    raise SystemExit('forked')\n{body}")
    assert script.stdout
    assert script.stdout.readline() == f"{script.pid} False\n"
    script.send_signal(signal.SIGTERM)
    assert script.wait() == -signal.SIGTERM, "signals are its own again"
    assert run.server.num_threads() > 1
    run.end()


def test_an_error_keeps_its_traceback_and_exit_code(run):
    script = run.script("raise ValueError('wrong')")
    _, faults = script.communicate()
    assert script.returncode == 1
    assert faults.endswith("ValueError: wrong\n") and "score_model.py" in faults


def test_what_was_not_flushed_is_printed_and_exit_functions_run(run):
    said, _ = run.script("import atexit; atexit.register(print, 'bye'); sys.stdout.write('hello ')").communicate()
    assert said == "hello bye\n"


def test_a_script_that_ends_well_waits_for_its_threads_and_frees_nothing(run):
    """To free what it shares with the server would take longer than many a job."""
    body = """
import atexit, threading
class Alive:
    def __del__(self):
        print("freed")
alive = Alive()
atexit.register(print, "bye")
threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()
"""
    script = run.script(body)
    assert script.communicate() == ("thread\nbye\n", "")
    assert script.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_fork_once(run, number):
    count = f"""
got = []
signal.signal({int(number)}, lambda *_: (got.append(1), print("got", flush=True)))
print("begun", flush=True)
while not got: time.sleep(.01)
time.sleep(.2)
sys.exit(10 + len(got))
"""
    script = run.script(count, start_new_session=True)
    assert script.stdout and script.stdout.readline() == "begun\n"
    os.killpg(script.pid, number)  # as a terminal does
    assert script.wait() == 11


def test_a_script_that_heeds_no_signal_ends_by_it(run):
    script, fork = run.waiting()
    script.send_signal(signal.SIGTERM)
    assert script.wait() == -signal.SIGTERM
    assert gone(fork)


def test_a_signal_that_comes_before_the_fork_is_not_lost():
    run = begin()
    script = run.script(WAIT)
    time.sleep(1)  # it has asked, and the server imports
    assert not list(run.folder.glob("[0-9]*"))
    script.send_signal(signal.SIGTERM)
    assert script.wait(timeout=60) == -signal.SIGTERM
    run.end()


def test_a_script_that_is_killed_while_it_asks_leaves_the_server(run):
    client = socket.socket(socket.AF_UNIX)
    client.connect(f"{run.folder}/{fork_server.SOCKET}")
    client.close()
    script, _ = run.waiting()
    script.kill()
    script.wait()


def test_a_fork_that_is_killed_ends_its_script_in_the_same_way(run):
    script, fork = run.waiting()
    fork.kill()
    assert script.wait() == -signal.SIGKILL


def test_under_nohup_the_terminal_may_end(run):
    script, fork = run.waiting(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    fork.send_signal(signal.SIGHUP)
    script.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert script.poll() is None and fork.is_running()
    script.kill()
    assert gone(fork)


def test_forks_go_with_the_scripts_that_are_killed_and_leave_the_others(run):
    (killed, first), (other, second) = run.waiting(), run.waiting()
    killed.kill()
    assert gone(first)
    assert other.poll() is None and second.is_running()
    other.kill()
    assert gone(second)


def test_all_end_if_the_run_is_killed_as_a_whole():
    run = begin()
    script, fork = run.waiting()
    server = run.server
    os.killpg(run.process.pid, signal.SIGKILL)
    assert gone(server) and gone(fork)
    assert script.wait() == 1
    assert script.stderr and "the server that jobs are forked from was killed" in script.stderr.read()


def test_a_job_that_outlives_its_run_is_finished_and_the_server_goes_after_it():
    run = begin()
    script = run.script("print('begun', flush=True)\nsys.stdin.read()\nprint('done')", stdin=subprocess.PIPE)
    assert script.stdout and script.stdout.readline() == "begun\n"
    server = run.server
    run.process.kill()
    run.process.wait()
    assert script.communicate("")[0] == "done\n" and script.returncode == 0
    assert gone(server)
    assert not run.folder.exists()


@pytest.mark.parametrize(
    "environment", [{"OMP_NUM_THREADS": "2"}, {fork_server.FOLDER: "off"}, {fork_server.FOLDER: "/gone"}]
)
def test_else_a_script_goes_on_by_itself(run, environment):
    script = run.script("print(os.getpid(), 'torch' in sys.modules)", environment=environment)
    assert script.communicate()[0] == f"{script.pid} False\n"


@pytest.mark.parametrize("why", ["switched off", "a GPU"])
def test_none_is_started_if_it_is_switched_off_or_there_is_a_gpu(monkeypatch, tmp_path, why):
    before = psutil.Process().children()
    monkeypatch.setenv(fork_server.FOLDER, fork_server.OFF if why == "switched off" else "")
    monkeypatch.setattr(fork_server.run, "GPUS", [str(tmp_path)] if why == "a GPU" else [])
    fork_server.start()
    assert not Path(os.environ[fork_server.FOLDER]).is_absolute()
    assert psutil.Process().children() == before
