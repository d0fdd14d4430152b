"""The languages of a study, the English of its bases, and how often text is repeated."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from growmerge.config.strict import LanguageCode, Name, Share, Strict


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
