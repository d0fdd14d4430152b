"""What each language is trained and scored on, and how many merges that makes: said before anything is spent. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from growmerge import ids
from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.catalogue.entry import PARITY, TRANSLATION
from growmerge.config import Study
from growmerge.config.corpora import Corpus, HubSource
from growmerge.study.costs import Costs
from growmerge.study.grid import Grid

MANY_MERGES = 1000


@dataclass(frozen=True)
class Coverage:
    """The benchmarks of a study that have a language, those that lack it, and others of the registry that have it.

    A benchmark of a single language lacks no other: it was made for its own.
    """

    code: str
    name: str
    has: Sequence[str]
    lacks: Sequence[str]
    further: Sequence[str]

    @property
    def line(self) -> str:
        """For the dry-run."""
        parts = [f"scored on {', '.join(self.has)}" if self.has else "scored on nothing"]
        if self.lacks:
            parts.append(f"not in {', '.join(self.lacks)}")
        if self.further:
            parts.append(f"the registry also has it in {', '.join(self.further)}")
        return f"{self.code} ({self.name}): {'; '.join(parts)}"


def coverage(study: Study) -> list[Coverage]:
    """One for each target language."""
    several = [b for b in study.benchmarks if sum(map(b.has, study.language_codes)) > 1]
    used = {benchmark.use or benchmark.name for benchmark in study.benchmarks}
    public = {name: entry for name, entry in REGISTRY.items() if entry.languages and name not in used}
    found = []
    for language in study.languages:
        code = language.code
        has = [benchmark.name for benchmark in study.benchmarks if benchmark.has(code)]
        lacks = [benchmark.name for benchmark in several if not benchmark.has(code)]
        rows = {name: (entry.languages or {}).get(code) for name, entry in public.items()}
        further = [name for name, dataset in rows.items() if dataset and dataset.id]
        found.append(Coverage(code, language.name, has, lacks, further))
    return found


def without_parallel(study: Study) -> list[str]:
    """Languages that have no parallel sentences, in a study with benchmarks of these."""
    of_pairs = [benchmark for benchmark in study.benchmarks if benchmark.entry.measure in (PARITY, TRANSLATION)]
    lacking = [code for code in study.language_codes if not any(benchmark.has(code) for benchmark in of_pairs)]
    return lacking if of_pairs else []


def notes(grid: Grid) -> Iterator[str]:
    """Lines about what will be missed, or made without need."""
    study = grid.study
    if lacking := without_parallel(study):
        yield (
            f"{', '.join(lacking)}: no sentences that are parallel to English ones, so information parity and "
            "translation leave them out; `growmerge new --parallel` takes such sentences from a TSV or aligned files"
        )
    count, languages = len(grid.merges), len(study.languages)
    if count >= MANY_MERGES and languages > 2:
        fewer = len(_with_fewer_merges(study).merges)
        yield (
            f"{count:,} merges: all combinations of {languages} languages double with every language; "
            f"`merging: {{sizes: [2, {languages}], series: {{drawn: 1}}}}` makes {fewer:,}: all pairs, all "
            "languages together, and one series in which languages are added one by one"
        )


def _with_fewer_merges(study: Study) -> Grid:
    """The grid of the study with merges of two and of all languages, and one nested series."""
    series = study.merging.series.model_copy(update={"drawn": max(1, study.merging.series.drawn)})
    merging = study.merging.model_copy(update={"sizes": [2, len(study.languages)], "series": series})
    return Grid(study.model_copy(update={"merging": merging}))


def coverage_lines(grid: Grid) -> list[str]:
    """A line a language, then the notes."""
    return [*(found.line for found in coverage(grid.study)), *notes(grid)]


def languages_markdown(costs: Costs) -> Iterator[str]:
    """The part of plan.md about languages: their text as it is configured or was derived, and their benchmarks."""
    study = costs.grid.study
    yield from (
        "",
        "## Languages",
        "",
        "Text and sizes that the study does not state come from the catalogue of languages; state a key to override "
        "them, such as `{code: dan, epochs: 1, shards: 8}`.",
        "",
        "| language | text | shards | documents | tokens | epochs | replay | held-out text |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    )
    for language in study.languages:
        corpus, size = study.corpus(language.corpus), study.expected(language.corpus)
        numbers = (f"{size.documents:,}", f"{size.tokens:.4g}") if size else ("not known", "not known")
        epochs = costs.recipes.epochs.get(language.code)
        heldout = _text(study.corpus(language.evaluation)) if language.evaluation else f"{corpus.heldout:.3g} of it"
        cells = (f"{language.code} ({language.name})", _text(corpus), corpus.shards, *numbers)
        shares = ("" if epochs is None else f"{epochs:.4g}", _replay(costs, language.code), heldout)
        yield f"| {' | '.join(map(str, (*cells, *shares)))} |"
    yield from ("", "| language | scored on | not in | the registry also has it in |", "|---|---|---|---|")
    for found in coverage(study):
        lists = (", ".join(names) or "–" for names in (found.has, found.lacks, found.further))
        yield f"| {found.code} | {' | '.join(lists)} |"
    for note in notes(costs.grid):
        yield from ("", note[0].upper() + note[1:] + ".")


def _replay(costs: Costs, code: str) -> str:
    """How much of its expert's training is replay, such as `10%`; empty if no expert is trained, or it is not known."""
    experts = (ids.adapted(setup.name, code) for setup in costs.grid.study.setups)
    trained = next((expert for expert in experts if costs.can_tell(expert)), None)
    return f"{costs.replayed(trained):.0%}" if trained else ""


def _text(corpus: Corpus) -> str:
    """Where its text comes from, in a few words."""
    kinds = []
    for source in corpus.sources:
        if isinstance(source, HubSource):
            kinds.append(f"{source.dataset} {source.config or ''}".strip())
        else:
            kinds.append(", ".join(getattr(source, "paths", [])) or source.kind)
    return "; ".join(kinds)
