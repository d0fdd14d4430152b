"""How long a study takes on a number of GPUs, and what of it cannot be shortened by more of them. Pure, without torch.

The model: a training takes its FLOPs at `plan.utilisation` of the peak, on the GPUs that it requests (`training_gpus`,
at most those that there are); scoring takes one GPU, and all merges of a combination that are made together are one
job. A job starts when what it needs is made and enough GPUs are free. If several can start, the one with the longest
chain of jobs behind it starts first. Text, downloads, tables, the start of a job, merges themselves (on a CPU) and a
cluster's queue take no time.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from growmerge import ids
from growmerge.study.costs import Costs
from growmerge.study.duration import readable_time
from growmerge.study.grid import Model
from growmerge.study.plan_rows import Row
from growmerge.study.resources import NODE_GPUS, training_gpus


@dataclass
class Task:
    """A job on `gpus` GPUs for so many hours, which begins when all that it `needs` are done."""

    gpus: int = 1
    hours: float = 0.0
    needs: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Timing:
    """Hours until all is done; of the longest chain of jobs; and of all work, if no GPU were ever idle."""

    hours: float
    chain: tuple[str, ...]
    chain_hours: float
    work_hours: float


def timing(rows: Sequence[Row], costs: Costs, gpus: int) -> Timing:
    """The time for all rows that are not built yet."""
    tasks = tasks_of(rows, costs, gpus)
    behind = _behind(tasks)
    chain = _chain(tasks, behind)
    work = sum(task.hours * task.gpus for task in tasks.values()) / gpus
    return Timing(_simulated(tasks, behind, gpus), chain, max(behind.values(), default=0.0), work)


def time_lines(found: Timing, gpus: int) -> list[str]:
    """The section of the report."""
    chain = " → ".join(found.chain)
    return [
        f"## Time on {gpus} GPU{'s' if gpus > 1 else ''}",
        "",
        f"What is not built yet takes {_readable(found.hours)}. The longest chain of jobs alone takes "
        f"{_readable(found.chain_hours)}{f' ({chain})' if chain else ''}; all work takes "
        f"{_readable(found.work_hours)} if no GPU is ever idle. A training takes the GPUs that it requests, a job that "
        "scores takes one; text, downloads, tables, the start of a job, merges themselves and the queue of a cluster "
        "are not counted.",
    ]


def _readable(hours: float) -> str:
    return readable_time(3600 * hours)


def tasks_of(rows: Sequence[Row], costs: Costs, gpus: int) -> dict[str, Task]:
    """The jobs by name: the id of a model, `score ...`, `coefficients ...`."""
    plan, grid = costs.grid.study.plan, costs.grid
    models: dict[str, Model] = {m.id: m for m in [*grid.kept.values(), *grid.models, *grid]}
    trained = {model.id for model in grid.trained}
    per_hour = plan.peak_tflops * 1e12 * plan.utilisation * 3600
    most = max(number for number in NODE_GPUS if number <= gpus)
    tasks: defaultdict[str, Task] = defaultdict(Task)
    for row in rows:
        if row.built or row.kind in ("shards", "checkpoint") or (row.path is None and row.kind != "score"):
            continue
        model = models.get(row.id) or models[ids.split_step(row.id)[0]]  # checkpoints of trainings are in no grid
        task = tasks[_name(row)]
        if row.id in trained and row.kind != "score":
            task.gpus = min(training_gpus(costs, row.id), most)
        task.hours += row.flops / per_hour / task.gpus
        task.needs |= {ids.split_step(parent)[0] for parent in model.parents}
        if row.kind == "score":
            task.needs |= {model.id, f"coefficients {model.id}"}
        elif row.kind == "merge":
            task.needs.add(f"coefficients {model.id}")
    for name, task in tasks.items():
        task.needs = {need for need in task.needs if need in tasks and need != name}
    return dict(tasks)


def _name(row: Row) -> str:
    if row.kind == "score":
        return f"score {row.job}"
    return f"coefficients {row.id}" if row.kind == "coefficients" else row.id


def _order(tasks: Mapping[str, Task]) -> list[str]:
    return list(TopologicalSorter({name: task.needs for name, task in tasks.items()}).static_order())


def _behind(tasks: Mapping[str, Task]) -> dict[str, float]:
    """Hours of the longest chain that begins with each task."""
    behind = {name: task.hours for name, task in tasks.items()}
    for name in reversed(_order(tasks)):
        for need in tasks[name].needs:
            behind[need] = max(behind[need], tasks[need].hours + behind[name])
    return behind


def _chain(tasks: Mapping[str, Task], behind: Mapping[str, float]) -> tuple[str, ...]:
    """The longest chain, without what takes no time."""
    chain: list[str] = []
    following = list(tasks)
    while following:
        chain.append(max(following, key=behind.__getitem__))
        following = [name for name, task in tasks.items() if chain[-1] in task.needs]
    return tuple(name for name in chain if tasks[name].hours)


def _simulated(tasks: Mapping[str, Task], behind: Mapping[str, float], gpus: int) -> float:
    """Hours until the last task is done."""
    left = {name: len(task.needs) for name, task in tasks.items()}
    followers: dict[str, list[str]] = {name: [] for name in tasks}
    for name, task in tasks.items():
        for need in task.needs:
            followers[need].append(name)
    ready = [(-behind[name], name) for name, count in left.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now, free = 0.0, gpus
    while ready or running:
        too_large = []
        while ready and free:
            first = heapq.heappop(ready)
            task = tasks[first[1]]
            if task.gpus > free:
                too_large.append(first)
                continue
            free -= task.gpus
            heapq.heappush(running, (now + task.hours, first[1]))
        for waiting in too_large:
            heapq.heappush(ready, waiting)
        now, done = heapq.heappop(running)
        free += tasks[done].gpus
        for follower in followers[done]:
            left[follower] -= 1
            if not left[follower]:
                heapq.heappush(ready, (-behind[follower], follower))
    return now
