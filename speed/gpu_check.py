"""All that a GPU has to show, on one page: `make gpu-check`, at most eight minutes on one H100 or H200.

    python speed/gpu_check.py [--folder gpu-check] [--only training scoring ...]
    python speed/gpu_check.py --device cpu --tiny

Nothing is downloaded, and no text is needed: models have random weights, tokens are made up. The parts (gpu_parts.py)
are programs of their own. Each has a time limit and runs even if another fails; the folder gets page.md, written anew
after each part, and what the parts say. Without a network, run the first command with a Python that has torch (2.11 is
enough), transformers, pydantic and pytest; a part that needs more says so. The second command needs no GPU: it shows
that every part runs, nothing more. Exits with status 1 if a part failed, 2 if there is no GPU.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import torch
from gpu_page import machine, page
from gpu_parts import PARTS, Outcome, Part
from lines import last_line, read

ROOT = Path(__file__).parents[1]
LAST_WORDS = 10  # seconds, of a part that is stopped


def run(part: Part, folder: Path, environment: dict[str, str], tiny: bool, patience: float = 1.0) -> Outcome:
    """Run a part within `patience` times its limit, then end it with everything that it started.

    It is interrupted first, as by Ctrl-C, so that pytest reports its tests. Its temporary files are removed.
    """
    limit, scratch = part.limit * patience, folder.absolute() / "tmp"
    found, said = folder / f"{part.name}.{part.ending}", folder / f"{part.name}.log"
    found.unlink(missing_ok=True)
    scratch.mkdir(exist_ok=True)
    command = [sys.executable, *part.command(found.absolute(), tiny)]
    start = time.monotonic()
    with said.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | {"TMPDIR": str(scratch), "PYTHONPATH": str(ROOT / "src")},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
            fault = "" if status == 0 else f"exit status {status}: {last_line(said.read_text(encoding='utf-8'))}"
        except subprocess.TimeoutExpired:
            fault = f"stopped after its {limit:.0f} s; what it had measured by then is below"
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(LAST_WORDS)
        finally:  # a part leaves nothing running: not when it takes too long, nor when the check itself is ended
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(scratch, ignore_errors=True)
    rows = part.rows(found) if part.rows else read(found)
    return Outcome(part.name, rows, time.monotonic() - start, fault)


def main() -> None:
    """Run the parts and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny models, which a CPU can train")
    parser.add_argument("--folder", type=Path, default=Path("gpu-check"))
    parser.add_argument("--patience", type=float, default=1.0, help="times all limits, on a machine that others use")
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that a part is ended, too
    on_gpu = options.device == "cuda"
    if on_gpu and not torch.cuda.is_available():
        reason = "has no CUDA" if torch.version.cuda is None else "sees no GPU"
        print(f"torch {torch.__version__} {reason}; run on a machine with a GPU, or with --device cpu --tiny")
        sys.exit(2)
    options.folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str((options.folder / "compiled").absolute())}
    if not on_gpu:  # a thread each: on a machine that does other work, more wait for one another
        environment |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    about, outcomes = machine(ROOT, on_gpu, options.tiny), []
    for part in PARTS:
        if options.only and part.name not in options.only:
            continue
        print(f"{part.name}: at most {part.limit * options.patience:.0f} s", flush=True)
        outcomes.append(run(part, options.folder, environment, options.tiny, options.patience))
        print(f"{part.name}: {outcomes[-1].seconds:.0f} s. {outcomes[-1].fault}", flush=True)
        (options.folder / "page.md").write_text(page(about, outcomes), encoding="utf-8")
    print(f"the page is {options.folder / 'page.md'}")
    sys.exit(any(outcome.fault for outcome in outcomes))


if __name__ == "__main__":
    main()
