# Adaptation: every setup's base trained on every target.


def adapted(wildcards):
    return f"{wildcards.setup}/{wildcards.target}"


rule adapt_model:
    message:
        "Adapt {wildcards.setup} to {wildcards.target}"
    input:
        parent=lambda w: model_folder(GRID.base_of_setup(w.setup)),
        shards=lambda w: training_shards(adapted(w)),
    output:
        model=directory(f"{RESULTS}/models/{{setup}}/{{target}}"),
        checkpoints=directory(f"{RESULTS}/checkpoints/{{setup}}/{{target}}"),
    log:
        f"{LOGS}/models/{{setup}}/{{target}}.log",
    benchmark:
        f"{TIMES}/models/{{setup}}/{{target}}.tsv"
    params:
        recipe=lambda w: GRID.recipe(adapted(w)),
        architecture=STUDY.architecture.model_dump(),
        work=lambda w: f"{RESULTS}/work/{adapted(w)}",
    threads: 8
    resources:
        gpu=1,
        mem_mb=training_memory(lambda w: GRID.model(adapted(w)).width),
        runtime=lambda w, attempt: 1440 * attempt,
    conda:
        "../../envs/train.yaml"
    script:
        "../scripts/train_model.py"
