"""Converters: how a benchmark's rows, or the text that it is made from, become items.

A converter is a module with a function `items` of a :class:`growmerge.benchmarks.conversion.Conversion`; an entry of
the registry names it. Those here read the rows of datasets, one family of benchmarks a module.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from importlib import import_module

from growmerge.benchmarks.conversion import Conversion
from growmerge.benchmarks.items import Item
from growmerge.errors import GrowmergeError

Converter = Callable[[Conversion], Iterable[Item]]


def find_converter(name: str) -> Converter:
    """The function `items` of a module of this package, or of the module with that full (dotted) name.

    Raises GrowmergeError where there is no such module, or it has no such function.
    """
    module = name if "." in name else f"{__name__}.{name}"
    try:
        found = getattr(import_module(module), "items", None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and imports one that is not
        ours = ", ".join(here.name for here in pkgutil.iter_modules(__path__))
        raise GrowmergeError(
            f"converter '{name}': there is no module {module}; there are {ours}; or give a module's full name"
        ) from error
    if not callable(found):
        raise GrowmergeError(f"converter '{name}': {module} has no function items(conversion)")
    return found
