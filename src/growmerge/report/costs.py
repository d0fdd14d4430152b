"""What the study was to cost, beside what it has cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from growmerge.artifacts import Manifest
from growmerge.errors import GrowmergeError
from growmerge.report.made import Made, size, wall_seconds
from growmerge.report.page import Cost, Counted
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.matching import match_compute
from growmerge.study.plan_report import gpu_hours
from growmerge.study.plan_rows import Row, plan_rows
from growmerge.study.shown import Shown

# Kind of row in the plan -> folder of the results.
FOLDERS = {
    "shards": "tokens",
    "base": "models",
    "clone": "models",
    "model": "models",
    "healed": "models",
    "external": "models",
    "coefficients": "statistics",
    "merge": "merges",
    "score": "scores",
}
# The order of the work; folders of other names follow.
ORDER = ("documents", "tokenizer", "tokens", "benchmarks", "models", "statistics", "tuning", "merges", "scores")
_LAST = len(ORDER)


def planned(grid: Grid, layout: Layout) -> tuple[Sequence[Row], str]:
    """The rows of the plan, from the sizes of corpora that the configuration states; without them none, and why."""
    study = grid.study
    try:
        costs = Costs(grid, stated_counts(study))
        matches = match_compute(costs, study.analysis.matching_bound)
        return plan_rows(grid, layout, costs, list(Shown(costs, matches).checkpoints.values())), ""
    except GrowmergeError as error:
        return [], str(error)


def costs(rows: Sequence[Row], made: Made, grid: Grid) -> list[Cost]:
    """One line a folder of results; merges that were scored in memory and not kept are in no folder."""
    plan = grid.study.plan
    found: list[Cost] = []
    by_folder = {folder: [row for row in rows if FOLDERS.get(row.kind) == folder] for folder in FOLDERS.values()}
    folders = dict.fromkeys([*made.by_folder, *(folder for folder, those in by_folder.items() if those)])
    for folder in sorted(folders, key=lambda name: (ORDER.index(name) if name in ORDER else _LAST, name)):
        those, manifests = by_folder.get(folder, []), made.by_folder.get(folder, [])
        if folder == "merges":  # those that are not kept take neither a place nor a job of their own
            those = [row for row in those if row.path is not None]
        if not those and not manifests:
            continue
        flops = sum(row.flops for row in those)
        found.append(
            Cost(
                folder,
                len(those) if those else None,
                flops if those else None,
                gpu_hours(flops, plan.peak_tflops, plan.utilisation) if those else None,
                len(manifests),
                _flops(manifests),
                sum(map(wall_seconds, manifests)) / 3600,
                sum(map(size, manifests)),
            )
        )
    return found


def _flops(manifests: Iterable[Manifest]) -> float | None:
    known = [float(manifest.facts["flops"]) for manifest in manifests if "flops" in manifest.facts]
    return sum(known) if known else None


def machines(made: Made) -> list[Counted]:
    """The machines that the artifacts were made on, by the hours they worked."""
    return counted(made, lambda manifest: [_machine(manifest)])


def _machine(manifest: Manifest) -> str:
    hardware = manifest.provenance.get("hardware") or {}
    gpus = Counter(hardware.get("gpus") or [])
    cards = ", ".join(f"{count} × {name}" for name, count in gpus.items()) or "no GPU in use"
    processor = hardware.get("processor") or hardware.get("machine", "unknown")
    return f"{processor}, {hardware.get('cpus', '?')} cores, {cards}"


def counted(made: Made, names: Callable[[Manifest], Iterable[str]]) -> list[Counted]:
    """How many artifacts, and hours, stand behind each of the names that manifests have; the most first."""
    artifacts: Counter[str] = Counter()
    hours: defaultdict[str, float] = defaultdict(float)
    for manifest in made.manifests.values():
        for name in names(manifest):
            artifacts[name] += 1
            hours[name] += wall_seconds(manifest) / 3600
    return [Counted(name, count, hours[name]) for name, count in artifacts.most_common()]
