# What the study costs, before it is spent.


localrules:
    plan,


# No output: it is written whenever it is asked for, as it also says what is built. What does not fit with `plan.strict`
# does not fit at a second attempt.
rule plan:
    """
    State what the study costs: parameters, tokens, FLOPs, GPU hours, time, disk and downloads; nothing is built.
    """
    log:
        f"{LOGS}/plan.log",
    retries: 0
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        configuration=STUDY.model_dump(mode="json", by_alias=True),
        folder=RESULTS,
    message:
        "Plan study {STUDY.study}: {RESULTS}/plan.csv and plan.md"
    script:
        "../scripts/plan.py"
