"""Scores of some cells of a model while others are still to come: what an interrupted job need not do again.

They are kept next to the declared outputs of the job, not in them: if a job fails, Snakemake restores or removes its
outputs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from growmerge.artifacts import replacing

_ABOUT = b"about"


class Unfinished:
    """The folder that holds them, one file a cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, cell: tuple[str, str], rows: pa.Table, about: Mapping[str, Any]) -> None:
        """Keep the rows of a cell, and plain data about them."""
        with replacing(self._path(cell)) as temporary:
            pq.write_table(rows.replace_schema_metadata({_ABOUT: json.dumps(about)}), temporary)

    def load(self, cell: tuple[str, str]) -> tuple[pa.Table, dict[str, Any]] | None:
        """What was kept of a cell; None if it cannot be read, or if `save` did not write it."""
        try:
            rows = pq.read_table(self._path(cell))
            about = json.loads((rows.schema.metadata or {}).get(_ABOUT, b"null"))
        except (OSError, ValueError):  # ArrowInvalid is a ValueError, too
            return None
        return (rows.replace_schema_metadata(), about) if isinstance(about, dict) else None

    def remove(self) -> None:
        """Remove everything, once it stands where it belongs."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, cell: tuple[str, str]) -> Path:
        return self.folder / f"{'.'.join(cell)}.parquet"
