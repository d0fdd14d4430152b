"""Rule list_part_ids: the published list of a part's document ids, as sorted hashes to look documents up in."""

from pathlib import Path

from pydantic import TypeAdapter

from growmerge.job import job
from growmerge.artifacts import publish, sha256_file
from growmerge.config.corpora import FileSource, HubSource
from growmerge.data.parts import IDS, read_ids, write_ids

with job(snakemake.log[0]) as log:
    source = TypeAdapter(FileSource | HubSource).validate_python(snakemake.params.ids)
    with publish(Path(snakemake.output[0]), config=snakemake.params.ids) as draft:
        draft.facts |= write_ids(read_ids(source), draft.folder / IDS)
        draft.facts["files"] = {file: sha256_file(Path(file)) for file in snakemake.input.files}
        log.info("%s: %d ids, %d of them repeated", *[snakemake.wildcards.part, *list(draft.facts.values())[:2]])
