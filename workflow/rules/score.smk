# Scores of bases, adapted and healed models, their checkpoints, ensembles, models of others, and merges that are kept as
# the result of rounds; those of other merges are made where the merges are.

# Information parity compares with what one model makes of the English sentences (Glocker et al. 2025, section 3.6).
PARITY_CELLS = LAYOUT.parity_cells
# Target language -> the corpus whose tokens are counted for the unigram model.
COUNTED_TEXT = counted_corpora(GRID)


rule score_model:
    """
    Score one model.
    """
    input:
        model=lambda w: LAYOUT.model(w.model),
        benchmarks=lambda w: LAYOUT.listings(GRID.model(w.model).scored_in),
    output:
        [update(f"{RESULTS}/scores/{{model}}/{name}") for name in SCORES],
    log:
        f"{LOGS}/scores/{{model}}.log",
    benchmark:
        f"{TIMES}/scores/{{model}}.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: inference_memory(STUDY, max(model.width for model in GRID.bases), 2, attempt),
        runtime=lambda w, attempt: scoring_minutes(bool(DECODING), attempt),
    params:
        decoding=DECODING,
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
    message:
        "Score {wildcards.model}"
    script:
        "../scripts/score_model.py"


use rule score_model as score_checkpoint with:
    """
    Score an intermediate checkpoint.
    """
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


# Not derived from score_model: a derived rule keeps all params, and no decoding shapes these scores.
rule score_reference:
    """
    Score the English side of parallel sentences with the reference model.
    """
    input:
        model=LAYOUT.model(STUDY.scoring.reference),
        references=LAYOUT.benchmarks(PARITY_CELLS),
    output:
        update(LAYOUT.reference_score),
    log:
        f"{LOGS}/scores/reference.log",
    benchmark:
        f"{TIMES}/scores/reference.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: inference_memory(STUDY, max(model.width for model in GRID.bases), 2, attempt),
        runtime=lambda w, attempt: scoring_minutes(False, attempt),
    params:
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
    message:
        "Score the English side of the parallel sentences with {STUDY.scoring.reference}"
    script:
        "../scripts/score_model.py"


# An ensemble is scored by log-likelihoods alone: it runs all its members, and writes no text.
rule score_ensemble:
    """
    Score the output ensemble of a combination of languages.
    """
    input:
        members=lambda w: LAYOUT.ensemble_members(w.ensemble),
        benchmarks=lambda w: LAYOUT.listings(GRID.model(w.ensemble).scored_in),
    output:
        update(LAYOUT.score("{ensemble}")),
    log:
        f"{LOGS}/scores/{{ensemble}}.log",
    benchmark:
        f"{TIMES}/scores/{{ensemble}}.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 4
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: ensemble_memory(STUDY, GRID.model(w.ensemble), attempt),
        runtime=lambda w, attempt: ensemble_minutes(GRID.model(w.ensemble), attempt),
    params:
        languages=lambda w: GRID.model(w.ensemble).languages,
        generated=sorted(DECODING),
        tokens_per_batch=STUDY.scoring.tokens_per_batch,
    message:
        "Score {wildcards.ensemble}"
    script:
        "../scripts/score_ensemble.py"


# A floor that the figure `baselines` draws: what the frequencies of tokens alone tell.
rule score_unigram:
    """
    Score each language by how often its text has each token.
    """
    input:
        tokenizer=f"{RESULTS}/tokenizer",
        counts=[LAYOUT.token_counts(corpus) for corpus in COUNTED_TEXT.values()],
        benchmarks=LAYOUT.listings(COUNTED_TEXT),
    output:
        LAYOUT.score("unigram"),
    log:
        f"{LOGS}/scores/unigram.log",
    benchmark:
        f"{TIMES}/scores/unigram.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(2000, attempt),
        runtime=30,
    params:
        languages=list(COUNTED_TEXT),
        generated=sorted(DECODING),
    message:
        "Score the languages by how often their text has each token"
    script:
        "../scripts/score_unigram.py"
