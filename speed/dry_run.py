"""How long a dry-run of a grid takes, against bare Snakemake on the same graph of jobs.

    python speed/dry_run.py [--rounds 5] [--json FILE] [-- --configfile config/miniature.yaml large.yaml]

Run by hand, in a clone without results; `speed/large_grid.py` makes large grids. The bare workflow has as many rules
with the same directives, and each of its jobs as many inputs and outputs, from the same jobs; it has no configuration,
and its functions return constants. What it takes is Snakemake's, the rest is ours. The two alternate. The table has
medians of the processor's seconds, which depend less than those of the clock on what else the machine does, and the
largest memory. Targets: at most 2 ms a job at 600 jobs, and at most 1 ms a job of ours at 10,000 jobs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from lines import add_comparison
from processes import ROOT, Run, run

EMPTY = "rule all:\n    output: 'all'\n    shell: 'touch {output}'\n"
BARE = """
import gc, json
gc.set_threshold(1_000_000, 50, 50)
JOBS = json.load(open("jobs.json"))
rule all:
    input: JOBS["targets"]
"""
RULE = """
rule {name}:
    input: lambda w: JOBS["jobs"]["{name}"][int(w.n)]
    output: [f"{name}/{{{{n}}}}.{{k}}" for k in range({outputs})]
    log: "logs/{name}/{{n}}.log"
    benchmark: "times/{name}/{{n}}.tsv"
    wildcard_constraints: n="[0-9]+"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 1000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params: number=lambda w: w.n
    message: "Job {{wildcards.n}}"
    script: "nothing.py"
"""
# A dry-run that writes (rule, inputs, outputs) of all jobs to its first argument.
LIST = """
import json, sys
from snakemake.cli import main
from snakemake.dag import DAG
path, stats = sys.argv.pop(1), DAG.stats
def listed(dag, *arguments, **options):
    jobs = [(job.rule.name, [*map(str, job.input)], [*map(str, job.output)]) for job in dag.jobs]
    json.dump(jobs, open(path, "w"))
    return stats(dag, *arguments, **options)
DAG.stats = listed
main()
"""


def snakemake(folder: Path, *arguments: str) -> Run:
    """Run it in a folder, on this clone's sources. Raises CalledProcessError if it fails."""
    return run([sys.executable, "-m", "snakemake", "--nocolor", *arguments], folder)


def graph(jobs: list[tuple[str, list[str], list[str]]]) -> dict[str, Any]:
    """From (rule, inputs, outputs) of all jobs: by rule, the inputs of each job; and the files that no job needs.

    Files are named by rule, number of the job, and number among its outputs.
    """
    by_rule: dict[str, list[tuple[list[str], list[str]]]] = defaultdict(list)
    for rule, needed, made in jobs:
        if made:
            by_rule[rule].append((needed, made))
    names = {
        file: f"{rule}/{n}.{place}"
        for rule, of_rule in by_rule.items()
        for n, (_, made) in enumerate(of_rule)
        for place, file in enumerate(made)
    }
    inputs = {
        rule: [[names[file] for file in needed if file in names] for needed, _ in of_rule]
        for rule, of_rule in by_rule.items()
    }
    needed_by_some = {file for of_rule in inputs.values() for needed in of_rule for file in needed}
    return {
        "jobs": inputs,
        "outputs": {rule: max(len(made) for _, made in of_rule) for rule, of_rule in by_rule.items()},
        "targets": sorted({*names.values()} - needed_by_some),
    }


def bare(folder: Path, arguments: list[str]) -> int:
    """Write the bare workflow of a grid into a folder; returns the number of jobs."""
    listed = folder / "listed.json"
    run([sys.executable, "-c", LIST, str(listed), "-n", "all", *arguments], ROOT)
    found = graph(json.loads(listed.read_text()))
    (folder / "jobs.json").write_text(json.dumps(found))
    rules = [RULE.format(name=name, outputs=count) for name, count in found["outputs"].items()]
    (folder / "nothing.py").touch()
    (folder / "Snakefile").write_text(BARE + "".join(rules))
    return sum(map(len, found["jobs"].values())) + 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="a file that gets the comparison")
    parser.add_argument("arguments", nargs="*", help="for Snakemake, such as --profile laptop")
    options = parser.parse_args()
    runs: dict[str, list[Run]] = {"empty": [], "bare": [], "ours": []}
    with tempfile.TemporaryDirectory() as scratch:
        empty, same = Path(scratch, "empty"), Path(scratch, "bare")
        empty.mkdir()
        same.mkdir()
        (empty / "Snakefile").write_text(EMPTY)
        jobs = bare(same, options.arguments)
        for _ in range(options.rounds):
            runs["empty"].append(snakemake(empty, "-n"))
            runs["bare"].append(snakemake(same, "-n", "all"))
            runs["ours"].append(snakemake(ROOT, "-n", "all", *options.arguments))
    seconds = {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}
    for name in ("bare", "ours"):
        beyond = 1000 * (seconds[name] - seconds["empty"]) / jobs
        memory = max(run.memory for run in runs[name])
        spread = sorted(run.seconds for run in runs[name])
        print(
            f"{name}: {jobs} jobs in {seconds[name]:.2f} s ({spread[0]:.2f} to {spread[-1]:.2f} in {options.rounds} "
            f"rounds), {beyond:.2f} ms a job beyond an empty workflow's {seconds['empty']:.2f} s, {memory:.0f} MiB"
        )
    more = 1000 * (seconds["ours"] - seconds["bare"]) / jobs
    print(f"ours over bare: {seconds['ours'] / seconds['bare']:.2f}, {more:.2f} ms a job")
    took = {name: [run.seconds for run in of] for name, of in runs.items()}
    add_comparison(options.json, f"a dry-run of {jobs:,} jobs", "bare Snakemake", took["ours"], took["bare"])


if __name__ == "__main__":
    main()
