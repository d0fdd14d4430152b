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
from growmerge.config.strict import LanguageCode, Name, Share, Strict, Switch


class Architecture(Strict):
    """A Llama (transformers' LlamaConfig, same names) at width 1; HyperCloning multiplies its widths."""

    hidden_size: int = Field(gt=0, description="Width of the residual stream.")
    intermediate_size: int = Field(gt=0, description="Width of the gated feed-forward layer.")
    num_hidden_layers: int = Field(gt=0, description="Number of decoder layers.")
    num_attention_heads: int = Field(gt=0, description="Number of query heads.")
    num_key_value_heads: int = Field(gt=0, description="Number of key and value heads (grouped-query attention).")
    head_dim: int = Field(gt=0, description="Width of a head; HyperCloning multiplies heads and keeps this.")
    hidden_act: str = Field("silu", description="Activation of the gate.")
    rms_norm_eps: float = Field(1e-5, gt=0, description="Epsilon of RMSNorm.")
    rope_theta: float = Field(10000.0, gt=0, description="Base of the rotary position embedding.")
    max_position_embeddings: int = Field(2048, gt=0, description="Longest sequence in tokens.")
    initializer_range: float = Field(0.02, gt=0, description="Standard deviation of the random initialisation.")
    tie_word_embeddings: bool = Field(True, description="One matrix for embedding and head.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Architecture:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads {self.num_key_value_heads}"
            )
        return self


class Clone(Strict):
    """HyperCloning (Samragh et al. 2024): a wider model that computes the same function."""

    factor: int = Field(2, ge=2, description="Every width is multiplied by this.")
    snr_db: float | None = Field(
        None,
        description="Signal-to-noise ratio in dB of the symmetry-breaking noise; none as in the published runs. "
        "Without noise the copies of a block may stay equal for ever.",
    )


class Base(Strict):
    """A model that others start from: `from: random`, a published checkpoint, or a parent that is trained or cloned."""

    name: Name
    from_: str = Field(
        alias="from",
        description="'random', the name of another base, or a checkpoint that takes its place: 'hub:owner/name', "
        "'hub:owner/name@revision' or 'folder:path'.",
    )
    width: int | None = Field(
        None, ge=1, description="Of a checkpoint: its width as a multiple of `architecture`; default: 1."
    )
    clone: Clone | None = Field(None, description="Widen the parent by HyperCloning, no training.")
    train: list[dict[str, Annotated[float, Field(gt=0)]]] = Field(
        default_factory=list,
        description="Phases in order; a phase is {corpus: epochs, ...}, shuffled epoch by epoch.",
    )
    checkpoint_every: int | None = Field(None, ge=1, description="Overrides training.checkpoint_every.")
    warmup_steps: int | None = Field(None, ge=0, description="Overrides what the schedule's rule gives.")
    decay_steps: int | None = Field(None, ge=0, description="Overrides what the schedule's rule gives.")


class Setup(Strict):
    """A way of adapting: every language's model (and `multi`) starts from the same base."""

    name: Name
    base: Name = Field(description="The base that the setup's models start from: the ancestor of its merges.")
    from_: dict[str, str] = Field(
        default_factory=dict,
        alias="from",
        description="{language or multi: checkpoint} ('hub:owner/name', 'folder:path') that is taken, not trained.",
    )
    branches: str | None = Field(
        None,
        description="Of checkpoints that are taken: the revision (of a folder: the sub-folder) after a step, such as "
        "'checkpoint_{step:07d}'; for `merging.over_training`.",
    )
    multi_share: Share = Field(
        1.0, gt=0, description="`multi` trains on this share of every language's epochs; 1: as much as all others."
    )


