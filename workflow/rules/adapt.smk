# Adaptation: every setup's base trained on every target.


rule adapt_model:
    input:
        parent=lambda w: LAYOUT.model(GRID.base_of_setup(w.setup)),
        shards=lambda w: LAYOUT.training_shards(f"{w.setup}/{w.target}"),
    output:
        model=directory(f"{RESULTS}/models/{{setup}}/{{target}}"),
        checkpoints=directory(f"{RESULTS}/checkpoints/{{setup}}/{{target}}"),
    log:
        f"{LOGS}/models/{{setup}}/{{target}}.log",
    benchmark:
        f"{TIMES}/models/{{setup}}/{{target}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 8
    resources:
        gpu=1,
        mem_mb=lambda w, attempt: training_memory(STUDY, GRID.model(f"{w.setup}/{w.target}").width, attempt),
        runtime=lambda w, attempt: 1440 * attempt,
    params:
        recipe=lambda w: GRID.recipe(f"{w.setup}/{w.target}"),
        checkpoint_every=lambda w: GRID.checkpoint_every(f"{w.setup}/{w.target}"),
        architecture=STUDY.architecture.model_dump(),
        work=lambda w: f"{RESULTS}/work/{w.setup}/{w.target}",
    message:
        "Adapt {wildcards.setup} to {wildcards.target}"
    script:
        "../scripts/train_model.py"
