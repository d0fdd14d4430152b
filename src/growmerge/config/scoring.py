"""How models are scored."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.strict import Name, Strict


class Scoring(Strict):
    """In which languages models are scored, and how log-likelihoods are computed."""

    languages: Literal["own", "all"] = Field(
        "own",
        description="In which languages a model is scored that was trained or merged here. own: those that it has "
        "learned, and English; a new language then scores no old merge again. all: every language of the study, for "
        "matrices of transfer. Bases and models from elsewhere are scored in all.",
    )
    reference: Name = Field(
        description="The base whose English log-likelihoods are the reference of information parity."
    )
    late_checkpoints: int = Field(
        5,
        ge=0,
        description="Number of intermediate checkpoints, the last of one training, that are scored: how much their "
        "scores vary is the noise of a benchmark, in the table `signal`, if there is one seed. 0: none; then the noise "
        "of one seed is not known.",
    )
    tokens_per_batch: int = Field(
        8192, gt=0, description="Most tokens in a batch; on a CPU, batches may be smaller. Scores do not depend on it."
    )
