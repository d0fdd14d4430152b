"""Rule cards: the README.md of every model, with the scores that there are."""

from growmerge.job import imports, job, snakemake

with imports():
    from growmerge.cards.cards import Cards
    from growmerge.config import validate
    from growmerge.study.grid import Grid
    from growmerge.study.layout import Layout

with job(snakemake.log[0]) as logger:
    study = validate(snakemake.params.configuration)
    logger.info("%d cards written", Cards(Layout(study, Grid(study))).write_all())
