"""The tables of a study as a dataset of the hub."""

from __future__ import annotations

from growmerge.errors import GrowmergeError
from growmerge.models.card import CARD, Card
from growmerge.publishing.contents import Content, of_artifact
from growmerge.study.layout import Layout
from growmerge.study.publication import tables_folder


def of_tables(layout: Layout) -> list[Content]:
    """The tables that are there, each with what is beside it, and a card that names them to the hub's viewer.

    Manifests stay here: they hold names of machines. Raises GrowmergeError if there is no table.
    """
    folder = tables_folder(layout)
    tables = sorted(path for path in folder.glob("*.parquet") if path.with_suffix(".manifest.json").exists())
    if not tables:
        raise GrowmergeError(
            f"{folder}: there is no table yet: run `snakemake all` first, or set publish: {{tables: false}}"
        )
    study = layout.study
    settings = study.publish
    contents = {content.name: content for table in tables for content in of_artifact(table)}
    metadata = {
        "license": settings.licence if settings else None,
        "tags": ["growmerge"],
        "configs": [{"config_name": table.stem, "data_files": table.name} for table in tables],
    }
    about = f"The tables of the study `{study.study}`, made with growmerge: one row per model, measure and language.\n"
    listing = "\n".join(f"- `{name}`: SHA-256 `{content.sha256}`" for name, content in contents.items())
    card = Card(f"{study.study}: tables", metadata, [about, f"## Files\n\n{listing}\n"])
    return [*contents.values(), Content.of_bytes(CARD, card.text().encode())]
