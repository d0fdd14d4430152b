"""What a study is scored on: entries of the registry of benchmarks, with what the study wants otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from growmerge.catalogue.benchmarks import REGISTRY
from growmerge.catalogue.entry import BITS_PER_BYTE, INFLECTION, Dataset, Decoding, Entry, Metric, Normalisation
from growmerge.config.corpora import FileSource, HubSource
from growmerge.config.strict import LanguageCode, Name, Strict

ISLENSKA = "islenska"  # in the place of a lexicon's file: the package of that name, which holds BÍN
PIECE_BYTES = 1000  # what a piece of running text has at most, where a study does not say
UNPROTECTED = ("http://", "ftp://")  # beginnings of addresses whose answers anybody on the way can change
# Endings of files -> the builders of `datasets` that read them.
FILES = {".jsonl": "json", ".json": "json", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


def file_ending(dataset: str) -> str:
    """The ending of a file's name, in small letters and without .gz."""
    return Path(dataset.lower().removesuffix(".gz")).suffix


def is_file(dataset: str) -> bool:
    """Whether rows come from a single file, or its address, rather than from a folder or the hub."""
    path, addressed = Path(dataset), dataset.startswith(("http://", "https://"))
    return addressed or path.is_file() or (file_ending(dataset) in FILES and not path.is_dir())


class BenchmarkSource(Strict):
    """Where the rows of a language come from. A key that is left out keeps the registry's value."""

    dataset: str | None = Field(
        None,
        min_length=1,
        description="An id of the hub, a local folder in the hub's layout, or a file: .jsonl, .csv, .tsv (these also "
        "with .gz), .parquet.",
    )
    revision: str | None = Field(None, description="A commit or tag. State one, so that the data cannot change.")
    configs: list[str] | None = Field(
        None, min_length=1, description="The configurations of the dataset, read in order."
    )
    splits: list[str] | None = Field(None, min_length=1, description="The splits of each configuration, read in order.")
    examples: str | None = Field(None, description="The split from which few-shot examples are taken.")
    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        # Left out of params where it is not set, so that benchmarks without one stay as they are.
        exclude_if=lambda value: value is None,
        description="For a file or its address: SHA-256 digest of the file as it is stored, in hexadecimal. Required "
        "for addresses with http:// or ftp://, which protect nothing on the way.",
    )


class Sampling(Strict):
    """Draw each token from the model's distribution, instead of taking the most probable one."""

    temperature: float = Field(1.0, gt=0, description="The temperature that logits are divided by.")
    top_k: int | None = Field(
        None, gt=0, description="Draw only from this number of the most probable tokens; default: from all."
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="Draw only from the fewest tokens that together have this probability."
    )


class ConlluSource(Strict):
    """Local treebanks in CoNLL-U (Universal Dependencies), whose tags and trees say what a word is and goes with."""

    kind: Literal["conllu"] = Field(description="This kind of source.")
    paths: list[str] = Field(min_length=1, description="Paths or globs, relative to the working directory.")

    def files(self) -> list[Path]:
        """The files that the paths stand for. Raises GrowmergeError for a path that matches nothing."""
        return FileSource(kind="files", paths=self.paths).files()


# What the rest of a sentence decides in most languages: another case, gender or person is wrong, not merely different.
_DECIDED = {"N": ["Case"], "ADJ": ["Case", "Gender"], "V": ["Person", "Number"]}


