"""What an experiment is, as strict pydantic models: the one source for the YAML files and the JSON schema.

What a study replaces as a whole (its languages, corpora, bases, setups, methods) is a list, because Snakemake merges
configuration files key by key and cannot remove a key.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from growmerge.config.analysis import Analysis
from growmerge.config.benchmarks import Benchmark
from growmerge.config.comparison import Comparison
from growmerge.config.corpora import Corpus, Expected, Package, Tokenizer
from growmerge.config.languages import English, Language, Replay, UniMax
from growmerge.config.merging import Merging
from growmerge.config.models import Architecture, Base, External, Setup, Sharing
from growmerge.config.plan import Plan
from growmerge.config.scoring import Scoring
from growmerge.config.strict import Name, Strict
from growmerge.config.training import Training


class Study(Strict):
    """A whole experiment."""

    study: Name = Field(description="Results stand under results/{study}/.")
    seed: int = Field(42, ge=0, description="Of everything that draws: initialisation, order, noise, DARE, bootstrap.")
    packages: list[Package] = Field(default_factory=list, description="Pinned packages that carry text.")
    corpora: list[Corpus]
    english: English
    languages: list[Language] = Field(min_length=1)
    replay: Replay
    unimax: UniMax | None = Field(None, description="What gives epochs to languages that state none.")
    tokenizer: Tokenizer
    architecture: Architecture
    bases: list[Base] = Field(min_length=1)
    setups: list[Setup] = Field(min_length=1)
    sharing: Sharing | None = Field(None, description="Default: no experts that share a part of their training.")
    external: list[External] = Field(default_factory=list, description="Models of others that are scored, too.")
    training: Training
    merging: Merging
    benchmarks: list[Benchmark]
    scoring: Scoring
    comparison: Comparison = Field(default_factory=Comparison)
    analysis: Analysis
    plan: Plan = Field(default_factory=Plan)

    @property
    def language_codes(self) -> list[str]:
        """Target languages, in the order of the configuration."""
        return [language.code for language in self.languages]

    @property
    def merged_sizes(self) -> list[int]:
        """How many languages the merges of the setups combine, but for nested series."""
        return sorted(set(self.merging.sizes or range(2, len(self.languages) + 1)))

    def corpus(self, name: str) -> Corpus:
        """The corpus of that name, or of which `name` is a part."""
        return next(c for c in self.corpora if name == c.name or name in [part.name for part in c.parts])

    def expected(self, name: str) -> Expected | None:
        """The stated size of a corpus or part; a part without one has its share of the corpus's."""
        corpus = self.corpus(name)
        part = next((part for part in corpus.parts if part.name == name), None)
        if part is None or corpus.expected is None:
            return part.expected if part else corpus.expected
        if part.expected:
            return part.expected
        whole = corpus.expected
        return Expected(documents=round(part.share * whole.documents), tokens=round(part.share * whole.tokens))

    def dump(self, *keys: str) -> dict[str, Any]:
        """Plain data of the sections `keys`: what a rule takes as params, so that only their edits rerun it."""
        return self.model_dump(mode="json", by_alias=True, include=set(keys))
