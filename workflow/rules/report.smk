# One page that shows everything. What Snakemake's own `--report` begins with is workflow/report/workflow.rst.


report: "../report/workflow.rst"


localrules:
    report,


# It also reads the manifests of all artifacts, and shows some of their scores. Whatever changes them changes a table.
rule report:
    """
    Show the study on one page: figures, tables, every model down to its manifests.
    """
    input:
        TABLES,
        FIGURE_FILES,
        f"{RESULTS}/compute_match.csv",
    output:
        html=f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{TIMES}/report.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        configuration=STUDY.model_dump(mode="json", by_alias=True),
    message:
        "Show study {STUDY.study} on one page: {output.html}"
    script:
        "../scripts/report.py"
