# The check of everything against its manifest.


# No output, and no benchmark, which would count as one: it runs whenever it is asked for. Results may be read-only, so its
# log is with Snakemake's own. If it is cut off, it goes on where it was; a second attempt would find the same faults.
rule verify:
    """
    Check every artifact that is there against its manifest.
    """
    log:
        f".snakemake/log/verify-{STUDY.study}.log",
    retries: 0
    conda:
        "../../envs/analyse.yaml"
    threads: 8
    resources:
        mem_mb=2000,
        runtime=1440,
    params:
        folders=[RESULTS, *LAYOUT.packages([package.name for package in STUDY.packages])],
        expected=[*LAYOUT.models(), *LAYOUT.scores([*SCORED, *SHOWN.floors]), *TABLES, *FIGURE_FILES],
        sound=f".snakemake/log/verify-{STUDY.study}.sound.txt",
    message:
        "Check every artifact of study {STUDY.study} against its manifest"
    script:
        "../scripts/verify.py"
