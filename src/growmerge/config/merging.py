"""Which models are merged, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from growmerge.config.continuing import Healing, Rounds
from growmerge.config.strict import LanguageCode, Name, Strict, Switch

# A parameter of a merge method; a list of numbers is interpolated from the first layer to the last.
ParameterValue = bool | int | float | list[int | float]


class EmbeddingMethod(Strict):
    """The method by which the embedding is merged, and the head if it is a tensor of its own."""

    method: str = Field(description="The name of the method in mergekit, this repository or `modules`.")
    uses_base: bool = Field(False, description="As for the other tensors.")
    parameters: dict[str, bool | int | float] = Field(
        default_factory=dict, description="The method's parameters. There are no layers to interpolate lists over."
    )


class Method(Strict):
    """A merge method with its parameters: one of mergekit, of this repository, or of `modules`."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    method: str | None = Field(
        None, description="The name of the method in mergekit, this repository or `modules`; default: `name`."
    )
    uses_base: bool = Field(
        False,
        description="The method works on the models' differences to the base model. Set it for methods of mergekit "
        "that need a base. A method that declares `base='required'` uses it in any case.",
    )
    parameters: dict[str, ParameterValue] = Field(
        default_factory=dict,
        description="The method's parameters, for all models. A list of numbers is interpolated over the layers.",
    )
    weights: dict[LanguageCode, int | float | list[int | float]] = Field(
        default_factory=dict, description="{language: weight} of the members, instead of `parameters.weight`."
    )
    sizes: list[Annotated[int, Field(ge=2)]] | Literal["all"] | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Numbers of languages that are merged by this method, or `all`: merges of all languages alone. "
        "Default: every merge of the study. With it, only finished models are merged, and each merge is a job of its "
        "own.",
    )
    embedding: EmbeddingMethod | None = Field(
        None,
        exclude_if=lambda value: value is None,  # so that merges without one stay as they are
        description="Another method for the embedding (and the head, if it is a tensor of its own), such as `rows`; "
        "default: the same as for all other tensors.",
    )

    def merges(self, size: int, languages: int) -> bool:
        """Whether finished models of so many of the study's languages are merged by this method."""
        return self.sizes is None or size in ([languages] if self.sizes == "all" else self.sizes)

    @property
    def of_embedding(self) -> Method | None:
        """The method of the embedding, under the same name; None if it is this one."""
        own = self.embedding
        return Method(name=self.name, **own.model_dump()) if own else None

    @property
    def parts(self) -> list[Method]:
        """This method, and that of the embedding if it is another."""
        return [self, *([self.of_embedding] if self.of_embedding else [])]

    def parts_at(self, key: str) -> dict[str, Method]:
        """The parts by their keys in the configuration, if `key` is that of this method."""
        return dict(zip((key, f"{key}.embedding"), self.parts, strict=False))

    @property
    def registered(self) -> str:
        """What the registry of merge methods, and mergekit for its own, call it."""
        return self.method or self.name


class PublishedBase(Strict):
    """Merges whose published files name another base than their models' ancestor."""

    setup: Name = Field(description="The setup whose merges are meant.")
    base: Name = Field(description="The base that the published files name.")
    sizes: list[int] | None = Field(None, description="Only combinations of these numbers of languages; default: all.")
    methods: list[Name] | None = Field(None, description="Only these methods; default: all.")


class Series(Strict):
    """Nested series of merges, in which languages are added one by one."""

    orders: list[list[LanguageCode]] = Field(default_factory=list, description="Orders in which languages are added.")
    drawn: int = Field(0, ge=0, description="Number of further orders of all languages, drawn with the study's seed.")


class OverTraining(Strict):
    """Merges of all languages at intermediate checkpoints, next to `multi` at the same steps."""

    setups: list[Name] = Field(min_length=1, description="The setups whose checkpoints are merged.")
    every: int = Field(ge=1, description="Steps between merges; a multiple of `checkpoint_every`.")
    until: int = Field(ge=1, description="The last step that is merged. The finished models are merged in any case.")

    @property
    def steps(self) -> range:
        """The steps after which checkpoints are merged."""
        return range(self.every, self.until + 1, self.every)


class Ensemble(Strict):
    """Output ensembles of the models of single languages: the bound of what a merge of them can know.

    The probability of the next token is the mean of the models' probabilities. An ensemble runs all its models, so it
    costs as many forward passes. It is scored by log-likelihoods; benchmarks of generation leave it out.
    """

    setups: list[Name] | None = Field(None, description="The setups whose models are combined; default: all.")
    sizes: list[Annotated[int, Field(ge=2)]] | None = Field(
        None, description="Numbers of languages to combine; default: all languages together."
    )


class Merging(Strict):
    """Which merges are made, and how."""

    modules: list[str] = Field(
        default_factory=list,
        description="Python files that define merge methods. A path is relative to the configuration file that names "
        "it, or else to the working directory. Each file must be complete by itself: if it is edited, its merges are "
        "made again, but edits of files that it imports are not noticed.",
    )
    methods: list[Method] = Field(description="The merge methods.")
    statistics_from: dict[LanguageCode, Name] = Field(
        default_factory=dict,
        description="{language: corpus}: the text from which methods' statistics of its models (token counts, Gram "
        "matrices) are computed, a corpus of `corpora` or a part of one; default: the language's `corpus`. Models that "
        "are taken from elsewhere need it if no setup trains on that text here: a sample of it will do.",
    )
    gram_tokens: int = Field(
        16384,
        ge=1,
        description="Tokens of each language's text over which Gram matrices are computed, for methods that ask for "
        "them (`regmean`). It should be several times the width of the models' layers.",
    )
    sizes: list[Annotated[int, Field(ge=2)]] | None = Field(
        None, description="Numbers of languages to combine; default: from 2 up to all."
    )
    series: Series = Field(default_factory=Series, description="Further combinations that grow language by language.")
    healing: Healing | None = Field(
        None, description="Merges of all languages that are trained on for a few steps; default: none."
    )
    rounds: Rounds | None = Field(
        None, description="Setups whose experts restart from their merge several times; default: none."
    )
    over_training: OverTraining | None = Field(
        None, description="Merges of intermediate checkpoints; default: only finished models are merged."
    )
    ensemble: Ensemble | None = Field(
        None, description="Output ensembles next to the merges, `{}` for the defaults; default: none."
    )
    dtype: Literal["float16", "bfloat16", "float32"] = Field("float16", description="The dtype of the merged weights.")
    base: str = Field(
        "ancestor",
        description="The base of the task vectors: 'ancestor' (the setup's base), 'as_published' (the base in "
        "`published_bases`, else the ancestor), or the name of a base.",
    )
    published_bases: list[PublishedBase] = Field(
        default_factory=list, description="For `base: as_published`. The last entry that fits a merge applies."
    )
    keep: Switch = Field(False, description="Keep merged models; default: they are removed once they are scored.")
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="Where merges are computed; auto: on the GPU if there is one. Merges on a CPU have the same bytes "
        "on every machine. A GPU adds in another order, so its merges have other bytes, and may have other scores.",
    )
    mixed_dtypes: Switch = Field(
        False,
        description="Convert members that are stored in different dtypes to `dtype`; default: they are refused.",
    )
