"""Local files and folders that a study names are there, and hold what is taken from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from growmerge.config.benchmarks import ISLENSKA, Benchmark, ConlluSource
from growmerge.config.checks.shared_ids import check_shared_ids
from growmerge.config.corpora import ArchiveSource, FileSource, HubSource
from growmerge.config.problems import Problem
from growmerge.config.references import at_step, names_a_path, parse_reference
from growmerge.config.schema import Study
from growmerge.errors import GrowmergeError

_TOKENIZER = ("tokenizer.json", "*.model", "vocab.*")  # what transformers makes a fast tokenizer from
_PICKLES = ("*.bin", "*.pt", "*.pth")


def check_local_files(study: Study) -> None:
    """Raise Problem at the first that is not there. Only names and places are looked at, but for ids of documents."""
    for key, value, reference in _references(study):
        _check_checkpoint(key, value, reference)
    tokenizer = study.tokenizer.pretrained
    if tokenizer is not None and names_a_path(tokenizer):
        _check_folder("tokenizer.pretrained", tokenizer, Path(tokenizer))
        _check_holds("tokenizer.pretrained", tokenizer, Path(tokenizer), _TOKENIZER, "files of a tokenizer")
    for i, corpus in enumerate(study.corpora):
        sources = {f"sources.{j}": source for j, source in enumerate(corpus.sources)}
        ids = {f"parts.{j}.ids": part.ids for j, part in enumerate(corpus.parts) if part.ids}
        ids |= {f"{place}.ids": source.ids for place, source in sources.items() if isinstance(source, ArchiveSource)}
        for place, source in (sources | ids).items():
            if isinstance(source, FileSource | HubSource):
                _check_source(f"corpora.{i}.{place}", source)
    for i, benchmark in enumerate(study.benchmarks):
        _check_benchmark(f"benchmarks.{i}", benchmark, [study.english.code, *study.language_codes])
    typology = study.comparison.typology
    if typology and typology.table is not None and not Path(typology.table).is_file():
        message = f"no such file; give a CSV file with the columns first, second, distance{_hint(Path(typology.table))}"
        raise Problem("comparison.typology.table", typology.table, message)
    check_shared_ids(study)


def _references(study: Study) -> Iterator[tuple[str, str, str]]:
    """(key path, its value, checkpoint) of all checkpoints that are taken from elsewhere."""
    for i, base in enumerate(study.bases):
        yield f"bases.{i}.from", base.from_, base.from_
    merged = study.merging.over_training
    for i, setup in enumerate(study.setups):
        for target, source in setup.from_.items():
            yield f"setups.{i}.from.{target}", source, source
            if merged and setup.name in merged.setups and setup.branches:
                for step in merged.steps:
                    yield f"setups.{i}.branches", setup.branches, at_step(source, setup.branches, step)
    for i, external in enumerate(study.external):
        yield f"external.{i}.from", external.from_, external.from_


def _check_checkpoint(key: str, value: str, reference: str) -> None:
    if not reference.startswith("folder:"):
        return
    folder = Path(parse_reference(reference).name)
    _check_folder(key, value, folder)
    _check_holds(key, value, folder, ("config.json",), "config.json")
    if any(any(folder.glob(pattern)) for pattern in _PICKLES) and not any(folder.glob("*.safetensors")):
        raise Problem(
            key, value, f"'{folder}' has pickled weights alone, which can run code; convert them to safetensors"
        )
    _check_holds(key, value, folder, ("*.safetensors",), "weights in safetensors")
    _check_holds(key, value, folder, ("tokenizer.json",), "tokenizer.json; a model with a fast tokenizer is needed")


def _check_folder(key: str, value: str, folder: Path) -> None:
    if folder.is_file():
        raise Problem(key, value, f"'{folder}' is a file; give the folder that it lies in")
    if not folder.is_dir():
        raise Problem(key, value, f"no such folder: '{folder}'{_hint(folder)}")


def _check_holds(key: str, value: str, folder: Path, patterns: tuple[str, ...], what: str) -> None:
    if not any(any(folder.glob(pattern)) for pattern in patterns):
        raise Problem(key, value, f"the folder '{folder}' has no {what}")


def _hint(path: Path) -> str:
    if path.parts[:1] == ("~",):
        return "; ~ is not expanded here: write the path in full"
    return "" if path.is_absolute() else f"; the path is relative to the working directory, {Path.cwd()}"


def _check_source(key: str, source: FileSource | HubSource | ConlluSource) -> None:
    if isinstance(source, HubSource):
        if names_a_path(source.dataset):
            _check_folder(f"{key}.dataset", source.dataset, Path(source.dataset))
        return
    for i, pattern in enumerate(source.paths):
        try:
            source.model_copy(update={"paths": [pattern]}).files()
        except GrowmergeError:
            raise Problem(f"{key}.paths.{i}", pattern, f"no such file{_hint(Path(pattern))}") from None


def _check_benchmark(key: str, benchmark: Benchmark, scored: list[str]) -> None:
    for code, said in benchmark.sources.items():
        # mParaRel is read from a clone of its repository; elsewhere, what looks like an id is one of the hub.
        if said.dataset and (benchmark.entry.converter == "mpararel" or names_a_path(said.dataset)):
            path = Path(said.dataset)
            if not path.exists():
                message = f"no such file or folder{_hint(path)}"
                raise Problem(f"{key}.sources.{code}.dataset", said.dataset, message)
            if path.is_dir() and not any(path.iterdir()):
                raise Problem(f"{key}.sources.{code}.dataset", said.dataset, "the folder is empty")
    if benchmark.inflection is None:
        return
    for code in filter(benchmark.has, scored):
        lexicon = benchmark.inflection.lexicons[code]
        if lexicon != ISLENSKA and not Path(lexicon).is_file():
            message = f"no such file{_hint(Path(lexicon))}"
            raise Problem(f"{key}.inflection.lexicons.{code}", lexicon, message)
    for code, source in benchmark.inflection.sentences.items():
        _check_source(f"{key}.inflection.sentences.{code}", source)
