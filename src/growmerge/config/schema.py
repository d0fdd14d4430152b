"""What an experiment is, as strict pydantic models: the one source for the YAML files and the JSON schema.

What a study replaces as a whole (its languages, corpora, bases, setups, methods) is a list, because Snakemake merges
configuration files key by key and cannot remove a key.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from growmerge.catalogue.entry import BITS_PER_BYTE, Normalisation
from growmerge.config.analysis import Analysis
from growmerge.config.benchmarks import Benchmark
from growmerge.config.comparison import Comparison
from growmerge.config.corpora import Corpus, Expected, Package, Tokenizer
from growmerge.config.languages import English, Language, Replay, UniMax
from growmerge.config.merging import Merging
from growmerge.config.models import Architecture, Base, External, Setup, Sharing
from growmerge.config.plan import Plan
from growmerge.config.publish import Publish
from growmerge.config.replicates import Replicates
from growmerge.config.scoring import Scoring
from growmerge.config.strict import Name, Strict
from growmerge.config.training import Training
from growmerge.ids import MULTI, RANDOM


class Study(Strict):
    """A whole experiment."""

    study: Name = Field(description="Name of the study. Its results are in results/{study}/.")
    seed: int = Field(
        42, ge=0, lt=2**63, description="The seed of all random choices: initialisation, order, noise, DARE, bootstrap."
    )
    seeds: list[Annotated[int, Field(ge=0, lt=2**63)]] | None = Field(
        None,
        description="Seeds of replicates, `seed` first: with each, models are trained, merged and scored. Figures then "
        "show means over seeds. Text, tokenizer and benchmarks are made once. Default: one run, with `seed`.",
    )
    replicates: Replicates = Field(default_factory=Replicates, description="In what replicates differ.")
    packages: list[Package] = Field(default_factory=list, description="Packages with text or data, pinned by digest.")
    corpora: list[Corpus] = Field(description="The collections of text.")
    english: English = Field(description="English, the language of the base models.")
    languages: list[Language] = Field(min_length=1, description="The target languages.")
    replay: Replay = Field(description="Text of the base models that every adaptation repeats.")
    unimax: UniMax | None = Field(None, description="The rule that gives epochs to languages without `epochs`.")
    tokenizer: Tokenizer = Field(description="The tokenizer of all models of the study.")
    architecture: Architecture = Field(description="The shape of the models at width 1.")
    bases: list[Base] = Field(min_length=1, description="Models that others start from; parents come first.")
    setups: list[Setup] = Field(min_length=1, description="Ways of adapting a base to the languages.")
    sharing: Sharing | None = Field(
        None, description="Experts that share the beginning of their training. Default: none."
    )
    external: list[External] = Field(
        default_factory=list, description="Models of others that are scored next to the study's."
    )
    training: Training = Field(description="The training recipe of all models.")
    merging: Merging = Field(description="Which merges are made, and how.")
    benchmarks: list[Benchmark] = Field(description="What models are scored on.")
    scoring: Scoring = Field(description="In which languages models are scored, and how.")
    comparison: Comparison = Field(
        default_factory=Comparison, description="How the models of a setup are compared before they are merged."
    )
    analysis: Analysis = Field(description="Statistics and figures.")
    plan: Plan = Field(default_factory=Plan, description="The hardware that `snakemake plan` counts with.")
    publish: Publish | None = Field(None, description="What `snakemake publish` sends to the hub. Default: nothing.")

    @property
    def language_codes(self) -> list[str]:
        """Target languages, in the order of the configuration."""
        return [language.code for language in self.languages]

    @property
    def replicated_bases(self) -> set[str]:
        """The bases that differ between `seeds`: they are drawn, cloned with noise or trained, or their parent does."""
        found: set[str] = set()
        vary = self.replicates.vary if self.replicates.bases == "own" else []
        for base in self.bases:  # parents first
            drawn = base.from_ == RANDOM or (base.clone is not None and base.clone.snr_db is not None)
            own = (drawn and "initialisation" in vary) or (base.train and "order" in vary)
            if own or base.from_ in found:
                found.add(base.name)
        return found

    @property
    def replicated_setups(self) -> list[str]:
        """The setups that differ between `seeds`: they train models here, in another order or from another base."""
        bases, reordered = self.replicated_bases, "order" in self.replicates.vary
        return [s.name for s in self.setups if not s.from_ and (reordered or s.base in bases)]

    @property
    def shared_out(self) -> list[Language]:
        """The languages whose epochs are neither stated nor fixed: UniMax gives them some, or there is no rule."""
        fixed = self.unimax.fixed if self.unimax else {}
        return [language for language in self.languages if language.epochs is None and language.code not in fixed]

    @property
    def merged_sizes(self) -> list[int]:
        """How many languages the merges of the setups combine, but for nested series."""
        return sorted(set(self.merging.sizes or range(2, len(self.languages) + 1)))

    @property
    def running_text(self) -> Benchmark | None:
        """The first benchmark of bits per byte: how held-out text is cut, also that on which merges are tuned."""
        return next((b for b in self.benchmarks if b.entry.metric.name == BITS_PER_BYTE), None)

    @property
    def measured(self) -> dict[str, tuple[str, Normalisation]]:
        """Benchmark -> what it measures, and how candidates' log-probabilities are normalised."""
        return {benchmark.name: benchmark.measured for benchmark in self.benchmarks}

    def statistics_text(self, code: str) -> str | None:
        """The corpus (or part) from which statistics of a language's models are computed; None if no text is read here.

        It is what `merging.statistics_from` names; else the language's own, if some setup trains on it.
        """
        own = next(language.corpus for language in self.languages if language.code == code)
        targets = {code, *([MULTI] if len(self.languages) > 1 else [])}
        trains = self.sharing is not None or any(not targets <= setup.from_.keys() for setup in self.setups)
        return self.merging.statistics_from.get(code, own if trains else None)

    def corpus(self, name: str) -> Corpus:
        """The corpus of that name, or of which `name` is a part."""
        return next(c for c in self.corpora if name == c.name or name in [part.name for part in c.parts])

    def evaluation_corpus(self, code: str) -> Corpus:
        """The corpus whose held-out documents a language is scored on: `evaluation`, or its own text."""
        if code == self.english.code:
            return self.corpus(self.english.evaluation)
        chosen = next(language for language in self.languages if language.code == code)
        return self.corpus(chosen.evaluation or chosen.corpus)

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
