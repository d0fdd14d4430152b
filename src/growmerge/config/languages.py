"""The languages of a study, the English of its bases, and how often text is repeated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.corpora import Expected
from growmerge.config.strict import Epochs, LanguageCode, Name, Share, Strict


class Language(Strict):
    """A target language with a corpus of its own choice; without one, it is a ShortLanguage."""

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
    unscored: bool = Field(
        False,
        exclude_if=lambda value: not value,
        description="Accept that no benchmark of the study has this language; default: it is refused.",
    )


class ShortLanguage(Strict):
    """A language without a `corpus`: its text comes from FineWeb-2, or from files of your own.

    A code alone, such as `dan`, means `{code: dan}`. Name, corpus and held-out sentences (of FLORES+, where the
    study has English ones) are derived, and benchmarks of files below list it, too. The keys of Language and those here
    override what is derived; `snakemake plan` shows it.
    """

    code: LanguageCode = Field(description="Its code of ISO 639-3, such as dan; `growmerge languages dan` shows it.")
    script: str | None = Field(
        None, description="The script of its text in ISO 15924, such as Latn; required where FineWeb-2 has several."
    )
    text: str | list[str] | None = Field(
        None,
        description="Text of your own: paths or globs of .jsonl, .txt (also with .gz) or .parquet files, or a folder "
        "in the hub's layout; default: its subset of FineWeb-2. Every line of .txt files without blank lines is a "
        "document.",
    )
    heldout: Share | None = Field(
        None, description="The derived corpus's `heldout`; default: that of English, where FLORES+ lacks the language."
    )
    min_words: int | None = Field(None, ge=1, description="The derived corpus's `min_words`.")
    cleaning: Literal["strings", "text"] | None = Field(None, description="The derived corpus's `cleaning`.")
    placeholder: str | None = Field(None, description="The derived corpus's `placeholder`.")
    shards: int | None = Field(None, ge=1, description="Its number of shards; default: one for each 4 GB of text.")
    expected: Expected | None = Field(
        None, description="The size of its text; default: by FineWeb-2's table; of own files, as counted."
    )


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
