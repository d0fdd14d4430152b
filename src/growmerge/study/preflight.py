"""What a study needs from elsewhere, to be looked up before anything is submitted. Pure: nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from growmerge.catalogue.entry import Dataset, Entry
from growmerge.config import Study
from growmerge.config.benchmarks import ISLENSKA, Benchmark, ConlluSource
from growmerge.config.corpora import ArchiveSource, FileSource, HubSource
from growmerge.config.references import parse_reference
from growmerge.study.grid import Grid
from growmerge.study.recipe import Recipes


@dataclass(frozen=True)
class Need:
    """One thing that has to be there.

    `rows` are a configuration of a data set: of the hub, of a folder in the hub's layout, or of one file (or address).
    `files` are local: a path or a glob. A `model` or `tokenizer` is a repository of the hub or a folder.

    Args:
        kind: what it is.
        name: an id of the hub, a path, a glob, or the address of a file.
        revision: of a repository.
        config: of rows; None: the data set's only one.
        splits: of rows; none named: all that there are.
        columns: of rows and files, which have to be there; "a.b" is the field b of a struct.
        in_folders: whether the configurations of rows are folders.
        local: whether a model is certainly a folder; others are, if there is one of that name.
        shards: how many the corpus of rows has; each split needs as many files, since a shard reads whole ones.
    """

    kind: Literal["rows", "files", "model", "tokenizer"]
    name: str
    revision: str | None = None
    config: str | None = None
    splits: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    in_folders: bool = False
    local: bool = False
    shards: int = 1


Named = Iterator[tuple[Need, str]]  # and the key of the configuration that names it


def needs_of(study: Study, grid: Grid) -> dict[Need, list[str]]:
    """Everything that the study takes from elsewhere, and the keys of the configuration that name it.

    Corpora that nothing is made from are left out: of a study that takes all models from the hub, what others train on.
    """
    found: dict[Need, list[str]] = {}
    named = chain(_corpora(study, grid), _tokenizer(study), _models(grid), _benchmarks(study, grid), _comparison(study))
    for need, key in named:
        keys = found.setdefault(need, [])
        if key not in keys:
            keys.append(key)
    return found


def _corpora(study: Study, grid: Grid) -> Named:
    used = _used(study, grid)
    for corpus in study.corpora:
        if corpus.name not in used:
            continue
        for source in corpus.sources:
            if isinstance(source, FileSource | HubSource):
                yield from _source(source, f"corpora.{corpus.name}", shards=corpus.shards)
            elif isinstance(source, ArchiveSource):
                more = (source.encoding_field,) if source.encoding_field else ()
                yield from _source(source.ids, f"corpora.{corpus.name}", text=False, more=more)
        for part in corpus.parts:
            if part.ids:
                yield from _source(part.ids, f"corpora.{corpus.name}.parts.{part.name}.ids", text=False)


def _used(study: Study, grid: Grid) -> set[str]:
    """The corpora that are read: to train models and the tokenizer, and for the held-out text of evaluation."""
    recipes = Recipes(grid)
    parts = {part for model in grid.trained for part in recipes.corpora_of(model.id)}
    if not (study.tokenizer.pretrained or study.tokenizer.package):
        parts.update(study.tokenizer.corpora)
    made = any(benchmark.entry.languages is None for benchmark in study.benchmarks)
    parallel = any(benchmark.entry.metric.name == "parity" for benchmark in study.benchmarks)
    if parts or made or not parallel:  # models are compared over English text if there are no parallel sentences
        languages = (language.evaluation or language.corpus for language in study.languages)
        parts.update([study.english.evaluation, *languages])
    return {study.corpus(part).name for part in parts}


def _source(
    source: FileSource | HubSource | ConlluSource,
    key: str,
    *,
    text: bool = True,
    more: tuple[str, ...] = (),
    shards: int = 1,
) -> Named:
    if isinstance(source, ConlluSource):
        yield from ((Need("files", path), key) for path in source.paths)
        return
    columns = tuple(filter(None, [source.text_field if text else None, source.id_field, *more]))
    if isinstance(source, FileSource):
        yield from ((Need("files", path, columns=columns), key) for path in source.paths)
    else:
        yield Need("rows", source.dataset, source.revision, source.config, (source.split,), columns, shards=shards), key


def _tokenizer(study: Study) -> Named:
    if study.tokenizer.pretrained:
        yield Need("tokenizer", study.tokenizer.pretrained, study.tokenizer.revision), "tokenizer.pretrained"


def _models(grid: Grid) -> Named:
    for model, text in grid.imported.items():
        reference = parse_reference(text)
        yield Need("model", reference.name, reference.revision, local=reference.kind == "folder"), f"model {model}"


def _benchmarks(study: Study, grid: Grid) -> Named:
    benchmarks = {benchmark.name: benchmark for benchmark in study.benchmarks}
    for name, language in grid.score_cells:
        benchmark, key = benchmarks[name], f"benchmarks.{name} ({language})"
        if benchmark.inflection:
            yield from _inflection(benchmark, language, key)
        entry = benchmark.entry
        if entry.languages is None:
            continue
        yield from _dataset(benchmark.dataset(language), entry, key)
        if entry.counterparts:
            yield from _dataset(benchmark.counterpart(language), entry, key)


def _inflection(benchmark: Benchmark, language: str, key: str) -> Named:
    assert benchmark.inflection is not None
    lexicon = benchmark.inflection.lexicons[language]
    if lexicon != ISLENSKA:
        yield Need("files", lexicon), key
    if language in benchmark.inflection.sentences:
        yield from _source(benchmark.inflection.sentences[language], key)


def _dataset(dataset: Dataset, entry: Entry, key: str) -> Named:
    if not entry.fields:  # its converter reads the folder itself
        yield Need("files", f"{dataset.id}/{entry.files.format(config=dataset.configs[0])}"), key
        return
    columns = tuple(sorted(path for path in entry.fields.values() if not path.startswith("?")))
    examples = [dataset.examples] if dataset.examples and dataset.splits and entry.few_shot else []
    splits = tuple(dict.fromkeys([*dataset.splits, *examples]))
    for config in dataset.configs:
        yield Need("rows", dataset.id or "", dataset.revision, config, splits, columns, dataset.in_folders), key


def _comparison(study: Study) -> Named:
    typology = study.comparison.typology
    if typology and typology.table:
        yield Need("files", typology.table, columns=("first", "second", "distance")), "comparison.typology.table"
