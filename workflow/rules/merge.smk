# Merges. A job makes all merges of a combination of languages within a setup in memory and scores each: what is kept
# are scores. One merged checkpoint, asked for by its path, is made by merge_models (with merging.keep, all of them are;
# in any case those that are trained on, and those of rounds).

# What methods ask to know of the members (`statistics` of `@merge_method`): made only if one of the study's does.


rule count_tokens:
    """
    Count how often a language's text uses each token.
    """
    input:
        shards=lambda w: LAYOUT.shards(w.part),
        tokenizer=f"{RESULTS}/tokenizer",
    output:
        directory(LAYOUT.token_counts("{part}")),
    log:
        f"{LOGS}/statistics/token_counts/{{part}}.log",
    benchmark:
        f"{TIMES}/statistics/token_counts/{{part}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(2000, attempt),
        runtime=lambda w, attempt: escalate(60, attempt),
    params:
        vocabulary=STUDY.tokenizer.vocab_size,
    message:
        "Count the tokens of {wildcards.part}"
    script:
        "../scripts/count_tokens.py"


rule collect_grams:
    """
    Collect what RegMean asks of a model: the Gram matrices of its layers' inputs.
    """
    input:
        member=lambda w: LAYOUT.members(w.setup, w.expert),
        shards=lambda w: LAYOUT.statistics_shards(w.expert),
        tokenizer=f"{RESULTS}/tokenizer",
    output:
        directory(f"{RESULTS}/statistics/grams/{{setup}}/{{expert}}"),
    log:
        f"{LOGS}/statistics/grams/{{setup}}/{{expert}}.log",
    benchmark:
        f"{TIMES}/statistics/grams/{{setup}}/{{expert}}.tsv"
    wildcard_constraints:
        expert=f"({one_of(STUDY.language_codes)})(@[0-9]+)?",
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        # A model and its matrices, which are larger than a narrow model, and in fp64 while they are summed.
        mem_mb=lambda w, attempt: inference_memory(STUDY, GRID.width_of_setup(w.setup), 6, attempt),
        runtime=lambda w, attempt: escalate(60, attempt),
    params:
        tokens=STUDY.merging.gram_tokens,
        length=STUDY.training.sequence_length,
    message:
        "Collect Gram matrices of {wildcards.setup}/{wildcards.expert}"
    script:
        "../scripts/collect_grams.py"


# Bits per byte leave out half of the held-out text. That half decides how much of each expert a merge takes.
rule tune_coefficients:
    """
    Fit the coefficients of a merge to held-out text.
    """
    input:
        members=lambda w: LAYOUT.members(w.setup, w.combination),
        base=lambda w: LAYOUT.merge_base(w.setup, w.combination, w.tuned),
        modules=lambda w: LAYOUT.merge_modules([GRID.method(w.tuned)]),
        texts=lambda w: LAYOUT.tuning_texts(w.combination),
        statistics=lambda w: LAYOUT.embedding_statistics(w.setup, w.combination, w.tuned),
    output:
        directory(f"{RESULTS}/statistics/coefficients/{{setup}}/{{combination}}/{{tuned}}"),
    log:
        f"{LOGS}/statistics/coefficients/{{setup}}/{{combination}}/{{tuned}}.log",
    benchmark:
        f"{TIMES}/statistics/coefficients/{{setup}}/{{combination}}/{{tuned}}.tsv"
    wildcard_constraints:
        tuned=one_of(LAYOUT.tuned_methods),
    priority: 1  # as soon as it can: it takes long, and a merge waits for it
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: tuning_memory(STUDY, GRID.width_of_setup(w.setup), w.combination, attempt),
        runtime=lambda w, attempt: escalate(60, attempt),
    params:
        method=lambda w: LAYOUT.method_params(GRID.method(w.tuned)),
        seed=lambda w: GRID.replicates.merging_seed(w.setup),
    message:
        "Tune the coefficients of {wildcards.combination} in setup {wildcards.setup}, merged by {wildcards.tuned}"
    script:
        "../scripts/tune_coefficients.py"


# A job for all methods that merge every combination; and one for each merge by a method with `sizes` of its own.
EVERYWHERE = [method for method in STUDY.merging.methods if method.sizes is None]
OF_SIZES = [method.name for method in STUDY.merging.methods if method.sizes]


