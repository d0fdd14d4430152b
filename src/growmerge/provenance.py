"""Where a result came from, for its manifest: time, commit, versions, hardware."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

RECORDED_PACKAGES = (
    "growmerge",
    "snakemake",
    "torch",
    "transformers",
    "tokenizers",
    "fastokens",
    "mergekit",
    "pyarrow",
)
CPUINFO = Path("/proc/cpuinfo")


def provenance() -> dict[str, Any]:
    """When, with what code and versions, and on what hardware.

    Processor and its instructions are there because floating-point sums depend on them: with the same seed, a model
    that is trained on another kind of processor has other bytes.
    """
    torch = sys.modules.get("torch")  # recorded where it is in use, never imported for this
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch is not None else []
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": {"python": platform.python_version()} | {p: v for p in RECORDED_PACKAGES if (v := _version(p))},
        "hardware": {
            "host": socket.gethostname(),
            "machine": platform.machine(),
            "processor": processor(),
            "instructions": torch.backends.cpu.get_cpu_capability() if torch is not None else None,
            "cpus": os.cpu_count(),
            "gpus": gpus,
        },
    }


@cache
def processor() -> str:
    """Name, family and model of the processor as Linux tells them; elsewhere, what Python tells."""
    try:
        first = CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return platform.processor()
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    if "model name" not in told:  # ARM tells numbers alone
        return platform.processor()
    return f"{told['model name']} (family {told.get('cpu family', '?')}, model {told.get('model', '?')})"


@cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def _commit() -> str:
    """The commit of the code, with a mark if it was edited since; 'unknown' outside a git checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
