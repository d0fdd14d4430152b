# One page that shows everything. What Snakemake's own `--report` begins with is workflow/report/workflow.rst.


report: "../report/workflow.rst"


localrules:
    report,


# No output: it is written whenever it is asked for, as it also says what is missing and what was spent.
rule report:
    input:
        TABLES,
        FIGURE_FILES,
        f"{RESULTS}/compute_match.csv",
    log:
        f"{LOGS}/report.log",
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        configuration=STUDY.model_dump(mode="json", by_alias=True),
        html=f"{RESULTS}/report.html",
    message:
        "Show study {STUDY.study} on one page: {RESULTS}/report.html"
    script:
        "../scripts/report.py"
