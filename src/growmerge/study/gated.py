"""What a study takes from the hub that asks for an account and consent. Pure: the hub is not asked."""

from __future__ import annotations

from growmerge.catalogue.gated import GATED
from growmerge.study.grid import Grid
from growmerge.study.preflight import needs_of


def gated_line(grid: Grid) -> str:
    """For dry-run and plan: what is known to be gated, each with its licence; empty if nothing is."""
    names = dict.fromkeys(need.name for need in needs_of(grid.study, grid))
    found = "; ".join(f"{name} ({GATED[name]})" for name in names if name in GATED)
    return f"Gated, so an account that has accepted the terms is needed (README.md): {found}." if found else ""
