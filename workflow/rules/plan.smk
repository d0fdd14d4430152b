# What the study costs, before it is spent.


localrules:
    plan,


# No output: it is written whenever it is asked for, as it also says what is built.
rule plan:
    log:
        f"{LOGS}/plan.log",
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
