"""How models are scored."""

from __future__ import annotations

from pydantic import Field

from growmerge.config.strict import Name, Strict


class Scoring(Strict):
    """How log-likelihoods are computed."""

    reference: Name = Field(
        description="The base whose English log-likelihoods are the reference of information parity."
    )
    tokens_per_batch: int = Field(
        8192, gt=0, description="Most tokens in a batch; on a CPU, batches may be smaller. Scores do not depend on it."
    )
