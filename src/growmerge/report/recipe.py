"""How to get the same results: commit, versions, commands, configuration."""

from __future__ import annotations

import yaml

from growmerge.config import Study
from growmerge.report.costs import counted
from growmerge.report.made import Made
from growmerge.report.page import Recipe


def recipe(study: Study, made: Made) -> Recipe:
    """From the manifests, and the whole configuration as it is in effect."""
    commits = counted(made, lambda manifest: [str(manifest.provenance.get("commit", "unknown"))])
    versions = counted(
        made, lambda manifest: [f"{p} {v}" for p, v in (manifest.provenance.get("versions") or {}).items()]
    )
    commit = commits[0].name.removesuffix("-dirty") if commits else "unknown"
    file = f"{study.study}.yaml"
    commands = "\n".join(
        [
            "# in a clone of growmerge",
            *([f"git checkout {commit}"] if commit != "unknown" else []),
            "make install && source .venv/bin/activate",
            f"# save the configuration below as {file}; on a cluster add: --profile slurm",
            f"snakemake all --configfile {file} --cores all",
            f"snakemake report --configfile {file} --cores all",
        ]
    )
    whole = study.model_dump(mode="json", by_alias=True)
    return Recipe(commits, versions, commands, yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120))
