"""Examples before a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from growmerge.evaluation.builders.choose import in_hash_order
from growmerge.evaluation.items import Item

_BETWEEN = "\n\n"  # a blank line ends an example


def with_examples(items: Iterable[Item], pool: Iterable[Item], count: int, seed: int) -> Iterator[Item]:
    """The items with `count` answered ones of the pool before each, a blank line between them, the same for all.

    The examples are those with the smallest hashes of seed and id. Where the pool is the benchmark itself, an item that
    is among the examples gets the next one instead: no item sees its own answer, and none is lost.
    """
    chosen = in_hash_order(pool, lambda item: item.id, f"few-shot:{seed}")[: count + 1] if count else []
    for item in items:
        examples = [example for example in chosen if (example.id, example.context) != (item.id, item.context)][:count]
        preamble = "".join(f"{example.context}{answer(example)}{_BETWEEN}" for example in examples)
        yield replace(item, context=preamble + item.context)


def answer(item: Item) -> str:
    """The right continuation of an item: its first candidate, else the translation."""
    return item.candidates[0] if item.candidates else f" {item.reference}"


def split_examples(context: str) -> list[str]:
    """The examples of a context, each with the blank line after it, and last the question; together they are it."""
    *examples, question = context.split(_BETWEEN)
    return [*(example + _BETWEEN for example in examples), question]
