"""What models are scored on, as one file."""

import json
import shutil

import pytest

from growmerge.artifacts import publish, read_manifest
from growmerge.benchmarks.listing import read_listing, write_listing
from growmerge.errors import GrowmergeError


@pytest.fixture
def benchmarks(tmp_path):
    folders = [tmp_path / "benchmarks" / name for name in ("parity/swe", "facts/swe", "parity/eng")]
    for folder in folders:
        with publish(folder) as draft:
            (draft.folder / "items").write_text(str(folder))
    return folders


def test_a_listing_gives_the_folders_and_their_digests(benchmarks):
    listing = benchmarks[0].parents[1] / "listing.json"
    write_listing(benchmarks, listing)
    assert read_listing(listing) == dict(
        zip([("parity", "swe"), ("facts", "swe"), ("parity", "eng")], benchmarks, strict=True)
    )
    assert read_manifest(listing).inputs == {str(folder): read_manifest(folder).digest for folder in benchmarks}


def test_a_damaged_listing_is_refused(benchmarks):
    listing = benchmarks[0].parents[1] / "listing.json"
    write_listing(benchmarks, listing)
    listing.write_text(json.dumps([["parity", "swe"]]))
    with pytest.raises(GrowmergeError, match=r"listing\.json: has .* bytes, its manifest says"):
        read_listing(listing)


def test_a_benchmark_that_was_removed_is_named_with_what_makes_it_again(benchmarks):
    """Snakemake does not: jobs that score have the listing as their input, and that is there."""
    listing = benchmarks[0].parents[1] / "listing.json"
    write_listing(benchmarks, listing)
    shutil.rmtree(benchmarks[1])
    with pytest.raises(GrowmergeError, match=rf"^{benchmarks[1]}: is missing, .*; remove {listing} and rerun"):
        read_listing(listing)
