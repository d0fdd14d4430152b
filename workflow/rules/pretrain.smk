# The bases: a random initialisation, trained models, and HyperCloned ones.


def parent_folder(wildcard):
    return lambda w: model_folder(GRID.parent(w[wildcard]))


def width_of(wildcard):
    return lambda w: GRID.model(w[wildcard]).width


def training_shards(model_id):
    return [shard for corpus in GRID.corpora_of(model_id) for shard in shards_of(corpus)]


rule initialise_model:
    message:
        "Draw the random initialisation {wildcards.random_base}"
    input:
        f"{RESULTS}/tokenizer",
    output:
        directory(f"{RESULTS}/models/{{random_base}}"),
    log:
        f"{LOGS}/models/{{random_base}}.log",
    benchmark:
        f"{TIMES}/models/{{random_base}}.tsv"
    params:
        **STUDY.dump("architecture", "seed"),
        vocab_size=STUDY.tokenizer.vocab_size,
    threads: 1
    resources:
        mem_mb=inference_memory(1),
        runtime=30,
    conda:
        "../../envs/train.yaml"
    script:
        "../scripts/initialise_model.py"


rule clone_model:
    message:
        "HyperClone {input} into {wildcards.cloned_base}"
    input:
        parent_folder("cloned_base"),
    output:
        directory(f"{RESULTS}/models/{{cloned_base}}"),
    log:
        f"{LOGS}/models/{{cloned_base}}.log",
    benchmark:
        f"{TIMES}/models/{{cloned_base}}.tsv"
    params:
        clone=lambda w: GRID.base(w.cloned_base).clone.model_dump(),
        seed=STUDY.seed,
    threads: 1
    resources:
        mem_mb=inference_memory(2),
        runtime=30,
    conda:
        "../../envs/train.yaml"
    script:
        "../scripts/clone_model.py"


rule train_base:
    message:
        "Train the base {wildcards.trained_base}"
    input:
        parent=parent_folder("trained_base"),
        shards=lambda w: training_shards(w.trained_base),
    output:
        model=directory(f"{RESULTS}/models/{{trained_base}}"),
        checkpoints=directory(f"{RESULTS}/checkpoints/{{trained_base}}"),
    log:
        f"{LOGS}/models/{{trained_base}}.log",
    benchmark:
        f"{TIMES}/models/{{trained_base}}.tsv"
    params:
        recipe=lambda w: GRID.recipe(w.trained_base),
        architecture=STUDY.architecture.model_dump(),
        work=lambda w: f"{RESULTS}/work/{w.trained_base}",
    threads: 8
    resources:
        gpu=1,
        mem_mb=training_memory(width_of("trained_base")),
        runtime=lambda w, attempt: 1440 * attempt,
    conda:
        "../../envs/train.yaml"
    script:
        "../scripts/train_model.py"