class Sharing(Strict):
    """Partial sharing: experts that train together first and branch off after a share of their training.

    For a share of 0.05, setup `shared-5` trains a common model on all languages, with 5 % of an expert's tokens (of the
    mean over the experts); from there each expert trains on its own language for the other 95 % of its epochs. With a
    share of 1 there is only the common model. A share of 0 is the setup that starts from `base` itself.
    """

    base: Name = Field(description="The base that the common models start from.")
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1, description="Of each expert's training.")
    sizes: list[Annotated[int, Field(ge=2)]] = Field(
        default=[2], description="Numbers of languages to combine in these setups."
    )

    @property
    def setups(self) -> dict[str, float]:
        """The share of each of its setups, by the setup's name."""
        return {f"shared-{100 * share:g}": share for share in self.shares}


class External(Strict):
    """A model of others that is only scored, beside the study's own."""

    name: Name
    from_: str = Field(alias="from", description="'hub:owner/name', 'hub:owner/name@revision' or 'folder:path'.")
    parameters: int | None = Field(None, gt=0, description="For the plan.")


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


# A parameter of a merge method; a list of numbers is interpolated from the first layer to the last.
ParameterValue = bool | int | float | list[int | float]


class Method(Strict):
    """A merge method of mergekit with its parameters."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    method: str | None = Field(None, description="mergekit's merge_method; default: `name`.")
    uses_base: bool = Field(False, description="Works on differences to the base model.")
    parameters: dict[str, ParameterValue] = Field(
        default_factory=dict,
        description="mergekit's, for all models; a list of numbers is interpolated from the first layer to the last.",
    )
    weights: dict[LanguageCode, int | float | list[int | float]] = Field(
        default_factory=dict, description="{language: weight} of members that do not have `parameters.weight`."
    )

    @property
    def of_mergekit(self) -> str:
        """What mergekit calls it."""
        return self.method or self.name


class PublishedBase(Strict):
    """Merges whose published files name another base than their models' ancestor."""

    setup: Name
    base: Name
    sizes: list[int] | None = Field(None, description="Only combinations of so many languages; default: all.")
    methods: list[Name] | None = Field(None, description="Only these methods; default: all.")


class Series(Strict):
    """Nested series of merges: languages are added one by one."""

    orders: list[list[LanguageCode]] = Field(default_factory=list, description="Orders in which they are added.")
    drawn: int = Field(0, ge=0, description="So many further orders of all languages, drawn with the study's seed.")


class OverTraining(Strict):
    """Merges of all languages at the checkpoints of their training, beside `multi` at the same steps."""

    setups: list[Name] = Field(min_length=1)
    every: int = Field(ge=1, description="Steps; a multiple of `checkpoint_every`.")
    until: int = Field(ge=1, description="The last step; the finished models are merged anyway.")

    @property
    def steps(self) -> range:
        """The steps after which checkpoints are merged."""
        return range(self.every, self.until + 1, self.every)


class Merging(Strict):
    """Which merges are made, and how."""

    methods: list[Method]
    sizes: list[Annotated[int, Field(ge=2)]] | None = Field(
        None, description="Numbers of languages to combine; default: 2 up to all of them."
    )
    series: Series = Field(default_factory=Series, description="More combinations, that grow language by language.")
    over_training: OverTraining | None = Field(None, description="Default: only finished models are merged.")
    dtype: Literal["float16", "bfloat16", "float32"] = Field("float16", description="Of the merged weights.")
    base: str = Field(
        "ancestor",
        description="Base of the task vectors: 'ancestor' (the setup's base), 'as_published' (what `published_bases` "
        "says, else the ancestor) or a base's name.",
    )
    published_bases: list[PublishedBase] = Field(
        default_factory=list, description="For base: as_published; the last entry that fits a merge holds."
    )
    keep: Switch = Field(False, description="Keep merged checkpoints (else they exist only until they are scored).")
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="Where merges are computed; auto: on the GPU where there is one. The CPU gives the same bytes "
        "everywhere; on a GPU sums are in another order, so its merges are others, and are scored as such.",
    )
    mixed_dtypes: Switch = Field(
        False,
        description="Take members that are stored in different dtypes, converted to `dtype`; else they are refused.",
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
