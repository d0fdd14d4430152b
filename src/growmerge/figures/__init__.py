"""The figures, one a file: its models, data, drawing, caption and finding, as one object `FIGURE`.

A file that is added here is a figure that is added: rules ask for its models and draw it. What figures share stands in
`growmerge.figures.common`. Rules read these files while Snakemake parses them, so they import pandas and matplotlib
within `lazily()`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from growmerge.figures.common.figure import Figure

FIGURES: dict[str, Figure] = {
    module.name: import_module(f"{__name__}.{module.name}").FIGURE
    for module in iter_modules(__path__)
    if not module.ispkg
}