class Inflection(Strict):
    """Minimal pairs from text and a full-form lexicon: one word is put into another form of its paradigm."""

    lexicons: dict[LanguageCode, str] = Field(
        min_length=1,
        description="{language: file in UniMorph's format (lemma, form and features, separated by tabs)}. For "
        "Icelandic, 'islenska' takes BÍN from the package of that name.",
    )
    sentences: dict[LanguageCode, Annotated[FileSource | HubSource | ConlluSource, Field(discriminator="kind")]] = (
        Field(
            default_factory=dict,
            description="{language: text files, treebanks, or a dataset of the hub}; default: the held-out text.",
        )
    )
    dimensions: dict[str, list[str]] | Literal["all"] = Field(
        default_factory=lambda: {pos: list(names) for pos, names in _DECIDED.items()},
        description="{part of speech: dimensions that may change}; 'all': every dimension, as in the paper, even if "
        "the sentence does not decide it.",
    )
    per_sentence: int | None = Field(None, ge=1, description="Most pairs from one sentence; default: all.")
    share_of_word: float = Field(
        0.02, gt=0, le=1, description="Most pairs that change the same word, as a share of all; 10 are always allowed."
    )
    min_words: int = Field(4, ge=1, description="Fewest words of a sentence that is used.")
    max_words: int = Field(40, ge=1, description="Most words of a sentence that is used.")


