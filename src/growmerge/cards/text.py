"""The text that a model and its ancestors were trained on, with where it comes from and under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growmerge.config import Study
from growmerge.config.corpora import ArchiveSource, Corpus, FileSource, HubSource, PackagedSource, Source
from growmerge.config.references import names_a_path
from growmerge.tables.markdown import markdown_table

STANDARD_LIBRARY = "PSF-2.0"


def tokens_of(manifest_facts: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, int]:
    """Target tokens of a training by corpus (or part), from the manifest of its model."""
    length = recipe["training"]["sequence_length"]
    return {corpus: count * length for corpus, count in manifest_facts["sequences"].items()}


def section(study: Study, tokens: Mapping[str, int]) -> str:
    """The corpora with their tokens, sources and licences, as Markdown."""
    rows = []
    for name, count in tokens.items():
        corpus = study.corpus(name)
        about = [_source(study, source) for source in corpus.sources]
        rows.append((name, language_of(study, corpus) or "", f"{count:,}", *map("; ".join, zip(*about, strict=True))))
    table = markdown_table(("text", "language", "tokens", "source", "licence"), rows)
    return (
        f"## Data\n\n{table}\n\nTokens are those trained on, repeated ones included, by the model and its ancestors.\n"
    )


def language_of(study: Study, corpus: Corpus) -> str | None:
    """The code of the language whose text a corpus is; None for code, or where the configuration does not tell."""
    english = study.english.code
    codes = {english: english, study.corpus(study.english.evaluation).name: english}
    codes |= {study.corpus(language.corpus).name: language.code for language in study.languages}
    return codes.get(corpus.name)


def languages(study: Study, tokens: Mapping[str, int]) -> list[str]:
    """The codes of the languages of all this text: those of the study, then English, the language of the bases."""
    targets = {study.corpus(language.corpus).name: language.code for language in study.languages}
    read = {study.corpus(name).name for name in tokens}
    rest = [study.english.code] if read - targets.keys() else []
    return list(dict.fromkeys([*(code for corpus, code in targets.items() if corpus in read), *rest]))


def datasets(study: Study, tokens: Mapping[str, int]) -> list[str]:
    """The datasets of the hub among the sources, and among the lists of files of an archive."""
    listed = [source for name in tokens for source in study.corpus(name).sources]
    sources = [source.ids if isinstance(source, ArchiveSource) else source for source in listed]
    found = [s.dataset for s in sources if isinstance(s, HubSource) and not names_a_path(s.dataset)]
    return list(dict.fromkeys(found))


def _source(study: Study, source: Source) -> tuple[str, str]:
    """What a source is, and its licence. Names of folders on this machine are left out."""
    if isinstance(source, PackagedSource):
        packages = [package for package in study.packages if package.name in source.packages]
        versions = ", ".join(f"{package.name} {package.version}" for package in packages)
        licences = ", ".join(f"{package.name}: {package.licence}" for package in packages)
        return f"messages ({source.locale}) in the Python packages {versions}", licences
    if isinstance(source, HubSource):
        if names_a_path(source.dataset):
            return f"the dataset {Path(source.dataset).name}, a local copy", "not stated"
        place = f"https://huggingface.co/datasets/{source.dataset}"
        parts = ", ".join(filter(None, [source.config, source.split, source.revision]))
        return f"[{source.dataset}]({place}) ({parts})", f"see [its card]({place})"
    if isinstance(source, FileSource):
        return f"local files ({', '.join(Path(path).name for path in source.paths)})", "not stated"
    if isinstance(source, ArchiveSource):
        ids, licence = _source(study, source.ids)
        return f"files of the Software Heritage archive, listed by {ids}", f"that of each file; the list: {licence}"
    what = {"code": "Python's standard library", "topics": "Python's help topics"}[source.part]
    return what, STANDARD_LIBRARY
