"""What a training passes through: phases of corpora and the steps they take. Pure, without numpy: plans use it, too.

A phase has components (a corpus, or a fixed share of one). It is passed through epoch by epoch; or, where components
have other numbers of epochs, all epochs of all components are shuffled once, so that none of them is over before the
end. What is shuffled together is a block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from growmerge.errors import GrowmergeError
from growmerge.study.recipe import Adaptation, Pretraining


@dataclass(frozen=True)
class Component:
    """A share of a corpus (always the same sequences of it), for so many epochs."""

    corpus: str
    epochs: float = 1.0
    share: float = 1.0


@dataclass(frozen=True)
class Phase:
    """What is trained on together."""

    components: tuple[Component, ...]
    shuffled_once: bool = False


def part_of(steps: int, part: tuple[int, int] | None) -> range:
    """The optimizer steps of a part of a training, given as its number (from 1) and the number of parts; None: all.

    The parts follow each other without a gap, and differ by at most one step.
    """
    number, count = part or (1, 1)
    return range((number - 1) * steps // count, number * steps // count)


@dataclass(frozen=True)
class Draw:
    """`count` of the `share` sequences of a component, in an order of its own that `key` gives."""

    corpus: str
    share: int
    count: int
    key: str


@dataclass(frozen=True)
class Block:
    """Draws that are shuffled together, in an order that `key` gives."""

    key: str
    draws: tuple[Draw, ...]

    @property
    def size(self) -> int:
        """Number of sequences."""
        return sum(draw.count for draw in self.draws)

    def steps(self, batch: int) -> int:
        """Optimizer steps: the last one is filled up, as in the published runs (`pad_samples_to_global_batch_size`)."""
        return math.ceil(self.size / batch)


def blocks_of(phases: Sequence[Phase], sizes: Mapping[str, int]) -> list[Block]:
    """The blocks in the order of training; `sizes` maps corpora to their numbers of sequences.

    Raises GrowmergeError for a component without any sequence.
    """
    blocks: list[Block] = []
    for number, phase in enumerate(phases):
        epochs = list(_epochs(phase, sizes, str(number)))
        if phase.shuffled_once:
            epochs = [Block(str(number), tuple(draw for epoch in epochs for draw in epoch.draws))]
        blocks += epochs
    return blocks


def _epochs(phase: Phase, sizes: Mapping[str, int], phase_key: str) -> Iterator[Block]:
    for epoch in range(math.ceil(max(component.epochs for component in phase.components))):
        key, draws = f"{phase_key}/{epoch}", []
        for position, c in enumerate(phase.components):
            share = round(sizes[c.corpus] * c.share)
            if share == 0:
                of_replay = "give it a larger share in `replay`, or leave it out there"
                mend = "give it more text" if c.share == 1 else of_replay
                raise GrowmergeError(
                    f"corpus '{c.corpus}': {c.share:.3g} of its {sizes[c.corpus]} sequences is less than one; {mend}"
                )
            count = round(share * min(1.0, max(0.0, c.epochs - epoch)))
            if count:
                draws.append(Draw(c.corpus, share, count, f"{key}/{position}"))
        yield Block(key, tuple(draws))


def phases_of(data: Pretraining | Adaptation, documents: Mapping[str, int]) -> list[Phase]:
    """The phases of a model's training; `documents` maps corpora to their numbers of documents.

    Bases: as configured. Adapted models (Glocker et al. 2025, section 3.1): one phase of the languages' text, each with
    its share of the reference language's replay, in proportion to its documents, for as many epochs as the text.
    """
    if isinstance(data, Pretraining):
        return [Phase(tuple(Component(corpus, epochs) for corpus, epochs in phase.items())) for phase in data.phases]
    replay = data.replay
    components: list[Component] = []
    for text in data.languages:
        components.append(Component(text.corpus, text.epochs))
        if replay.corpora:
            ratio = documents[text.corpus] / documents[replay.reference]
            scale = replay_scale(ratio, replay.whole_percent) if text.replay is None else text.replay
            components += [Component(corpus, text.epochs, share * scale) for corpus, share in replay.corpora.items()]
    return [Phase(tuple(components), shuffled_once=len(data.languages) > 1)]


def replay_scale(ratio: float, whole_percent: bool) -> float:
    """The share of the reference language's replay for a language with `ratio` times its documents: at most all of it.

    The published sub-samples are whole percents, at least one (Glocker et al. 2025: 99, 17, 5 and 1 %).
    """
    scale = min(1.0, ratio)
    return max(1, round(100 * scale)) / 100 if whole_percent else scale
