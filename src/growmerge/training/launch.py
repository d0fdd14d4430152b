"""Starts a training on what its job has: in this process, or by torchrun on several GPUs, by srun on several nodes.

Slurm's warning (SIGTERM; SIGUSR1) goes to the processes of a job's steps. What gets it here passes it on and waits:
the ranks give up the step they are in, the first saves the state. Ctrl-C (SIGINT) and the end of a terminal (SIGHUP) go
to all of its processes. They are passed on as SIGTERM: srun kills its step at a second SIGINT, and only tells its state
at the first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import torch

from growmerge.artifacts import write_atomically
from growmerge.training.stopping import AGAIN, heeded
from growmerge.training.worker import TrainingJob, train

GRACE = 600  # seconds that torchrun leaves the ranks to save the state, if Slurm leaves it as many
# From the environment of the step: the first node is the one that srun runs on. Two jobs may share a node, so each has
# a port.
RENDEZVOUS = (
    '--node-rank "$SLURM_NODEID" --master-addr "$SLURM_LAUNCH_NODE_IPADDR" '
    '--master-port "$((10000 + SLURM_JOB_ID % 20000))"'
)


def launch(task: TrainingJob, gpus: int | None = None, nodes: int = 1) -> None:
    """Train `task`, on `gpus` GPUs (of all nodes; default: all that are visible) or the CPU; exits if it fails.

    A node without visible GPUs gets one process. `task.threads` are those of a whole node.
    """
    visible = torch.cuda.device_count()
    processes = max(1, min(visible, visible if gpus is None else gpus // nodes))
    if processes * nodes == 1:
        train(task)
        return
    file = task.log.with_suffix(".job.json")
    write_atomically(file, task.model_copy(update={"threads": max(1, task.threads // processes)}).model_dump_json())
    if status := run(command(file, processes, nodes, task.threads)):
        sys.exit(status)


def command(file: Path, processes: int, nodes: int, threads: int) -> list[str]:
    """What starts the workers: torchrun, on several nodes once on each."""
    signals = ",".join(number.name for number in heeded())
    torchrun = [sys.executable, "-m", "torch.distributed.run"]
    common = [f"--nproc-per-node={processes}", f"--signals-to-handle={signals}", f"--shutdown-timeout={GRACE}"]
    worker = ["-m", "growmerge.training.worker", str(file)]
    if nodes == 1:
        return [*torchrun, "--standalone", *common, *worker]
    step = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"]
    script = f'python=$1; shift; exec "$python" -m torch.distributed.run {RENDEZVOUS} "$@"'
    return [*step, "sh", "-c", script, "torchrun", sys.executable, f"--nnodes={nodes}", *common, *worker]


def run(arguments: list[str]) -> int:
    """The exit status of a command; 75 if it was told to stop by a signal, which torchrun's own status does not say."""
    stopped: list[int] = []
    process = subprocess.Popen(arguments, env=os.environ | {"OMP_NUM_THREADS": "1"})

    def forward(number: int, _: FrameType | None) -> None:
        stopped.append(number)
        process.send_signal(signal.SIGTERM if number in (signal.SIGINT, signal.SIGHUP) else number)

    previous = {number: signal.signal(number, forward) for number in heeded()}
    try:
        status = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return AGAIN if status and stopped else abs(status)
