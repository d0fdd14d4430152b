# Adaptation: every setup's base trained on every target; merges trained on; experts that restart from their merge.


use rule train_base as adapt_model with:
    """
    Train a model of a setup: on a language, on all languages, or on from a merge.
    """
    input:
        parent=lambda w: LAYOUT.parent(w.adapted),
        shards=lambda w: LAYOUT.training_shards(w.adapted),
    output:
        model=directory(LAYOUT.model("{adapted}")),
        checkpoints=directory(LAYOUT.checkpoints("{adapted}")),
    log:
        f"{LOGS}/models/{{adapted}}.log",
    benchmark:
        f"{TIMES}/models/{{adapted}}.tsv"
    resources:
        gpu=lambda w: training_gpus(COSTS, w.adapted),
        mem_mb=lambda w, attempt: training_memory(COSTS, w.adapted, attempt),
        runtime=lambda w, attempt: training_minutes(COSTS, w.adapted, attempt),
    params:
        recipe=lambda w: RECIPES.of(w.adapted).plain(),
        checkpoint_every=lambda w: RECIPES.checkpoint_every(w.adapted),
        work=lambda w: f"{RESULTS}/work/{w.adapted}",
    message:
        "Adapt {input.parent} to a target: {wildcards.adapted}"
