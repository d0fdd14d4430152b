"""A sample of minimal pairs for a human to read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from growmerge.benchmarks.inflection.pairs import changed_word
from growmerge.benchmarks.items import Item
from growmerge.hashing import in_hash_order

_OF_EACH = 5
_COMMONEST = 20


def sample(items: Iterable[Item], title: str, seed: int) -> str:
    """A page in Markdown: the commonest words, and of each subset the number of pairs and a few of them.

    What differs in a pair is in bold.
    """
    items = list(items)
    subsets: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        subsets[item.subset].append(item)
    total = sum(map(len, subsets.values()))
    parts = [f"# {title}\n\n{total:,} pairs in {len(subsets)} subsets; right above wrong.\n", _table(items)]
    for subset, members in sorted(subsets.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        chosen = in_hash_order(members, lambda item: item.id, f"sample:{seed}")[:_OF_EACH]
        pairs = "\n".join("- {}\n  {}".format(*_marked(*item.candidates)) for item in chosen)
        parts.append(f"## `{subset}`: {len(members):,}\n\n{pairs}\n")
    return "\n".join(parts)


def _table(items: Sequence[Item]) -> str:
    """The words that most pairs change: those of a function word that the lexicon lacks are seen here first."""
    words = Counter(changed_word(item) for item in items)
    rows = [f"| {word} | {count:,} | {count / len(items):.1%} |" for word, count in words.most_common(_COMMONEST)]
    return "\n".join(["## The commonest words\n", "| changed word | pairs | share |", "|---|---|---|", *rows, ""])


def _marked(right: str, wrong: str) -> tuple[str, str]:
    """Both texts with the words between their common beginning and end in bold."""
    start = _alike(right, wrong)
    end = _alike(right[start:][::-1], wrong[start:][::-1])
    start = right.rfind(" ", 0, start) + 1
    stop = right.find(" ", len(right) - end)
    end = 0 if stop < 0 else len(right) - stop
    return tuple(f"{t[:start]}**{t[start : len(t) - end]}**{t[len(t) - end :]}" for t in (right, wrong))  # type: ignore[return-value]


def _alike(left: str, right: str) -> int:
    """The number of characters that both begin with."""
    return next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
