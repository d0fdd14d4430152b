"""The languages of a study, the English of its bases, and how often text is repeated."""

from __future__ import annotations

from pydantic import Field

from growmerge.config.strict import Epochs, LanguageCode, Name, Share, Strict


class Language(Strict):
    """A target language."""

    code: LanguageCode = Field(description="Its code of ISO 639-3, such as swe.")
    name: str = Field(min_length=1, description="Its name in figures.")
    corpus: Name = Field(description="The corpus, or part of one, that it is trained on.")
    evaluation: Name | None = Field(
        None, description="The corpus whose held-out documents are used for evaluation; default: `corpus`."
    )
    epochs: Epochs | None = Field(
        None, description="Passes over the language's text and its replay; default: as many as `unimax` gives it."
    )
    replay: Share | None = Field(
        None, description="The share of the reference language's replay, 0 to 1; default: the ratio of their documents."
    )
    checkpoint_every: int | None = Field(None, ge=1, description="Steps; overrides training.checkpoint_every.")
    warmup_steps: int | None = Field(None, ge=0, description="Steps of warm-up; default: by `training`.")
    decay_steps: int | None = Field(None, ge=0, description="Steps of decay; default: by `training`.")


class English(Strict):
    """The language of the base models.

    Every model is scored in it, to see how much is retained; information parity compares with it.
    """

    code: LanguageCode = Field("eng", description="Its code of ISO 639-3.")
    name: str = Field("English", description="Its name in figures.")
    evaluation: Name = Field(description="The corpus whose held-out documents are used for evaluation.")


class Replay(Strict):
    """Text of the base models that is mixed into every adaptation (Glocker et al. 2025, section 3.1)."""

    reference: LanguageCode = Field(
        description="The language that `corpora` is stated for; other languages scale it by their documents."
    )
    corpora: dict[str, Share] = Field(
        description="{corpus: the share of it that the reference language replays}, 0 to 1."
    )
    whole_percent: bool = Field(
        False, description="Round the scale of the other languages to whole percent, at least 1, as published."
    )


class UniMax(Strict):
    """UniMax (Chung et al. 2023): languages get equal shares of a budget of characters, up to a number of epochs.

    It needs `expected.characters` of the corpora of all languages. A language's own `epochs` override its result.
    """

    characters: float = Field(
        gt=0, description="The budget of all languages together, in characters, with repetitions."
    )
    max_epochs: Epochs = Field(description="The most epochs of any language.")
    fixed: dict[LanguageCode, Epochs] = Field(
        default_factory=dict,
        description="{language: epochs} that are fixed; the other languages share the rest of the budget (the variant "
        "of Glocker et al. 2025, section 3.4). It keeps finished models if a language is added: `snakemake plan` names "
        "those that would change, with their epochs.",
    )
