"""Checks a configuration without Snakemake: `python -m growmerge.config my-study.yaml`, from the top of the repository.

The files are laid over config/config.yaml, as `snakemake --configfile my-study.yaml` does it. Snakemake reads the files
of --configfile before any line of the workflow runs, and does not say where a file is not YAML: this does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from growmerge.config.load import check_local, load_files
from growmerge.errors import GrowmergeError

DEFAULTS = Path("config/config.yaml")


def main(arguments: list[str]) -> str | None:
    """What is wrong, one line for each problem; None if nothing is."""
    files = [DEFAULTS, *map(Path, arguments)]
    try:
        study = load_files(*files)
        check_local(study, files)
    except GrowmergeError as error:
        return str(error)
    print(f"{study.study}: the configuration is valid")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
