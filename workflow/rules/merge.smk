# Merges. A job makes all merges of a combination of languages within a setup, scores each and removes it: what is kept
# are scores. One merged checkpoint, asked for by its path, is made by merge_models (with merging.keep, all of them are).

# What methods ask to know of the members (`statistics` of `@merge_method`): made only if one of the study's does.


rule count_tokens:
    input:
        shards=lambda w: LAYOUT.shards(w.part),
        tokenizer=f"{RESULTS}/tokenizer",
    output:
        directory(f"{RESULTS}/statistics/token_counts/{{part}}"),
    log:
        f"{LOGS}/statistics/token_counts/{{part}}.log",
    benchmark:
        f"{TIMES}/statistics/token_counts/{{part}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=lambda w, attempt: 60 * attempt,
    params:
        vocabulary=STUDY.tokenizer.vocab_size,
    message:
        "Count the tokens of {wildcards.part}"
    script:
        "../scripts/count_tokens.py"


rule merge_and_score:
    input:
        members=lambda w: LAYOUT.members(w.setup, w.combination),
        bases=lambda w: sorted(set(LAYOUT.merge_bases(w.setup, w.combination).values())),
        benchmarks=LAYOUT.listing,
        modules=LAYOUT.merge_modules(STUDY.merging.methods),
        statistics=lambda w: LAYOUT.merge_statistics(w.setup, w.combination, STUDY.merging.methods),
        kept=lambda w: LAYOUT.kept_of(w.setup, w.combination),
    output:
        [
            update(f"{RESULTS}/scores/{{setup}}/{{combination}}/{method.name}/{name}")
            for method in STUDY.merging.methods
            for name in SCORES
        ],
    log:
        f"{LOGS}/merges/{{setup}}/{{combination}}.log",
    benchmark:
        f"{TIMES}/merges/{{setup}}/{{combination}}.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: inference_memory(STUDY, GRID.width_of_setup(w.setup), 7, attempt),
        runtime=lambda w, attempt: merging_minutes(bool(DECODING), attempt),
    params:
        dtype=STUDY.merging.dtype,
        device=STUDY.merging.device,
        mixed_dtypes=STUDY.merging.mixed_dtypes,
        methods=[LAYOUT.method_params(method) for method in STUDY.merging.methods],
        bases=lambda w: LAYOUT.merge_bases(w.setup, w.combination),
        decoding=DECODING,
        seed=STUDY.seed,
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
        work=lambda w: f"{RESULTS}/work/merges/{w.setup}/{w.combination}",
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by every method, and score the merges"
    script:
        "../scripts/merge_and_score.py"


rule merge_models:
    input:
        members=lambda w: LAYOUT.members(w.setup, w.combination),
        base=lambda w: LAYOUT.merge_base(w.setup, w.combination, w.method),
        modules=lambda w: LAYOUT.merge_modules([GRID.method(w.method)]),
        statistics=lambda w: LAYOUT.merge_statistics(w.setup, w.combination, [GRID.method(w.method)]),
    output:
        directory(f"{RESULTS}/merges/{{setup}}/{{combination}}/{{method}}"),
    log:
        f"{LOGS}/merges/{{setup}}/{{combination}}/{{method}}.log",
    benchmark:
        f"{TIMES}/merges/{{setup}}/{{combination}}/{{method}}.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=int(STUDY.merging.device != "cpu"),
        mem_mb=lambda w, attempt: inference_memory(STUDY, GRID.width_of_setup(w.setup), 7, attempt),
        runtime=lambda w, attempt: 60 * attempt,
    params:
        dtype=STUDY.merging.dtype,
        device=STUDY.merging.device,
        mixed_dtypes=STUDY.merging.mixed_dtypes,
        method=lambda w: LAYOUT.method_params(GRID.method(w.method)),
        scores=lambda w: LAYOUT.score(f"{w.setup}/{w.combination}/{w.method}"),
        seed=STUDY.seed,
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by {wildcards.method}"
    script:
        "../scripts/merge_models.py"
