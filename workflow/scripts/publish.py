"""Rule publish: models and tables to the hub."""

import os

from growmerge.job import imports, job, snakemake

# Files go by the hub's plain protocol for large files, which tests speak with a server of their own; Xet cannot be
# tested so. It is faster for files that share most of their bytes with others: HF_HUB_DISABLE_XET=0 takes it.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

with imports():
    from growmerge.config import validate
    from growmerge.publishing.hub import Hub, token_of_environment
    from growmerge.publishing.publish import publish
    from growmerge.study.grid import Grid
    from growmerge.study.layout import Layout
    from growmerge.study.publication import publication

with job(snakemake.log[0]):
    study = validate(snakemake.params.configuration)
    layout = Layout(study, Grid(study))
    chosen = publication(layout)
    publish(layout, chosen, Hub(token_of_environment()))