class Benchmark(Strict):
    """A benchmark of the registry (docs/benchmarks.md), for the languages that have it."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    use: Name | None = Field(None, description="The name of the entry in the registry; default: `name`.")
    limit: int | None = Field(
        None,
        gt=0,
        description="Most items of each language, a seeded sample. For acceptability: of each group of subsets. For "
        "bits per byte: most documents.",
    )
    languages: list[LanguageCode] | None = Field(
        None, description="Languages to score; default: all that the registry has rows for."
    )
    sources: dict[LanguageCode, BenchmarkSource] = Field(
        default_factory=dict, description="{language: where its rows come from}. It can also add languages."
    )
    fields: dict[str, str] = Field(
        default_factory=dict, description="{the registry's name of a column: the dataset's name of it}."
    )
    few_shot: int | None = Field(
        None, ge=0, description="Number of examples before each question; default: the registry's value."
    )
    normalisation: Normalisation | None = Field(
        None,
        description="How a candidate's log-probability is normalised: sum (not at all), by its number of tokens, or of "
        "characters; default: the registry's value.",
    )
    max_new_tokens: int | None = Field(
        None, gt=0, description="Maximum number of generated tokens; default: the registry's value."
    )
    sampling: Sampling | None = Field(None, description="How generated tokens are drawn; default: greedy decoding.")
    leading_space: bool = Field(
        False,
        description="Score whole sentences with a space before them, as lm-evaluation-harness does in its `blimp`.",
    )
    gap: str | None = Field(None, description="For fill-in items: a regular expression of the gap, without groups.")
    max_words: int | None = Field(
        None,
        gt=0,
        description="Most words of a sentence; longer parallel sentences are left out. Words of scripts without spaces "
        "are counted as in `min_words` of a corpus.",
    )
    piece_bytes: int | None = Field(
        None,
        ge=16,
        # Left out of params where it is not set, so that other benchmarks stay as they are.
        exclude_if=lambda value: value is None,
        description="For bits per byte: longer documents are cut at white space into pieces of at most so many bytes "
        "of UTF-8, each read by itself. A piece must fit into the models' positions; a byte-level tokenizer makes at "
        f"most a token of a byte. Default: {PIECE_BYTES}.",
    )
    packages: dict[LanguageCode, Name] = Field(
        default_factory=dict, description="For acceptability: {language: package with its morphological data}."
    )
    inflection: Inflection | None = Field(
        None, description="Settings for `use: inflection`; required there, not allowed elsewhere."
    )

    @model_validator(mode="after")
    def _entry_exists(self) -> Benchmark:
        key = self.use or self.name
        if key not in REGISTRY:
            raise ValueError(f"no benchmark '{key}' in the registry; set `use` to one of {', '.join(REGISTRY)}")
        entry = REGISTRY[key]
        read, inflects = entry.languages is not None, entry.converter == INFLECTION
        if not read and not inflects and self.limit is None:
            raise ValueError(f"'{self.name}' is made by the study, so it needs a `limit`")
        if inflects != (self.inflection is not None):
            raise ValueError("`inflection` is required with `use: inflection`, and not allowed without it")
        applies = {
            "sources": read,
            "fields": read,
            "packages": key == "acceptability",
            "gap": entry.converter == "exam",
            "max_words": entry.metric.name in ("parity", "chrf"),
            "piece_bytes": entry.metric.name == BITS_PER_BYTE,
            "few_shot": entry.few_shot > 0,
            "normalisation": entry.metric.name == "accuracy",
            "leading_space": entry.metric.name == "accuracy" and not entry.few_shot,
            "max_new_tokens": entry.metric.name == "chrf",
            "sampling": entry.metric.name == "chrf",
        }
        useless = [name for name, sense in applies.items() if getattr(self, name) and not sense]
        if useless:
            raise ValueError(f"`{useless[0]}` does not apply to '{key}'; remove it")
        lexicons = self.inflection.lexicons if self.inflection else {}
        for language in (self.languages or []) if self.inflection else []:
            if language not in lexicons:
                raise ValueError(f"no lexicon for '{language}'; name one in `inflection.lexicons`")
        for language in [*(self.languages or []), *self.sources] if read else []:
            if not self.has_rows(language):
                raise ValueError(
                    f"'{key}' has no public rows in '{language}'; name a dataset in `sources.{language}.dataset`"
                )
        unknown = [name for name in self.fields if name not in set(entry.fields)]
        if unknown:
            raise ValueError(f"fields: '{key}' has no '{unknown[0]}'; it has {', '.join(entry.fields) or 'none'}")
        return self

    @model_validator(mode="after")
    def _files_are_all_there_is(self) -> Benchmark:
        """A file has one side and no splits."""
        registered = REGISTRY[self.use or self.name]
        for language, said in self.sources.items():
            key, dataset = f"sources.{language}", self.dataset(language).id or ""
            if not is_file(dataset):
                if said.sha256:
                    raise ValueError(
                        f"{key}.sha256 = {said.sha256!r}: {dataset!r} is not a single file, which alone has a digest; "
                        "remove it, and state a `revision` if this is a dataset of the hub"
                    )
                continue
            if dataset.lower().startswith(UNPROTECTED) and not said.sha256:
                raise ValueError(
                    f"{key}.dataset = {dataset!r}: anybody on the way can change what comes from this address; state "
                    f"the digest that `sha256sum` prints of the file as `{key}.sha256`, or give an https:// address"
                )
            if registered.counterparts:
                raise ValueError(
                    f"{key}.dataset = {dataset!r}: a file has only one language; give a folder in the hub's layout, "
                    "which has both (docs/benchmarks.md)"
                )
            for name in ("revision", "configs", "splits", "examples"):
                if getattr(said, name):
                    raise ValueError(
                        f"{key}.{name} = {getattr(said, name)!r}: {dataset!r} is a file, which has none; remove it"
                    )
        return self

    @field_validator("gap")
    @classmethod
    def _gap_is_an_expression(cls, gap: str | None) -> str | None:
        if gap is None:
            return gap
        try:
            pattern = re.compile(gap)
        except re.error as error:
            raise ValueError(f"'{gap}' is not a regular expression: {error}") from error
        if pattern.groups:
            raise ValueError(f"'{gap}' has a group; write (?:...) instead of (...)")
        if pattern.fullmatch(""):
            raise ValueError(f"'{gap}' also matches an empty text; write + instead of *")
        return gap

    @property
    def measured(self) -> tuple[str, Normalisation]:
        """What it is a benchmark of, and how candidates' log-probabilities are normalised."""
        return self.entry.measure or self.name, self.entry.metric.normalisation

    @property
    def entry(self) -> Entry:
        """What the registry says, with what is said otherwise here."""
        entry = REGISTRY[self.use or self.name]
        return replace(
            entry,
            fields={**entry.fields, **self.fields},
            few_shot=entry.few_shot if self.few_shot is None else self.few_shot,
            limit=self.limit or entry.limit,
            max_new_tokens=self.max_new_tokens or entry.max_new_tokens,
            metric=Metric(entry.metric.name, self.normalisation or entry.metric.normalisation),
        )

    def decoding(self, seed: int) -> Decoding | None:
        """How what it asks for is generated, with the study's seed; None where nothing is."""
        entry = self.entry
        if entry.metric.name != "chrf":
            return None
        if self.sampling is None:
            return Decoding(entry.max_new_tokens)
        chosen = self.sampling
        return Decoding(entry.max_new_tokens, chosen.temperature, chosen.top_k or 0, chosen.top_p, seed)

    @property
    def bytes_of_piece(self) -> int:
        """The most bytes of a piece of running text."""
        return self.piece_bytes or PIECE_BYTES

    def has(self, language: str) -> bool:
        """Whether it is scored in a language."""
        if self.languages is not None:
            return language in self.languages
        if self.inflection:
            return language in self.inflection.lexicons
        return REGISTRY[self.use or self.name].languages is None or self.has_rows(language)

    def has_rows(self, language: str) -> bool:
        """Whether a dataset is known for a language."""
        known = (REGISTRY[self.use or self.name].languages or {}).get(language)
        said = self.sources.get(language)
        return bool((said and said.dataset) or (known and known.id))

    def dataset(self, language: str) -> Dataset:
        """The rows of a language. Raises KeyError for one that has none."""
        known = (REGISTRY[self.use or self.name].languages or {}).get(language)
        if known is None and language not in self.sources:
            raise KeyError(language)
        return _with(known or Dataset(None), self.sources.get(language))

    def counterpart(self, language: str) -> Dataset:
        """The rows of the other side, of parallel text, from where those of the language come.

        They are English for a language that the registry does not know.
        """
        registered = REGISTRY[self.use or self.name]
        other = registered.counterparts.get(language) or (registered.languages or {})["eng"]
        said = self.sources.get(language)
        return _with(other, said and said.model_copy(update={"configs": None}))

    def files(self, language: str) -> list[str]:
        """The local files that it is made from, so that their edits rebuild it."""
        if self.inflection:
            lexicon, text = self.inflection.lexicons[language], self.inflection.sentences.get(language)
            files = text.files() if isinstance(text, FileSource | ConlluSource) else text.local_files() if text else []
            return [*([] if lexicon == ISLENSKA else [lexicon]), *map(str, files)]
        entry = self.entry
        dataset = self.dataset(language) if entry.languages is not None else Dataset(None)
        if dataset.id is None:
            return []
        path = Path(dataset.id)
        if not path.is_dir():
            return [dataset.id] if path.is_file() else []
        # A folder's own time changes with its entries' names only.
        pattern = entry.files.format(config=dataset.configs[0])
        return sorted(str(file) for file in path.glob(pattern) if file.is_file() and not _is_hidden(file, path))

    def part(self, language: str) -> dict[str, Any]:
        """What of it shapes the items in a language, as plain data: what a rule takes as params.

        Without what is about scores: normalisation and decoding.
        """
        about_scores = {"normalisation", "max_new_tokens", "sampling"}
        data = self.model_dump(mode="json", exclude={"languages", "packages", *about_scores})
        data["sources"] = {code: said for code, said in data["sources"].items() if code == language}
        for key in ("lexicons", "sentences") if self.inflection else ():
            data["inflection"][key] = {c: said for c, said in data["inflection"][key].items() if c == language}
        return data

    def size(self, language: str) -> int:
        """How many items to expect, for plans: the printed count, at most the limit; 1,000 where neither is known."""
        entry = self.entry
        known = entry.counts.get(language)
        return min(known or entry.limit or 1000, entry.limit or known or 1000)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _with(dataset: Dataset, said: BenchmarkSource | None) -> Dataset:
    if said is None:
        return dataset
    moved = said.dataset is not None and said.dataset != dataset.id
    if said.dataset and is_file(said.dataset):  # a file is all there is: what is scored, and examples
        return Dataset(said.dataset, examples="train", sha256=said.sha256)
    return Dataset(
        said.dataset or dataset.id,
        tuple(said.configs) if said.configs else dataset.configs,
        tuple(said.splits) if said.splits else dataset.splits,
        said.revision if said.revision or moved else dataset.revision,
        said.examples or dataset.examples,
        said.sha256,
    )
