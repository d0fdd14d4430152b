"""What models are scored on, as one file: hundreds of scorings then have one input each, not every benchmark's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from growmerge.artifacts import verify, write_atomically, write_manifest
from growmerge.errors import GrowmergeError


def write_listing(benchmarks: Sequence[Path], listing: Path) -> None:
    """List the folders {benchmark}/{language}, which stand beside `listing`; its manifest holds their digests."""
    cells = [(folder.parent.name, folder.name) for folder in benchmarks]
    write_atomically(listing, json.dumps(cells, indent=1) + "\n")
    write_manifest(listing.with_suffix(".manifest.json"), [listing.name], inputs=benchmarks)


def read_listing(listing: Path) -> dict[tuple[str, str], Path]:
    """(benchmark, language) -> the folder of its items.

    Raises GrowmergeError for a listing that is damaged, or if one of the folders is not there: as long as the listing
    is, Snakemake does not make them again.
    """
    verify(listing)
    cells = json.loads(listing.read_text(encoding="utf-8"))
    folders = {(benchmark, language): listing.parent / benchmark / language for benchmark, language in cells}
    for folder in folders.values():
        if not folder.exists():
            raise GrowmergeError(f"{folder}: is missing, though it is listed; remove {listing} and rerun to make both")
    return folders
