"""Typological distances of languages: from lang2vec's vectors, or from a table of one's own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.errors import GrowmergeError

VECTORS = "lang2vec/data/feature_predictions.npz"  # features with kNN imputation
COLUMNS = ("first", "second", "distance")

Vectors = Mapping[str, NDArray[np.float64]]


def typological_distances(source: Path, languages: Sequence[str], codes: Mapping[str, str]) -> pd.DataFrame:
    """Distances of all pairs of `languages`: columns `COLUMNS`, a row for each pair in the order of `languages`.

    `source` is a folder with the wheel of lang2vec (see `lang2vec_distance`) or a CSV file with the columns `COLUMNS`,
    each pair in either order. `codes` maps languages to what they are called there, where that differs. A pair that
    the source does not have is NaN. Raises GrowmergeError for a damaged file, or a pair that is there twice.
    """
    called = {language: codes.get(language, language) for language in languages}
    if source.is_dir():
        vectors = read_lang2vec(source, list(called.values()))
        found = {
            frozenset(p): lang2vec_distance(*(vectors.get(x) for x in p)) for p in combinations(called.values(), 2)
        }
    else:
        found = _read_table(source)
    rows = [
        (first, second, found.get(frozenset((called[first], called[second])), np.nan))
        for first, second in combinations(languages, 2)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_lang2vec(folder: Path, codes: Sequence[str]) -> Vectors:
    """The syntax, phonology and inventory features of languages (ISO 639-3), imputed from their nearest neighbours.

    Read from the wheel of lang2vec in `folder` (Littell et al. 2017), which is not installed; languages that it does
    not have are left out. Raises GrowmergeError if the wheel or the file in it is not there.
    """
    wheels = sorted(folder.glob("lang2vec-*.whl"))
    if not wheels:
        raise GrowmergeError(f"{folder}: holds no wheel of lang2vec; name that package in comparison.typology.package")
    try:
        with zipfile.ZipFile(wheels[-1]) as wheel, np.load(io.BytesIO(wheel.read(VECTORS)), allow_pickle=False) as file:
            languages, features, values = file["langs"], file["feats"], file["data"][:, :, 0]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise GrowmergeError(f"{wheels[-1]}: has no readable {VECTORS} ({error}); take lang2vec 1.1.2") from error
    compared = np.array([str(feature).startswith(("S_", "P_", "INV_")) for feature in features])
    rows = {str(language): index for index, language in enumerate(languages)}
    return {code: values[rows[code], compared].astype(np.float64) for code in codes if code in rows}


def lang2vec_distance(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None) -> float:
    """One minus the cosine of two feature vectors, as in DistaLs (van der Goot et al. 2025); NaN if one is missing."""
    if one is None or other is None:
        return float("nan")
    return float(1 - one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def _read_table(path: Path) -> dict[frozenset[str], float]:
    try:
        table = pd.read_csv(
            path, dtype={"first": str, "second": str}, keep_default_na=False, na_values={"distance": [""]}
        )
    except (OSError, ValueError) as error:
        raise GrowmergeError(f"{path}: cannot be read as CSV ({error})") from error
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise GrowmergeError(f"{path}: no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
    if not pd.api.types.is_numeric_dtype(table["distance"]):
        raise GrowmergeError(f"{path}: column 'distance' holds something else than numbers")
    found: dict[frozenset[str], float] = {}
    for row in table.itertuples():
        pair = frozenset((row.first, row.second))
        if pair in found:
            raise GrowmergeError(f"{path}: the distance of {row.first} and {row.second} is there twice; keep one")
        found[pair] = float(row.distance)
    return found
