"""What an experiment is, as strict pydantic models: the one source for the YAML files and the JSON schema.

What a study replaces as a whole (its languages, corpora, bases, setups, methods) is a list, because Snakemake merges
configuration files key by key and cannot remove a key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from growmerge.config.benchmarks import Benchmark
from growmerge.config.checks import check_study
from growmerge.config.comparison import Comparison, check_comparison
from growmerge.config.corpora import Corpus, Expected, Package, Tokenizer
from growmerge.config.merging import Merging
from growmerge.config.models import Architecture, Base, External, Setup, Sharing
from growmerge.config.strict import LanguageCode, Name, Share, Strict, Switch


class Language(Strict):
    """A target language."""

    code: LanguageCode = Field(description="ISO 639-3.")
    name: str = Field(min_length=1)
    corpus: Name = Field(description="Its training text.")
    evaluation: Name | None = Field(None, description="Corpus of the held-out sentences; default: `corpus`.")
    epochs: float | None = Field(
        None, gt=0, description="Passes over the language's text and its replay; default: what `unimax` gives it."
    )
    replay: Share | None = Field(
        None, description="Share of the reference language's replay; default: its documents / the reference's."
    )
    checkpoint_every: int | None = Field(None, ge=1, description="Overrides training.checkpoint_every.")
    warmup_steps: int | None = Field(None, ge=0, description="Overrides what the schedule's rule gives.")
    decay_steps: int | None = Field(None, ge=0, description="Overrides what the schedule's rule gives.")


class English(Strict):
    """The language of the base models: scored everywhere for what is retained, and the anchor of information parity."""

    code: LanguageCode = "eng"
    name: str = "English"
    evaluation: Name = Field(description="Corpus whose held-out sentences are scored.")


class Replay(Strict):
    """Text of the base models mixed into every adaptation (Glocker et al. 2025, section 3.1)."""

    reference: LanguageCode = Field(description="The language whose replay is given; the others scale it by documents.")
    corpora: dict[str, Share] = Field(
        description="{corpus: share of it that the reference language replays}; 0: none of it."
    )
    whole_percent: bool = Field(
        False, description="Round the other languages' share of it to whole percent, at least one, as was published."
    )


class UniMax(Strict):
    """How often a language without `epochs` is repeated (Chung et al. 2023): equal shares of a budget, with a cap.

    It counts with `expected.characters` of all languages' corpora. `epochs` of a language replace what it gives.
    """

    characters: float = Field(gt=0, description="The budget for all languages together, repetitions counted.")
    max_epochs: float = Field(gt=0, description="No language is repeated more often.")
    fixed: dict[LanguageCode, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="{language: epochs} that are given beforehand; what they leave of the budget is for the others "
        "(the variant of Glocker et al. 2025, section 3.4).",
    )


class Training(Strict):
    """One recipe for every model and stage; optimizer and schedule start afresh at every stage."""

    sequence_length: int = Field(gt=1, description="Tokens a sequence.")
    batch_sequences: int = Field(ge=1, description="Sequences an optimizer step, whatever the hardware.")
    micro_batch_sequences: int = Field(
        ge=1, description="Sequences a forward pass at width 1; divided by the width of wider models."
    )
    learning_rate: float = Field(gt=0, description="Peak of the warmup-stable-decay schedule.")
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW.")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW.")
    eps: float = Field(1e-8, gt=0, description="AdamW.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW, on every parameter.")
    gradient_clip: float = Field(1.0, gt=0, description="Largest global gradient norm.")
    warmup_share: Share = Field(0.002, description="Linear warm-up, share of the steps.")
    warmup_min_steps: int = Field(10, ge=0, description="Shortest warm-up (never more than a tenth of the steps).")
    warmup_multiple: int = Field(1, ge=1, description="The warm-up is rounded up to a multiple of so many steps.")
    decay_share: Share = Field(0.2, description="Linear decay to zero, last share of the steps.")
    decay_multiple: int = Field(1, ge=1, description="The decay is rounded up to a multiple of so many steps.")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="Of the forward pass; weights are kept in fp32.")
    checkpoint_every: int = Field(ge=1, description="Steps between published intermediate checkpoints.")
    state_every: int = Field(ge=1, description="Steps between saved training states: at most these are lost.")
    state_minutes: float = Field(
        20.0, gt=0, description="A state is also saved at the first step after so many minutes without one."
    )
    states_kept: int = Field(
        2, ge=1, description="Training states kept: should the newest be damaged, an older serves."
    )
    log_every: int = Field(10, ge=1, description="Steps between lines of the training log.")
    compile: Switch | None = Field(None, description="Compile the layers (torch.compile); default: on a GPU only.")
    tensorboard: Switch = Field(
        False, description="Also log for TensorBoard, beside the jobs' logs; needs the package tensorboard."
    )


class Scoring(Strict):
    """How log-likelihoods are computed."""

    reference: Name = Field(description="Base whose English log-likelihoods are the reference of information parity.")
    tokens_per_batch: int = Field(
        8192, gt=0, description="Token budget of a batch; a CPU may take less. Scores do not depend on it."
    )


class Plan(Strict):
    """The hardware that `snakemake plan` counts with."""

    gpu: str = Field("H100", description="Its name, for the reader.")
    peak_tflops: float = Field(989.0, gt=0, description="Its peak in dense bf16, TFLOP/s.")
    utilisation: float = Field(0.4, gt=0, le=1, description="The share of the peak that trainings are assumed to use.")


class Analysis(Strict):
    """Statistics and figures."""

    matching_bound: float = Field(
        0.1,
        ge=0,
        description="A pair of setups is not compared by compute where even the first checkpoint of the dearer model "
        "costs more than this share beyond the cheaper model.",
    )
    parity: Literal["mean_of_ratios", "ratio_of_sums"] = Field(
        "mean_of_ratios", description="Information parity over sentences: the mean of their ratios, or of the sums."
    )
    bootstrap_resamples: int = Field(1000, ge=1, description="Resamples of the 95 % intervals.")
    pairwise_method: Name = Field("linear", description="Merge method of the pairwise figure.")
    dpi: int = Field(200, gt=0, description="Resolution of the PNG files.")
    note: str = Field("", description="Added to every caption.")
    partial: Switch = Field(False, description="Draw with the scores that exist; what is missing is drawn as missing.")


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

    @model_validator(mode="after")
    def _references_exist(self) -> Study:
        check_study(self)
        check_comparison(self)
        return self

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
