"""Which models are merged, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from growmerge.config.strict import LanguageCode, Name, Strict, Switch

# A parameter of a merge method; a list of numbers is interpolated from the first layer to the last.
ParameterValue = bool | int | float | list[int | float]


class Method(Strict):
    """A merge method with its parameters: one of mergekit, of this repository, or of `modules`."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    method: str | None = Field(
        None, description="mergekit's merge_method, or the name of a method of `modules`; default: `name`."
    )
    uses_base: bool = Field(
        False,
        description="Works on differences to the base model. A method of mergekit that needs one wants it stated; a "
        "method that is not mergekit's and declares `base='required'` uses it in any case.",
    )
    parameters: dict[str, ParameterValue] = Field(
        default_factory=dict,
        description="The method's, for all models; a list of numbers is interpolated from the first layer to the last.",
    )
    weights: dict[LanguageCode, int | float | list[int | float]] = Field(
        default_factory=dict, description="{language: weight} of members that do not have `parameters.weight`."
    )

    @property
    def registered(self) -> str:
        """What the registry of merge methods, and mergekit for its own, call it."""
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

    modules: list[str] = Field(
        default_factory=list,
        description="Python files that define merge methods, relative to the configuration file that names them, else "
        "to the working directory. Each must stand alone: an edit merges again what its methods merge, while edits of "
        "what it imports go unnoticed.",
    )
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
