"""What models are scored on in a language, as one file."""

import json
import shutil

import pytest

from growmerge.artifacts import publish, read_manifest
from growmerge.benchmarks.listing import read_listings, write_listing
from growmerge.errors import GrowmergeError

ORDER = ("parity", "facts", "word_order", "pairs")


@pytest.fixture
def benchmarks(tmp_path):
    cells = ("parity/eng", "pairs/eng", "parity/swe", "facts/swe", "facts/isl", "word_order/isl", "pairs/isl")
    folders = [tmp_path / "benchmarks" / name for name in cells]
    for folder in folders:
        with publish(folder) as draft:
            (draft.folder / "items").write_text(str(folder))
    return folders


@pytest.fixture
def listings(benchmarks):
    listings = {code: benchmarks[0].parents[1] / f"listings/{code}.json" for code in ("eng", "swe", "isl")}
    for code, listing in listings.items():
        of_language = [folder for folder in benchmarks if folder.name == code]
        write_listing(of_language, [ORDER.index(folder.parent.name) for folder in of_language], listing)
    return listings


def test_a_listing_gives_the_folders_of_a_language_and_their_digests(benchmarks, listings):
    swedish = benchmarks[2:4]
    cells = [("parity", "swe"), ("facts", "swe")]
    assert read_listings([listings["swe"]]) == dict(zip(cells, swedish, strict=True))
    assert read_manifest(listings["swe"]).inputs == {str(folder): read_manifest(folder).digest for folder in swedish}


def test_listings_of_several_languages_are_read_benchmark_by_benchmark_as_configured(benchmarks, listings):
    cells = read_listings(listings.values())
    assert list(cells) == [
        *(("parity", code) for code in ("eng", "swe")),
        *(("facts", code) for code in ("swe", "isl")),
        ("word_order", "isl"),
        *(("pairs", code) for code in ("eng", "isl")),
    ]
    assert set(cells.values()) == set(benchmarks)
    assert read_listings([]) == {}


def test_a_damaged_listing_is_refused(listings):
    listings["swe"].write_text(json.dumps([[0, "parity", "swe"]]))
    with pytest.raises(GrowmergeError, match=r"listings/swe\.json: has .* bytes, its manifest says"):
        read_listings(listings.values())


def test_a_benchmark_that_was_removed_is_named_with_what_makes_it_again(benchmarks, listings):
    """Snakemake does not: jobs that score have the listing as their input, and that is there."""
    removed = benchmarks[2]
    shutil.rmtree(removed)
    with pytest.raises(GrowmergeError, match=rf"^{removed}: is missing, .*; remove {listings['swe']} and rerun"):
        read_listings(listings.values())
