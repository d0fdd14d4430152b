# Compute matching (Glocker et al. 2025, section 3.3): which checkpoints of two setups cost the same, and their scores.


localrules:
    match_compute,


rule match_compute:
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


rule score_checkpoint:
    input:
        checkpoints=lambda w: LAYOUT.checkpoints(MATCHED[w.matched].parents[0]),
        benchmarks=LAYOUT.benchmarks(GRID.score_cells),
    output:
        update(f"{RESULTS}/scores/{{matched}}/items.parquet"),
    log:
        f"{LOGS}/scores/{{matched}}.log",
    benchmark:
        f"{TIMES}/scores/{{matched}}.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: inference_memory(STUDY, MATCHED[w.matched].width, 2, attempt),
        runtime=lambda w, attempt: 30 * attempt,
    params:
        step=lambda w: int(w.matched.split("@")[1]),
        cells=GRID.score_cells,
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
    message:
        "Score the intermediate checkpoint {wildcards.matched}"
    script:
        "../scripts/score_checkpoint.py"
