# The bases: a random initialisation, trained models, and HyperCloned ones.


rule initialise_model:
    """
    Draw the random initialisation of a base.
    """
    input:
        f"{RESULTS}/tokenizer",
    output:
        directory(LAYOUT.model("{random_base}")),
    log:
        f"{LOGS}/models/{{random_base}}.log",
    benchmark:
        f"{TIMES}/models/{{random_base}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: inference_memory(STUDY, 1, 1, attempt),
        runtime=30,
    params:
        **STUDY.dump("architecture"),
        seed=lambda w: GRID.replicates.initialisation_seed(w.random_base),
        vocab_size=STUDY.tokenizer.vocab_size,
    message:
        "Draw the random initialisation {wildcards.random_base}"
    script:
        "../scripts/initialise_model.py"


rule clone_model:
    """
    Widen a base by HyperCloning.
    """
    input:
        lambda w: LAYOUT.parent(w.cloned_base),
    output:
        directory(LAYOUT.model("{cloned_base}")),
    log:
        f"{LOGS}/models/{{cloned_base}}.log",
    benchmark:
        f"{TIMES}/models/{{cloned_base}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: inference_memory(STUDY, GRID.model(w.cloned_base).width, 2, attempt),
        runtime=30,
    params:
        clone=lambda w: GRID.base(w.cloned_base).clone.model_dump(),
        seed=lambda w: GRID.replicates.initialisation_seed(w.cloned_base),
    message:
        "HyperClone {input} into {wildcards.cloned_base}"
    script:
        "../scripts/clone_model.py"


rule train_base:
    """
    Train a base.
    """
    input:
        parent=lambda w: LAYOUT.parent(w.trained_base),
        shards=lambda w: LAYOUT.training_shards(w.trained_base),
    output:
        model=directory(LAYOUT.model("{trained_base}")),
        checkpoints=directory(LAYOUT.checkpoints("{trained_base}")),
    log:
        f"{LOGS}/models/{{trained_base}}.log",
    benchmark:
        f"{TIMES}/models/{{trained_base}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 8
    resources:
        gpu=lambda w: training_gpus(COSTS, w.trained_base),
        mem_mb=lambda w, attempt: training_memory(COSTS, w.trained_base, attempt),
        runtime=lambda w, attempt: training_minutes(COSTS, w.trained_base, attempt),
    params:
        recipe=lambda w: RECIPES.of(w.trained_base).plain(),
        checkpoint_every=lambda w: RECIPES.checkpoint_every(w.trained_base),
        architecture=STUDY.architecture.model_dump(),
        work=lambda w: f"{RESULTS}/work/{w.trained_base}",
    message:
        "Train the base {wildcards.trained_base}"
    script:
        "../scripts/train_model.py"
