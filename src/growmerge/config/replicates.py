"""In what the replicates of a study differ: which random choices their seed makes, and what they share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.strict import Strict


class Replicates(Strict):
    """Replicates: the same study with other `seeds`, whose spread says how much of a result is chance.

    By default everything random that shapes a model differs, from the first weights on. That is what a reader asks who
    trains again. A replicate of `base-2x` and `2x` with the seed 43 is named `base-2x#43` and `2x#43`. What does not
    depend on the seed, such as a model from elsewhere, is made once. DARE's masks and the texts that `tuned` draws
    always differ. Benchmarks, held-out text and generation keep `seed`.

    Partial sharing, merges over training, compute matching and comparisons of models are made with the first seed only.
    """

    vary: list[Literal["initialisation", "order"]] = Field(
        default=["initialisation", "order"],
        description="Which random choices of trainings differ. `initialisation`: random weights, and the noise of "
        "clones. `order`: the order of the text.",
    )
    bases: Literal["own", "shared"] = Field(
        "own",
        description="`own`: every replicate trains bases of its own. `shared`: all start from the bases of the first "
        "seed. That is cheaper, but leaves out how much luck a base has.",
    )