rule merge_and_score:
    """
    Merge a combination of languages by every method, and score the merges.
    """
    input:
        members=lambda w: LAYOUT.members(w.setup, w.combination),
        bases=lambda w: sorted(set(LAYOUT.merge_bases(w.setup, w.combination, EVERYWHERE).values())),
        benchmarks=lambda w: LAYOUT.listings(GRID.scored_in(w.combination)),
        modules=LAYOUT.merge_modules(EVERYWHERE),
        statistics=lambda w: LAYOUT.merge_statistics(w.setup, w.combination, EVERYWHERE),
        kept=lambda w: LAYOUT.kept_of(w.setup, w.combination, EVERYWHERE),
    output:
        [
            update(f"{RESULTS}/scores/{{setup}}/{{combination}}/{method.name}/{name}")
            for method in EVERYWHERE
            for name in SCORES
        ],
    log:
        f"{LOGS}/merges/{{setup}}/{{combination}}.log",
    benchmark:
        f"{TIMES}/merges/{{setup}}/{{combination}}.tsv"
    wildcard_constraints:
        setup=one_of(setups_merged_by_all(GRID)),
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: merging_memory(STUDY, GRID.width_of_setup(w.setup), attempt),
        runtime=lambda w, attempt: merging_minutes(bool(DECODING), attempt),
    params:
        dtype=STUDY.merging.dtype,
        device=STUDY.merging.device,
        mixed_dtypes=STUDY.merging.mixed_dtypes,
        methods=[LAYOUT.method_params(method) for method in EVERYWHERE],
        bases=lambda w: LAYOUT.merge_bases(w.setup, w.combination, EVERYWHERE),
        decoding=DECODING,
        seed=lambda w: GRID.replicates.merging_seed(w.setup),
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
        work=lambda w: f"{RESULTS}/work/merges/{w.setup}/{w.combination}",
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by every method, and score the merges"
    script:
        "../scripts/merge_and_score.py"


use rule merge_and_score as merge_and_score_alone with:
    """
    Merge a combination of languages by a method of its own, and score the merge.
    """
    input:
        members=lambda w: LAYOUT.members(w.setup, w.combination),
        bases=lambda w: LAYOUT.merge_base(w.setup, w.combination, w.alone),
        benchmarks=lambda w: LAYOUT.listings(GRID.scored_in(w.combination)),
        modules=lambda w: LAYOUT.merge_modules([GRID.method(w.alone)]),
        statistics=lambda w: LAYOUT.merge_statistics(w.setup, w.combination, [GRID.method(w.alone)]),
        kept=lambda w: LAYOUT.kept_of(w.setup, w.combination, [GRID.method(w.alone)]),
    output:
        [update(f"{RESULTS}/scores/{{setup}}/{{combination}}/{{alone}}/{name}") for name in SCORES],
    log:
        f"{LOGS}/merges/{{setup}}/{{combination}}.{{alone}}.log",
    benchmark:
        f"{TIMES}/merges/{{setup}}/{{combination}}.{{alone}}.tsv"
    wildcard_constraints:
        setup=one_of(setups_merged_by_all(GRID)),
        alone=one_of(OF_SIZES),
    params:
        methods=lambda w: [LAYOUT.method_params(GRID.method(w.alone))],
        bases=lambda w: LAYOUT.merge_bases(w.setup, w.combination, [GRID.method(w.alone)]),
        work=lambda w: f"{RESULTS}/work/merges/{w.setup}/{w.combination}.{w.alone}",
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by {wildcards.alone}, and score the merge"


rule merge_models:
    """
    Make one merge that is kept.
    """
    input:
        members=lambda w: LAYOUT.members(w.setup, w.combination),
        base=lambda w: LAYOUT.merge_base(w.setup, w.combination, w.method),
        modules=lambda w: LAYOUT.merge_modules([GRID.method(w.method)]),
        statistics=lambda w: LAYOUT.merge_statistics(w.setup, w.combination, [GRID.method(w.method)]),
    output:
        directory(LAYOUT.merge("{setup}/{combination}/{method}")),
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
        runtime=lambda w, attempt: escalate(60, attempt),
    params:
        dtype=STUDY.merging.dtype,
        device=STUDY.merging.device,
        mixed_dtypes=STUDY.merging.mixed_dtypes,
        method=lambda w: LAYOUT.method_params(GRID.method(w.method)),
        scores=lambda w: LAYOUT.score(f"{w.setup}/{w.combination}/{w.method}"),
        seed=lambda w: GRID.replicates.merging_seed(w.setup),
    message:
        "Merge {wildcards.combination} in setup {wildcards.setup} by {wildcards.method}"
    script:
        "../scripts/merge_models.py"
