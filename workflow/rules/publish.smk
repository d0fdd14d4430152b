# Cards of models, and what is sent to the hub. Neither is part of `all`: each runs if it is asked for by name.

from growmerge.study.publication import listing


localrules:
    cards,
    publish,


# No output: cards are notes in the folders of models, and may be written again with newer scores.
rule cards:
    """
    Write the README.md card of every model that is there, with the scores of tables/scores.parquet.
    """
    log:
        f"{LOGS}/cards.log",
    retries: 0
    conda:
        "../../envs/merge.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        configuration=STUDY.model_dump(mode="json", by_alias=True),
    message:
        "Write the cards of all models of study {STUDY.study}"
    script:
        "../scripts/write_cards.py"


# No output and no input: it sends what is there, and starts no training. Its message lists what that is, so that
# `snakemake publish -n` shows it.
rule publish:
    """
    Send models and tables to the hub, as the section `publish` of the configuration says; read back and compare.
    """
    log:
        f"{LOGS}/publish.log",
    retries: 0
    conda:
        "../../envs/merge.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=1440,
    params:
        configuration=STUDY.model_dump(mode="json", by_alias=True),
        listing=lambda w: listing(LAYOUT),
    message:
        "Publish study {STUDY.study}\n{params.listing}"
    script:
        "../scripts/publish.py"
