# Merges. A job makes all merges of a combination of languages within a setup, scores each and removes it: what is kept
# are scores. One merged checkpoint, asked for by its path, is made by merge_models (with merging.keep, all of them are).


def members_of(wildcards):
    return [model_folder(f"{wildcards.setup}/{code}") for code in wildcards.combination.split(SEPARATOR)]


def merge_base(wildcards):
    return model_folder(GRID.merge_base(wildcards.setup))


def merge_folders(setup, combination):
    return [f"{RESULTS}/merges/{setup}/{combination}/{method.name}" for method in STUDY.merging.methods]


KEPT_MERGES = [f"{RESULTS}/merges/{merge.id}" for merge in GRID.merges] if STUDY.merging.keep else []
MERGE_CONFIG = STUDY.merging.model_dump(mode="json", exclude={"methods", "sizes", "keep", "base"})


rule merge_and_score:
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by every method, and score the merges"
    input:
        members=members_of,
        base=merge_base,
        benchmarks=benchmark_folders(),
        kept=lambda w: merge_folders(w.setup, w.combination) if STUDY.merging.keep else [],
    output:
        [
            update(f"{RESULTS}/scores/{{setup}}/{{combination}}/{method.name}/items.parquet")
            for method in STUDY.merging.methods
        ],
    log:
        f"{LOGS}/merges/{{setup}}/{{combination}}.log",
    benchmark:
        f"{TIMES}/merges/{{setup}}/{{combination}}.tsv"
    params:
        merging=MERGE_CONFIG,
        methods=[method.model_dump() for method in STUDY.merging.methods],
        cells=GRID.score_cells,
        seed=STUDY.seed,
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
        work=lambda w: f"{RESULTS}/work/merges/{w.setup}/{w.combination}",
    threads: 4
    resources:
        gpu=1,
        mem_mb=inference_memory(7),
        runtime=lambda w, attempt: 120 * attempt,
    conda:
        "../../envs/merge.yaml"
    script:
        "../scripts/merge_and_score.py"


rule merge_models:
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by {wildcards.method}"
    input:
        members=members_of,
        base=merge_base,
    output:
        directory(f"{RESULTS}/merges/{{setup}}/{{combination}}/{{method}}"),
    log:
        f"{LOGS}/merges/{{setup}}/{{combination}}/{{method}}.log",
    benchmark:
        f"{TIMES}/merges/{{setup}}/{{combination}}/{{method}}.tsv"
    params:
        merging=MERGE_CONFIG,
        method=lambda w: GRID.method(w.method).model_dump(),
        seed=STUDY.seed,
    threads: 4
    resources:
        mem_mb=inference_memory(7),
        runtime=lambda w, attempt: 60 * attempt,
    conda:
        "../../envs/merge.yaml"
    script:
        "../scripts/merge_models.py"
