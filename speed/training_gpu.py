"""Tokens a second, model FLOPs utilisation and peak memory on a GPU: our loop, and Trainer with its best flags.

The shapes of Grow Up and Merge (180M, and 572M at width 2), sequences of 2048, bf16, torch.compile, one card:

    python speed/training_gpu.py [--shapes 180M 572M] [--engines ours trainer liger torch] [--steps 20]
        [--batch-sequences 128] [--micro-batch 16] [--no-compile] [--limit SECONDS] [--json FILE]

`--shapes tiny --sequence-length 64 --vocabulary 320 --batch-sequences 4 --micro-batch 2 --no-compile` runs anywhere.
`torch` is our loop with torch's chunked `linear_cross_entropy` (torch 2.13). With `pip install liger-kernel` Trainer
uses it, and `liger` (our loop with its head) is measured. Batches are those of width 1; at width 2 they are half as
large. Every engine runs in a process of its own, so that none finds another's memory or compiled code. The first steps
(compilation, first allocations) are not counted. If one runs out of memory, it runs again with half the micro-batch.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from engines import Setting, liger, ours, torchs, trainer
from heads import LIGER, TORCH
from lines import Row, add, last_line
from shapes import WIDTHS, shape

from growmerge.config.training import Training
from growmerge.models.checkpoints import parameter_count
from growmerge.models.memory import is_out_of_memory
from growmerge.training.hardware import bf16_peak, peak_memory_mb

SKIPPED = 3  # steps
OUT_OF_MEMORY = 3  # exit status of a measurement
OF_LOOP = {"ours": ours, **({"liger": liger} if LIGER else {}), **({"torch": torchs} if TORCH else {})}
ENGINES = ["ours", "trainer", *(name for name in OF_LOOP if name != "ours")]  # time may run out: what matters first


def measure(arguments: argparse.Namespace, name: str, engine: str) -> Row:
    """One engine on one shape, in this process."""
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    training = Training(
        sequence_length=arguments.sequence_length,
        batch_sequences=max(1, arguments.batch_sequences // WIDTHS[name]),
        micro_batch_sequences=max(1, arguments.micro_batch // WIDTHS[name]),
        learning_rate=0.003,
        precision="bf16",
        checkpoint_every=10**6,
        state_every=10**6,
        compile=arguments.compile,
    )
    with tempfile.TemporaryDirectory() as folder:
        task = Setting(shape(name), arguments.vocabulary, training, arguments.steps, device, Path(folder))
        flags: dict[str, Any]
        if engine == "trainer":
            flags = {"torch_compile": arguments.compile, "use_liger_kernel": LIGER}
            if LIGER and task.architecture.hidden_act != "silu":  # liger's layer would put SiLU in its place
                flags["liger_kernel_config"] = {"swiglu": False}
            measured = trainer(task, **flags)
        else:
            measured, flags = OF_LOOP[engine](task), {"compile": arguments.compile}
        seconds = statistics.median(measured.seconds(SKIPPED))
        peak = bf16_peak(device)
        return {
            "shape": name,
            "engine": engine,
            "flags": flags,
            "parameters": parameter_count(measured.model),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "torch": torch.__version__,
            "micro_batch": measured.micro_batch or training.micro_batch_sequences,
            "step_seconds": seconds,
            "tokens_per_second": training.batch_sequences * training.sequence_length / seconds,
            "model_flops_utilisation": task.flops(1) / seconds / peak if peak else None,
            "peak_memory_mb": peak_memory_mb(device),
        }


def main() -> None:
    """Print a table; FILE gets a line of JSON for each row, at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", default=["180M", "572M"], choices=WIDTHS)
    parser.add_argument("--engines", nargs="+", default=ENGINES, choices=ENGINES)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sequence-length", type=int, default=2048)
    parser.add_argument("--vocabulary", type=int, default=128256)
    parser.add_argument("--batch-sequences", type=int, default=128)
    parser.add_argument("--micro-batch", type=int, default=16)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--limit", type=float, help="seconds that each engine may take on a shape")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.getLogger("growmerge").setLevel(logging.WARNING)
    if arguments.one:
        _measure_one(arguments)
        return
    print("| shape | engine | micro-batch | tokens/s | of bf16 peak | peak memory (GB) |\n|---|---|---|---|---|---|")
    failed = 0
    for engine in arguments.engines:
        for name in arguments.shapes:
            r = _in_a_process(name, engine, arguments.micro_batch, arguments.limit)
            add(arguments.json, r)
            if "failed" in r:
                failed += 1
                print(f"| {name} | {engine} | failed: {r['failed']} | | | |", flush=True)
                continue
            used = f"{r['model_flops_utilisation']:.1%}" if r["model_flops_utilisation"] else "-"
            numbers = f"{r['micro_batch']} | {r['tokens_per_second']:,.0f} | {used} | {r['peak_memory_mb'] / 1000:.1f}"
            print(f"| {name} | {engine} | {numbers} |", flush=True)
    sys.exit(failed > 0)


def _measure_one(arguments: argparse.Namespace) -> None:
    try:
        result = measure(arguments, arguments.shapes[0], arguments.engines[0])
    except Exception as error:
        if is_out_of_memory(error):
            sys.exit(OUT_OF_MEMORY)
        raise
    arguments.json.write_text(json.dumps(result), encoding="utf-8")


def _in_a_process(name: str, engine: str, micro_batch: int, limit: float | None) -> Row:
    """What was measured, or `failed`: why the engine did not."""
    # Trainer would take all cards that it sees.
    one_card = {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        mine = ["--one", "--shapes", name, "--engines", engine, "--json", str(file), "--micro-batch", str(micro_batch)]
        command, environment = [sys.executable, __file__, *sys.argv[1:], *mine], os.environ | one_card
        try:
            run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=limit)
        except subprocess.TimeoutExpired:
            return {"shape": name, "engine": engine, "failed": f"took longer than {limit:.0f} s"}
        sys.stderr.write(run.stderr)
        if run.returncode == OUT_OF_MEMORY and micro_batch > WIDTHS[name]:
            return _in_a_process(name, engine, micro_batch // 2, limit)
        if run.returncode == OUT_OF_MEMORY:
            return {"shape": name, "engine": engine, "failed": "out of memory even with one sequence at a time"}
        if run.returncode:
            return {"shape": name, "engine": engine, "failed": last_line(run.stderr)}
        result: Row = json.loads(file.read_text(encoding="utf-8"))
        return result


if __name__ == "__main__":
    main()
