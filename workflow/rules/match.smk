# Compute matching (Glocker et al. 2025, section 3.3): which checkpoints of two setups cost the same.


localrules:
    match_compute,


rule match_compute:
    """
    Find the checkpoints of two setups that cost the same.
    """
    output:
        csv=f"{RESULTS}/compute_match.csv",
        manifest=f"{RESULTS}/compute_match.manifest.json",
    log:
        f"{LOGS}/compute_match.log",
    benchmark:
        f"{TIMES}/compute_match.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        matches=[asdict(match) for match in MATCHES],
        bound=STUDY.analysis.matching_bound,
    message:
        "Find the checkpoints of study {STUDY.study} that cost the same"
    script:
        "../scripts/match_compute.py"
