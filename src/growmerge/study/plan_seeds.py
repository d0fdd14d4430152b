"""What each seed of a study adds to its plan. Pure, without torch."""

from __future__ import annotations

from collections.abc import Sequence

from growmerge import ids
from growmerge.study.costs import Costs
from growmerge.study.plan_rows import Row


def seeds_markdown(rows: Sequence[Row], costs: Costs) -> list[str]:
    """A table of the seeds for people; nothing in a study with one."""
    seeds, plan = costs.grid.replicates.seeds, costs.grid.study.plan
    if len(seeds) == 1:
        return []
    lines = [
        "",
        "## Seeds",
        "",
        "With further seeds, models are trained, merged and scored again. Text, tokenizer, benchmarks are made once.",
        "",
        "| seed | trainings | scores | FLOPs | GPU hours |",
        "|---|--:|--:|--:|--:|",
    ]
    trained = {model.id for model in costs.grid.trained}
    for seed in seeds:
        own = None if seed == seeds[0] else seed
        found = [row for row in rows if ids.split_seed(row.id)[1] == own]
        trainings = sum(row.id in trained and row.kind != "score" for row in found)
        scores, flops = sum(row.kind == "score" for row in found), sum(row.flops for row in found)
        hours = flops / (plan.peak_tflops * 1e12 * plan.utilisation) / 3600
        name = f"{seed}, and what is made once" if own is None else f"{seed}, in addition"
        lines.append(f"| {name} | {trainings} | {scores} | {flops:.4g} | {hours:,.4g} |")
    return lines
