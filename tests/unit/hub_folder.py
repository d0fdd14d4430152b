"""Datasets in the hub's layout, written by tests: a card that lists configurations and splits, and Parquet files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml


def write_dataset(folder: Path, configs: dict[str, dict[str, list[dict]]]) -> str:
    """Write {config: {split: rows}}; returns the folder as text."""
    card = []
    for number, (config, splits) in enumerate(configs.items()):
        files = []
        for split, rows in splits.items():
            path = folder / f"config-{number}" / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows), path)
            files.append({"split": split, "path": str(path.relative_to(folder))})
        card.append({"config_name": config, "data_files": files})
    header = yaml.safe_dump({"configs": card}, allow_unicode=True)
    (folder / "README.md").write_text(f"---\n{header}---\nA copy in the hub's layout.\n", encoding="utf-8")
    return str(folder)
