"""A plan as files: plan.csv for programs, plan.md for people."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from io import StringIO

from growmerge import ids
from growmerge.study.costs import Costs
from growmerge.study.coverage import languages_markdown
from growmerge.study.matching import Match
from growmerge.study.plan_files import files_line
from growmerge.study.plan_rows import ITEM_TEXTS, KINDS, TRAINED_BYTES, Row
from growmerge.study.plan_unimax import Changed, changed_markdown
from growmerge.study.tuning import TEXT_TOKENS

COLUMNS = ("id", "kind", "setup", "target", "method", "parameters", "tokens", "flops", "gpu_hours", "disk_bytes")
# A training keeps its last two states and writes a third: weights and two moments in fp32 each.
STATE_BYTES = 3 * 3 * TRAINED_BYTES
TEMPORARY = ("merge", "checkpoint")  # unless they are kept
TRAINED = ("base", "model", "healed")


def gpu_hours(flops: float, peak_tflops: float, utilisation: float) -> float:
    """Hours on one GPU."""
    return flops / (peak_tflops * 1e12 * utilisation) / 3600


def plan_csv(rows: Sequence[Row], costs: Costs) -> str:
    """One line an artifact, with the columns `COLUMNS`."""
    plan = costs.grid.study.plan
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for r in rows:
        hours = gpu_hours(r.flops, plan.peak_tflops, plan.utilisation)
        numbers = (r.parameters, r.tokens, f"{r.flops:.6g}", f"{hours:.6g}", r.disk_bytes)
        writer.writerow((r.id, r.kind, r.setup, r.target, r.method, *numbers))
    return text.getvalue()


def peak_disk(rows: Sequence[Row], *, keep_merges: bool) -> int:
    """Bytes at most: all that stays, the state of the largest training, and what is temporary, as one job needs it.

    That is the checkpoints from elsewhere of one step of a setup. Merges take disk only if they are kept.
    """
    merges = [row.disk_bytes for row in rows if row.kind == "merge" and not row.kept]
    stays = sum(row.disk_bytes for row in rows if row.kind not in TEMPORARY or row.kept)
    taken: Counter[tuple[str, int | None]] = Counter()
    for row in rows:
        if row.kind == "checkpoint":
            taken[row.setup, ids.split_step(row.id)[1]] += row.disk_bytes
    largest = max((row.parameters for row in rows if row.flops and row.kind in TRAINED), default=0)
    merged = sum(merges) if keep_merges else 0
    return stays + largest * STATE_BYTES + merged + max(taken.values(), default=0)


def missing_disk(rows: Sequence[Row], *, keep_merges: bool, begun: int, free: int) -> int:
    """Bytes that are missing to make what is not built yet, by `peak_disk`; 0 if there is room.

    `begun`: bytes that lie there already of what is not built; `free`: those that are free.
    """
    scored = {row.id for row in rows if row.kind == "score" and row.built}
    left = [row for row in rows if not row.built and not (row.path is None and row.id in scored)]
    if not any(row.kind == "score" for row in left):  # checkpoints from elsewhere are taken to be merged and scored
        left = [row for row in left if row.kind != "checkpoint"]
    return max(0, peak_disk(left, keep_merges=keep_merges) - begun - free)


def plan_markdown(
    rows: Sequence[Row],
    costs: Costs,
    matches: Sequence[Match],
    free_bytes: int,
    begun_bytes: int = 0,
    changed: Sequence[Changed] = (),
) -> str:
    """Totals, trainings, `changed` finished models and compute matching, for people. Bytes as in `missing_disk`."""
    study = costs.grid.study
    plan = study.plan
    by_kind = {kind: [row for row in rows if row.kind == kind] for kind in KINDS}
    lines = [
        f"# Plan of {study.study}",
        "",
        f"GPU hours on {plan.gpu} ({plan.peak_tflops:g} TFLOP/s bf16, {plan.utilisation:.0%} utilised); FLOPs as in "
        "Glocker et al. 2025, section 3.3. Sizes of corpora: from their token shards where these are built, else what "
        "the configuration expects.",
        "",
        f"Scores: every benchmark at its limit. An item that is scored by log-likelihoods counts as {ITEM_TEXTS} texts "
        f"of {TEXT_TOKENS} tokens, without few-shot examples. A translation counts as its prompt, a source after the "
        f"examples' sources and translations, each a text of {TEXT_TOKENS} tokens, and as `max_new_tokens` new tokens, "
        "an upper bound, one at a time with a cache. That uses less of a GPU than stated above: it takes more hours.",
        "",
        "| kind | number | built | tokens | FLOPs | GPU hours | disk |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(_total(kind, found, costs) for kind, found in by_kind.items() if found or kind != "healed"),
        _total(
            "all",
            [r for r in rows if r.kind not in TEMPORARY or r.kept or (r.kind == "merge" and study.merging.keep)],
            costs,
        ),
        "",
        *_disk(rows, study.merging.keep, free_bytes, begun_bytes),
        "",
        files_line(rows, costs),
        *languages_markdown(costs),
        "",
        "## Trainings",
        "",
        "| model | parameters | steps | warm-up | decay from | checkpoint every | tokens | FLOPs | with ancestors |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_training(model.id, costs) for model in costs.grid.trained),
        *changed_markdown(changed, study.unimax),
        "",
        "## What costs the same",
        "",
        "The last checkpoint of the cheaper setup, and the dearer one's saved checkpoint with the nearest cost, "
        f"ancestors included. Excluded: even its first checkpoint costs over {study.analysis.matching_bound:.0%} more.",
        "",
        "| target | cheaper | its steps | dearer | matched step | cost | |",
        "|---|---|--:|---|--:|--:|---|",
        *(_matched(match) for match in matches),
    ]
    if not matches:
        lines.append("\nNothing: fewer than two setups are trained here from corpora whose size is known.")
    return "\n".join(lines) + "\n"


def _total(kind: str, rows: Sequence[Row], costs: Costs) -> str:
    plan = costs.grid.study.plan
    flops = sum(row.flops for row in rows)
    hours = gpu_hours(flops, plan.peak_tflops, plan.utilisation)
    built = sum(row.built for row in rows)
    tokens = sum(row.tokens for row in rows)
    disk = readable_bytes(sum(row.disk_bytes for row in rows))
    return f"| {kind} | {len(rows)} | {built} | {tokens:.4g} | {flops:.4g} | {hours:,.4g} | {disk} |"


def _disk(rows: Sequence[Row], keep: bool, free: int, begun: int) -> list[str]:
    peaks = {kept: peak_disk(rows, keep_merges=kept) for kept in (False, True)}
    built = sum(row.disk_bytes for row in rows if row.built)
    missing = missing_disk(rows, keep_merges=keep, begun=begun, free=free)
    lines = [
        f"Peak of disk: {readable_bytes(peaks[False])} with temporary merges, {readable_bytes(peaks[True])} with kept "
        f"ones (configured: {'kept' if keep else 'temporary'}); every further job at a time holds as many "
        f"checkpoints from elsewhere or training states. There {readable_bytes(free)} are free, "
        f"{readable_bytes(built)} of it are built, and {readable_bytes(begun)} begun."
    ]
    if missing:
        lines.append(f"\n**It does not fit: {readable_bytes(missing)} are missing.**")
    return lines


def _training(model_id: str, costs: Costs) -> str:
    schedule = costs.schedule(model_id)
    steps = schedule.steps
    numbers = [
        f"{costs.parameters(costs.grid.model(model_id).width):,}",
        *(f"{n:,}" for n in (steps, schedule.warmup, steps - schedule.decay, costs.recipes.checkpoint_every(model_id))),
        *(f"{n:.4g}" for n in (costs.tokens(steps), costs.flops(model_id, steps), costs.total_flops(model_id))),
    ]
    return f"| {model_id} | {' | '.join(numbers)} |"


def _matched(match: Match) -> str:
    verdict = "excluded" if match.excluded else ""
    return (
        f"| {match.target} | {match.cheaper} | {match.cheaper_step:,} | {match.dearer} | {match.matched_step:,} "
        f"| {match.relative_difference:+.1%} | {verdict} |"
    )


def readable_bytes(count: int) -> str:
    """In the unit that leaves one to three digits before the point."""
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}"
