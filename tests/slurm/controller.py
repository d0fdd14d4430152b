"""`python tests/slurm/controller.py ...` is `snakemake ...` that asks Slurm every second how its jobs are.

The plugin (2.8.0) asks after 10, 20, ... 180 s and has no setting for it: too long for a test.
"""

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)
main()
