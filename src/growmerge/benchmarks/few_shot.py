"""Examples before a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from growmerge.benchmarks.items import Item
from growmerge.errors import GrowmergeError
from growmerge.hashing import in_hash_order

_BETWEEN = "\n\n"  # a blank line ends an example


def with_examples(
    items: Iterable[Item], pool: Iterable[Item], count: int, seed: int, key: str = "few_shot"
) -> Iterator[Item]:
    """The items with `count` answered ones of the pool before each, a blank line between them, the same for all.

    The examples are those with the smallest hashes of seed and id, one of each context. An item whose context is among
    theirs gets the next one instead: no item sees its own answer, and none is lost. Raises GrowmergeError, which names
    `key`, where an item has fewer.
    """
    distinct: dict[str, Item] = {}
    for example in in_hash_order(pool, lambda item: item.id, f"few-shot:{seed}") if count else []:
        distinct.setdefault(example.context, example)
    chosen = list(distinct.values())[: count + 1]
    for item in items:
        examples = [example for example in chosen if example.context != item.context][:count]
        if len(examples) < count:
            raise GrowmergeError(
                f"{key} = {count}: '{item.id}' has {len(examples)} examples, of {len(distinct)} different questions; "
                f"say at most {len(examples)}, or take them from more rows"
            )
        preamble = "".join(f"{example.context}{answer(example)}{_BETWEEN}" for example in examples)
        yield replace(item, context=preamble + item.context)


def answer(item: Item) -> str:
    """The right continuation of an item: its first candidate, else the translation."""
    return item.candidates[0] if item.candidates else f" {item.reference}"


def split_examples(context: str) -> list[str]:
    """The examples of a context, each with the blank line after it, and last the question; together they are it."""
    *examples, question = context.split(_BETWEEN)
    return [*(example + _BETWEEN for example in examples), question]
