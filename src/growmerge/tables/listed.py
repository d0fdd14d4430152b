"""What a table of scores lists: which rows are items of which cell.

It is the same for all models that were scored on the same items, and grouping rows takes longer than anything that is
computed from them. So it is found once for the models that share it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growmerge.catalogue.entry import BITS_PER_BYTE, PARITY, Normalisation
from growmerge.errors import GrowmergeError
from growmerge.evaluation.outcomes import Candidates, Documents, lengths
from growmerge.ids import is_parity_reference, parity_reference

KEYS = ("benchmark", "language", "item", "candidate")  # what no two rows have in common
_ABOUT = (*KEYS, "subset", "tokens", "characters", "bytes")
# Listings that are remembered, and rows of them: the models of a combination follow one another, and a table of a large
# benchmark has 400,000 rows. The last listing is always remembered.
_AT_ONCE = 64
_ROWS_AT_ONCE = 500_000

Cell = tuple[str, str]  # (benchmark, language)
Places = NDArray[np.intp]
Values = NDArray[np.float64]


class Parallel(NamedTuple):
    """The sentences of a benchmark of information parity in a language.

    Attributes:
        benchmark: its name.
        language: their language.
        rows: the places of their rows, shape (n,).
        items: their names.
        english: the log-probabilities of their English sides by the reference model, shape (n,); NaN if there is none.
        lacking: how many of them have no English side.
    """

    benchmark: str
    language: str
    rows: Places
    items: pd.Index
    english: Values
    lacking: int


class Pairs(NamedTuple):
    """Items of which one candidate is right.

    Attributes:
        rows: the places of their rows.
        lengths: what to divide the log-probability of each row by.
        candidates: which of these rows belong together.
        cells: by benchmark and language, the places of its items.
        strata: by measure and language, the places of all items, and by name those of each group of items (in a
            measure with several benchmarks, of each benchmark).
    """

    rows: Places
    lengths: Values
    candidates: Candidates
    cells: dict[Cell, Places]
    strata: dict[tuple[str, str], tuple[Places, dict[str, Places]]]

    def judge(self, logprobs: Values) -> tuple[Values, NDArray[np.bool_]]:
        """Which items are right, and which are ties, by the log-probabilities of all rows of the table."""
        return self.candidates.judge(logprobs[self.rows] / self.lengths)


class Texts(NamedTuple):
    """Held-out text: the places of its rows, and which of these belong to one document."""

    rows: Places
    documents: Documents


@dataclass(frozen=True)
class Listed:
    """The rows of a score table without log-probabilities, and what follows from them.

    Attributes:
        rows: the columns `_ABOUT`, as far as the table has them.
        measured: by benchmark, the measure and how log-probabilities of its candidates are normalised; a benchmark
            that is not named is a measure by itself, by summed log-probability.
        reference: scores of the English sides, see `growmerge.tables.summary.summarise`.
    """

    rows: pd.DataFrame
    measured: Mapping[str, tuple[str, Normalisation]]
    reference: pd.DataFrame

    @cached_property
    def _measure(self) -> NDArray[np.object_]:
        measures = {benchmark: measure for benchmark, (measure, _) in self.measured.items()}
        return np.array([measures.get(name, name) for name in self.rows["benchmark"]], dtype=object)

    @cached_property
    def several(self) -> frozenset[str]:
        """The measures that have several benchmarks."""
        counted = Counter(measure for measure, _ in self.measured.values())
        return frozenset(measure for measure, count in counted.items() if count > 1)

    @cached_property
    def parallel(self) -> tuple[Parallel, ...]:
        """The sentences of information parity, by language and benchmark, in the order of their rows."""
        places = np.flatnonzero(self._measure == PARITY)
        rows = self.rows.iloc[places]
        sides = {parity_reference(name): name for name in rows["benchmark"].unique()}
        english = self.reference.assign(benchmark=self.reference["benchmark"].map(sides)).dropna(subset="benchmark")
        by_cell = {
            cell: of_cell.set_index("item")["logprob"].astype(np.float64)
            for cell, of_cell in english.groupby(["benchmark", "language"], sort=False)
        }
        found = []
        for (language, benchmark), those in rows.groupby(["language", "benchmark"], sort=False).indices.items():
            items = pd.Index(rows["item"].iloc[those])
            known = by_cell.get((benchmark, language), pd.Series(dtype=np.float64))
            lacking = int((~items.isin(known.index)).sum())
            english_side = known.reindex(items).to_numpy(dtype=np.float64)
            found.append(Parallel(str(benchmark), str(language), places[those], items, english_side, lacking))
        return tuple(found)

    @cached_property
    def texts(self) -> Texts | None:
        """The held-out text; None without any. Scores that are older than bits per byte have no column `bytes`."""
        places = np.flatnonzero(self._measure == BITS_PER_BYTE)
        return Texts(places, Documents.of(self.rows.iloc[places])) if places.size else None

    @cached_property
    def pairs(self) -> Pairs:
        """What is neither parity, nor held-out text, nor an English side.

        Raises GrowmergeError for items without a candidate to compare.
        """
        sides = [name for name in self.rows["benchmark"].unique() if is_parity_reference(name)]
        apart = np.isin(self._measure, [PARITY, BITS_PER_BYTE]) | self.rows["benchmark"].isin(sides).to_numpy()
        places = np.flatnonzero(~apart)
        rows = self.rows.iloc[places]
        candidates = Candidates.of(rows)  # of all cells at once: pandas takes as long for few rows as for many
        divisors = lengths(rows, {benchmark: by for benchmark, (_, by) in self.measured.items()})
        items = places[candidates.first]
        cells = self.rows.iloc[items].groupby(["benchmark", "language"]).indices
        return Pairs(places, divisors, candidates, cells, self._strata(items))

    @cached_property
    def in_order(self) -> dict[Cell, tuple[Places, pd.Index]]:
        """By cell, the places of its items among all pairs, its sentences or all documents, by name, and the names."""
        named = {
            cell: (places, self.pairs.candidates.index[places].get_level_values("item"))
            for cell, places in self.pairs.cells.items()
        }
        named |= {(of.benchmark, of.language): (np.arange(of.items.size), of.items) for of in self.parallel}
        if self.texts:
            documents = self.texts.documents
            named |= {
                cell: (places, documents.index[places].get_level_values("document"))
                for cell, places in documents.cells.items()
            }
        found = {}
        for cell, (places, names) in named.items():
            order = names.argsort()
            found[cell] = places[order], names[order]
        return found

    def _strata(self, items: Places) -> dict[tuple[str, str], tuple[Places, dict[str, Places]]]:
        """The `strata` of items, given the rows of their candidates 0."""
        about = self.rows.iloc[items].assign(measure=self._measure[items])
        several = about["measure"].isin(self.several)
        group = np.where(several, about["benchmark"], about["subset"].str.split("/").str[0])
        found = {}
        for (measure, language), whole in about.groupby(["measure", "language"]).indices.items():
            names = pd.unique(group[whole])
            ordered = names if measure in self.several else sorted(names)
            found[measure, language] = whole, {name: whole[group[whole] == name] for name in ordered}
        return found


class Listings:
    """The listings of score tables, each found once while the models that share it follow one another."""

    def __init__(self, measured: Mapping[str, tuple[str, Normalisation]], reference: pd.DataFrame) -> None:
        self.measured = measured
        self._reference = reference
        self._recent: deque[Listed] = deque(maxlen=_AT_ONCE)

    def of(self, table: pd.DataFrame, where: str) -> Listed:
        """The listing of a score table. Raises GrowmergeError, beginning with `where`, for rows that repeat another."""
        rows = table[[name for name in _ABOUT if name in table.columns]].reset_index(drop=True)
        for place, known in enumerate(self._recent):
            if known.rows.equals(rows):
                if place:  # the last used comes first
                    del self._recent[place]
                    self._recent.appendleft(known)
                return known
        check_doubled(rows, where)
        found = Listed(rows, self.measured, self._reference)
        self._recent.appendleft(found)
        while len(self._recent) > 1 and sum(len(each.rows) for each in self._recent) > _ROWS_AT_ONCE:
            self._recent.pop()
        return found


def name_of(source: pd.DataFrame | Path, model: str) -> str:
    """How errors name the scores of a model: by their file, if they have one."""
    return str(source) if isinstance(source, Path) else f"the scores of {model}"


def check_doubled(table: pd.DataFrame, where: str, keys: Sequence[str] = KEYS) -> None:
    """Raise GrowmergeError, beginning with `where`, for rows that repeat the `keys` of another."""
    if doubled := int(table.duplicated(list(keys)).sum()):
        raise GrowmergeError(f"{where}: {doubled} rows repeat a {', '.join(keys[:-1])} and {keys[-1]}; score again")


def by_language(parallel: tuple[Parallel, ...]) -> Iterator[tuple[str, list[Parallel]]]:
    """The sentences of each language, of one benchmark after another."""
    for language in dict.fromkeys(sentences.language for sentences in parallel):
        yield language, [sentences for sentences in parallel if sentences.language == language]
