"""Rule list_part_ids: the published list of a part's document ids, as sorted hashes to look documents up in."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from pydantic import TypeAdapter

    from growmerge.config.corpora import FileSource, HubSource
    from growmerge.data.parts import publish_ids

with job(snakemake.log[0]):
    publish_ids(
        Path(snakemake.output[0]),
        TypeAdapter(FileSource | HubSource).validate_python(snakemake.params.ids),
        [Path(file) for file in snakemake.input.files],
    )
