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


use rule score_model as score_checkpoint with:
    input:
        model=lambda w: LAYOUT.checkpoint(w.checkpoint),
        benchmarks=lambda w: LAYOUT.listings(CHECKPOINTS[w.checkpoint].scored_in),
    output:
        [update(f"{RESULTS}/scores/{{checkpoint}}/{name}") for name in SCORES],
    log:
        f"{LOGS}/scores/{{checkpoint}}.log",
    benchmark:
        f"{TIMES}/scores/{{checkpoint}}.tsv"
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: inference_memory(STUDY, CHECKPOINTS[w.checkpoint].width, 2, attempt),
        runtime=lambda w, attempt: scoring_minutes(bool(DECODING), attempt),
    params:
        step=lambda w: CHECKPOINTS[w.checkpoint].step,
    message:
        "Score the intermediate checkpoint {wildcards.checkpoint}"
