"""Typological distances from a wheel of the shape of lang2vec's, and from tables."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from growmerge.config.comparison import Typology
from growmerge.errors import GrowmergeError
from growmerge.tables.typology import typological_distances

FEATURES = ["S_SVO", "P_UVULAR", "INV_OPEN_BACK", "GEO_NORTH", "S_SOV", "INV_CLICK"]
VALUES = {"est": [1, 0, 1, 9, 1, 0], "swe": [1, 1, 1, 1, 0, 0], "pes": [0, 1, 0.5, 5, 1, 0]}
COMPARED = [0, 1, 2, 4, 5]  # syntax, phonology and inventories


@pytest.fixture
def package(tmp_path) -> Path:
    """A wheel with the file that lang2vec 1.1.2 keeps its imputed features in, in the same layout."""
    data = io.BytesIO()
    values = np.array(list(VALUES.values()), dtype=np.float32)[:, :, None]
    np.savez(data, langs=np.array(list(VALUES)), feats=np.array(FEATURES), data=values, sources=np.array(["predicted"]))
    folder = tmp_path / "lang2vec-1.1.2"
    folder.mkdir()
    with zipfile.ZipFile(folder / "lang2vec-1.1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("lang2vec/data/feature_predictions.npz", data.getvalue())
    return folder


def test_distance_is_one_minus_the_cosine_of_syntax_phonology_and_inventory(package) -> None:
    table = typological_distances(package, ["ekk", "fas", "swe"], {"ekk": "est", "fas": "pes"})
    found = {(row.first, row.second): row.distance for row in table.itertuples()}
    assert list(found) == [("ekk", "fas"), ("ekk", "swe"), ("fas", "swe")]
    for (first, second), distance in found.items():
        one, other = (
            np.array(VALUES[{"ekk": "est", "fas": "pes"}.get(code, code)])[COMPARED] for code in (first, second)
        )
        assert distance == pytest.approx(cosine(one, other))


def test_a_language_that_is_not_there_has_no_distance(package) -> None:
    table = typological_distances(package, ["swe", "xxx", "ekk"], {"ekk": "est"})
    assert table["distance"].isna().tolist() == [True, False, True]


def test_a_table_gives_distances_in_either_order(tmp_path) -> None:
    path = tmp_path / "distances.csv"
    path.write_text("second,first,distance,note\nswe,isl,0.1,near\nest,swe,0.3,\n", encoding="utf-8")
    table = typological_distances(path, ["swe", "isl", "ekk"], {"ekk": "est"})
    assert table["distance"].tolist()[:2] == [0.1, 0.3]
    assert np.isnan(table["distance"][2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first,second\nswe,isl\n", "no column 'distance'"),
        ("first,second,distance\nswe,isl,far\n", "something else than numbers"),
        ("first,second,distance\nswe,isl,1\nisl,swe,2\n", "isl and swe is there twice"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, message) -> None:
    path = tmp_path / "distances.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GrowmergeError, match=message):
        typological_distances(path, ["swe", "isl"], {})


def test_a_package_without_vectors_is_refused(tmp_path, package) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(GrowmergeError, match="holds no wheel of lang2vec"):
        typological_distances(tmp_path / "empty", ["swe", "isl"], {})
    with zipfile.ZipFile(next(package.glob("*.whl")), "w") as wheel:
        wheel.writestr("lang2vec/__init__.py", "")
    with pytest.raises(GrowmergeError, match="has no readable lang2vec/data/feature_predictions"):
        typological_distances(package, ["swe", "isl"], {})


def test_one_source_is_needed() -> None:
    for sources in ({}, {"package": "lang2vec", "table": "distances.csv"}):
        with pytest.raises(ValueError, match="either `package` or `table`"):
            Typology(**sources)
