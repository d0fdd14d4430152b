# What the study needs from elsewhere, looked up before anything is submitted.


localrules:
    preflight,


# No output: it is asked for by name, and asks again each time. A second attempt would get the same answers.
rule preflight:
    """
    Look up every data set, configuration, split, column, model, branch, tokenizer and local file that the study names.
    """
    log:
        f"{LOGS}/preflight.log",
    retries: 0
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        configuration=STUDY.model_dump(mode="json", by_alias=True),
        folder=RESULTS,
    message:
        "Look up what study {STUDY.study} needs from elsewhere: {RESULTS}/preflight.md"
    script:
        "../scripts/preflight.py"
