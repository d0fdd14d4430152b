"""What a preflight found, as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from growmerge.study.preflight import Need

State = Literal["missing", "no access", "no answer", "there"]
FAILED: tuple[State, ...] = ("missing", "no access", "no answer")
_NAMED_BY = 3  # keys of the configuration that a line names


@dataclass(frozen=True)
class Finding:
    """What became of a need: `remarks` say what is missing, with the nearest name, or why there was no answer.

    `unpinned` is the commit at which the revision stands now, where it can move; else empty.
    """

    state: State
    remarks: Sequence[str] = ()
    gated: bool = False
    unpinned: str = ""


def preflight_markdown(study: str, asked: str, found: Mapping[Need, Finding], named: Mapping[Need, list[str]]) -> str:
    """The table, first what is missing; `asked` says who was asked, and as whom."""
    counts = Counter(finding.state for finding in found.values())
    gated = sum(finding.gated for finding in found.values())
    unpinned = sum(bool(finding.unpinned) for finding in found.values())
    order = sorted(found, key=lambda need: (*FAILED, "there").index(found[need].state))
    summary = ", ".join(f"{counts[state]} {state}" for state in ("there", *FAILED))
    lines = [
        f"# Preflight of {study}",
        "",
        f"{asked} {summary}; {gated} gated, {unpinned} unpinned.",
        "",
        "| state | what | | named by |",
        "|---|---|---|---|",
        *(_line(need, found[need], named[need]) for need in order),
    ]
    return "\n".join(lines) + "\n"


def described(need: Need) -> str:
    """`blimp@main, config adjunct_island, split train`: what a need is called in lines for people."""
    kind = {"rows": "data set", "files": "files"}.get(need.kind, need.kind)
    name = f"{need.name}@{need.revision}" if need.revision else need.name
    splits = ", ".join(need.splits)
    details = [f"config {need.config}" if need.config else "", f"split {splits}" if splits else ""]
    return f"{kind} {', '.join(filter(None, [name, *details]))}"


def _line(need: Need, finding: Finding, keys: Sequence[str]) -> str:
    remarks = [
        *finding.remarks,
        "gated, this account has access" if finding.gated and finding.state != "no access" else "",
        f"unpinned, now at {finding.unpinned[:12]}" if finding.unpinned else "",
    ]
    more = f" and {len(keys) - _NAMED_BY} more" if len(keys) > _NAMED_BY else ""
    cells = [finding.state, described(need), "; ".join(filter(None, remarks)), ", ".join(keys[:_NAMED_BY]) + more]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
