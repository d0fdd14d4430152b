"""A sample of pairs of which no word makes up more than a share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from growmerge.benchmarks.inflection.pairs import changed_word
from growmerge.benchmarks.items import Item
from growmerge.hashing import unit_hash

_ALWAYS = 10  # pairs that a word may have whatever their share: a small benchmark has few words


def capped(items: Iterable[Item], share: float, limit: int | None, seed: int) -> list[Item]:
    """At most `limit` pairs in the order of their hashes, of each changed word at most `share` of them (or 10).

    Which are kept depends on nothing but the pairs there are, the share, the limit and the seed. No more than twice the
    limit are held in memory.
    """
    salt = f"sample:{seed}"

    def first(some: list[Item], size: int) -> list[Item]:
        kept: Counter[str] = Counter()
        chosen: list[Item] = []
        for item in sorted(some, key=lambda item: (unit_hash(item.id, salt), item.id)):
            word = changed_word(item)
            if kept[word] < _most(size, share) and len(chosen) < size:
                kept[word] += 1
                chosen.append(item)
        return chosen

    held: list[Item] = []
    for item in items:
        held.append(item)
        if limit and len(held) == 2 * limit:
            held = first(held, limit)
    # A cap takes pairs away, and of fewer pairs the same share is smaller: until nothing changes.
    counts = Counter(map(changed_word, held))
    size = min(limit or len(held), len(held))
    while (left := sum(min(count, _most(size, share)) for count in counts.values())) < size:
        size = left
    return first(held, size)


def _most(size: int, share: float) -> int:
    return max(_ALWAYS, int(share * size))
