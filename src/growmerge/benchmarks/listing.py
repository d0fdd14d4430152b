"""What models are scored on in a language, as one file: hundreds of scorings have it as input, not every benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from growmerge.artifacts import verify, write_atomically, write_manifest
from growmerge.errors import GrowmergeError


def write_listing(benchmarks: Sequence[Path], places: Sequence[int], listing: Path) -> None:
    """List the folders {benchmark}/{language}, in the folder above that of `listing`; its manifest holds their digests.

    `places` are those of the benchmarks in the configuration.
    """
    cells = [(place, folder.parent.name, folder.name) for place, folder in zip(places, benchmarks, strict=True)]
    write_atomically(listing, json.dumps(cells, indent=1) + "\n")
    write_manifest(listing.with_suffix(".manifest.json"), [listing.name], inputs=benchmarks)


def read_listings(listings: Iterable[Path]) -> dict[tuple[str, str], Path]:
    """(benchmark, language) -> the folder of its items, of several languages: benchmarks as in the configuration.

    The languages of a benchmark are in the order of `listings`. Raises GrowmergeError for a listing that is damaged, or
    if a folder is missing: Snakemake does not make it again as long as the listing exists.
    """
    cells: list[tuple[int, str, str, Path]] = []
    for listing in listings:
        verify(listing)
        of_language = json.loads(listing.read_text(encoding="utf-8"))
        for place, benchmark, language in of_language:
            folder = listing.parents[1] / benchmark / language
            if not folder.exists():
                raise GrowmergeError(
                    f"{folder}: is missing, though it is listed; remove {listing} and rerun to make both"
                )
            cells.append((place, benchmark, language, folder))
    return {(benchmark, language): folder for _, benchmark, language, folder in sorted(cells, key=lambda cell: cell[0])}
