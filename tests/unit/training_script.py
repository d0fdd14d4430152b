"""Runs a training as a job's script does: in a fork of a process that has imported torch, if there is one."""

from growmerge.fork_server import hand_over

hand_over()

import runpy  # noqa: E402 (in the fork)

runpy.run_module("growmerge.training.worker", run_name="__main__")
