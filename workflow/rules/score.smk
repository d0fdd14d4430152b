# Scores of bases and adapted models; those of merges are made where the merges are.


rule score_model:
    message:
        "Score {wildcards.model}"
    input:
        model=lambda w: model_folder(w.model),
        benchmarks=benchmark_folders(),
    output:
        update(f"{RESULTS}/scores/{{model}}/items.parquet"),
    log:
        f"{LOGS}/scores/{{model}}.log",
    benchmark:
        f"{TIMES}/scores/{{model}}.tsv"
    params:
        cells=GRID.score_cells,
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
    threads: 4
    resources:
        gpu=1,
        mem_mb=inference_memory(2),
        runtime=lambda w, attempt: 60 * attempt,
    conda:
        "../../envs/merge.yaml"
    script:
        "../scripts/score_model.py"


# Information parity compares with what one model makes of the English sentences (Glocker et al. 2025, section 3.6).
REFERENCE_SCORE = f"{RESULTS}/scores/reference/items.parquet"
REFERENCE_CELLS = [(benchmark, language) for benchmark, language in GRID.score_cells if benchmark == "parity"]


use rule score_model as score_reference with:
    message:
        "Score the English side of the parallel sentences with {STUDY.scoring.reference}"
    input:
        model=model_folder(STUDY.scoring.reference),
        benchmarks=[f"{RESULTS}/benchmarks/{benchmark}/{language}" for benchmark, language in REFERENCE_CELLS],
    output:
        update(REFERENCE_SCORE),
    log:
        f"{LOGS}/scores/reference.log",
    benchmark:
        f"{TIMES}/scores/reference.tsv"
    params:
        cells=[("parity_reference", language) for _, language in REFERENCE_CELLS],
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
