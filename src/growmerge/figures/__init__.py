"""The figures, one a file: its models, data, drawing, caption and finding, as one object `FIGURE`.

A file that is added here is a figure that is added: rules ask for its models and draw it. What figures share stands in
`growmerge.figures.common`. Rules read these files while Snakemake parses them, so they import pandas and matplotlib
within `lazily()`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from growmerge.errors import GrowmergeError
from growmerge.figures.common.figure import Figure

# Tables that are no figure's: a figure of that name would be drawn from them.
TABLES = ("benchmarks", "by_language", "contrasts", "means", "scores", "signal", "translations")


def _figure(name: str) -> Figure:
    file = f"src/growmerge/figures/{name}.py"
    if name in TABLES:
        raise GrowmergeError(f"{file}: 'tables/{name}.csv' is another table; give the figure another name")
    figure = getattr(import_module(f"{__name__}.{name}"), "FIGURE", None)
    if not isinstance(figure, Figure):
        raise GrowmergeError(f"{file}: defines no `FIGURE`; what figures share belongs into figures/common/")
    return figure


FIGURES = {module.name: _figure(module.name) for module in iter_modules(__path__) if not module.ispkg}
