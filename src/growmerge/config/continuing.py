"""Training goes on after a merge: a merge is trained on, or experts restart from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Annotated

from pydantic import Field

from growmerge import ids
from growmerge.config.strict import Name, Strict, Switch


class Healing(Strict):
    """Merges of all languages that are trained on (healed) for a share of what `multi` is trained on.

    A share of 0.05 makes `2x/isl+swe/ties~5` from the merge `2x/isl+swe/ties`. It trains on the mixture of `multi` with
    5 % of the epochs. It is a stage as all others: a new optimizer, and a schedule over its own steps by the rules of
    `training`. So its warm-up takes `warmup_share` of its own steps. `warmup_min_steps` counts only up to a tenth of
    them, rounded up. A healed merge costs its own steps and the training of all experts.
    """

    methods: list[Name] = Field(min_length=1, description="The merge methods whose merges are trained on.")
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        min_length=1, description="Shares of the epochs of `multi`, above 0 and at most 1; a model for each."
    )
    setups: list[Name] | None = Field(None, description="The setups whose merges are trained on; default: all.")
    learning_rate: float | None = Field(
        None, gt=0, le=1, description="Peak of the schedule; default: the setup's `learning_rate`."
    )
    control: Switch = Field(
        True,
        description="Also train each setup's base for the same tokens, as `2x/isl+swe/base~5`: what the training "
        "brings without the merge.",
    )


@dataclass(frozen=True)
class Round:
    """Round `number` of `count` (from 1) of the experts of the setup `of`; `methods` merge them at its end.

    `setup` is the name of the derived setup that holds them, `before` that of the round before; None in the first,
    whose experts are the same for all methods. Later rounds have one method.
    """

    setup: str
    before: str | None
    of: str
    methods: tuple[str, ...]
    number: int
    count: int

    @property
    def last(self) -> bool:
        """Whether its merge is the result."""
        return self.number == self.count


class Rounds(Strict):
    """Setups whose experts restart from their merge, as in federated averaging or DiLoCo.

    A count of 4 makes the setup `1x-rounds-4` from `1x`. In round 1, each expert trains on the first quarter of its
    steps, from the setup's base; then all experts are merged. In round 2, each expert trains on the second quarter,
    from that merge, and so on. No sequence is repeated or left out. The merge of the last round is the result,
    `1x-rounds-4/isl+swe/linear`. The rounds before it are the setups `1x-rounds-4.1` to `1x-rounds-4.3`; their models
    are kept, but not scored. Task vectors are differences to what the round starts from.

    Each round is a stage as all others: a new optimizer, and a schedule over its own steps, with warm-up and decay. A
    language's `warmup_steps` and `decay_steps` are divided by the number of rounds. Merges are stored in
    `merging.dtype`, so experts restart from weights of that precision.
    """

    methods: list[Name] = Field(
        min_length=1,
        description="The merge methods. The setup of the first is named `1x-rounds-4`, those of the others "
        "`1x-rounds-4-ties`. Append methods to the list, so that no setup gets another name. All methods share the "
        "experts of the first round, `1x-rounds-4.1`.",
    )
    counts: list[Annotated[int, Field(ge=2)]] = Field(
        min_length=1, description="Numbers of rounds, at least 2; a setup for each. One round would be the plain merge."
    )
    setups: list[Name] | None = Field(None, description="The setups whose experts train in rounds; default: all.")

    def expanded(self, setups: Iterable[str]) -> list[Round]:
        """All rounds, earlier ones first; `setups` are those of the study."""
        found = []
        for of, count in product(setups if self.setups is None else self.setups, self.counts):
            first = Round(ids.in_rounds(of, count, number=1), None, of, tuple(self.methods), 1, count)
            found.append(first)
            for method in self.methods:
                named, before = "" if method == self.methods[0] else method, first.setup
                for number in range(2, count + 1):
                    setup = ids.in_rounds(of, count, named, None if number == count else number)
                    found.append(Round(setup, before, of, (method,), number, count))
                    before = setup
        return found
