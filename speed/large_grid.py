"""A study with many merges: the miniature with more languages, for measurements of grids.

    python speed/large_grid.py --languages 14 --setups 3 --sizes 5 > large.yaml
    snakemake -n all --configfile config/miniature.yaml large.yaml

All languages read the Swedish text, so nothing but the grid is of interest.
"""

from __future__ import annotations

import argparse
from itertools import product
from string import ascii_lowercase
from typing import Any

import yaml

SETUPS = {"1x": "base-1x", "2x": "base-2x", "scratch": "init", "1x_cloned": "base-1x-x2"}
# The miniature's language that the configuration names elsewhere, and codes that ISO 639-3 leaves to users.
CODES = ["swe", *(f"q{''.join(letters)}" for letters in product("abcdefghijklmnopqrst", ascii_lowercase))]


def large_grid(languages: int, setups: int, largest: int) -> dict[str, Any]:
    """An overlay of config/miniature.yaml: merges of 2 to `largest` of the languages, in each setup by six methods."""
    listed = [
        {"code": code, "name": code, "corpus": "swe", "evaluation": "swe", "epochs": 0.75} for code in CODES[:languages]
    ]
    return {
        "study": "large-grid",
        "languages": listed,
        "setups": [{"name": name, "base": base} for name, base in list(SETUPS.items())[:setups]],
        "merging": {"sizes": list(range(2, largest + 1)), "series": {"drawn": 0}, "over_training": None},
        "comparison": {"typology": None},
        "benchmarks": [
            {"name": "parity", "limit": 60, "max_words": 30},
            {"name": "bits_per_byte", "limit": 200, "piece_bytes": 240},
            {"name": "facts", "limit": 40},
        ],
    }


def main() -> None:
    """Print the overlay."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--languages", type=int, default=14)
    parser.add_argument("--setups", type=int, default=3, choices=range(1, len(SETUPS) + 1))
    parser.add_argument("--sizes", type=int, default=5, metavar="N", help="merges of 2 to N languages")
    options = parser.parse_args()
    print(yaml.safe_dump(large_grid(options.languages, options.setups, options.sizes)), end="")


if __name__ == "__main__":
    main()
