# Checkpoints from the hub or a folder: in the place of bases and adapted models, and models of others.

from growmerge.config.references import parse_reference


localrules:
    import_model,
    import_checkpoint,


rule import_model:
    """
    Take a model from the hub or a folder.
    """
    input:
        lambda w: parse_reference(GRID.imported[w.imported]).files(),
    output:
        directory(LAYOUT.model("{imported}")),
    log:
        f"{LOGS}/models/{{imported}}.log",
    benchmark:
        f"{TIMES}/models/{{imported}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: inference_memory(STUDY, max(model.width for model in GRID.bases), 2, attempt),
        runtime=240,
    params:
        reference=lambda w: GRID.imported[w.imported],
        external=lambda w: GRID.model(w.imported).kind == "external",
    message:
        "Import {wildcards.imported} from {params.reference}"
    script:
        "../scripts/import_model.py"


# Branches of a checkpoint are removed when all is made from them: at full size there are hundreds.
use rule import_model as import_checkpoint with:
    """
    Take an intermediate checkpoint from the hub or a folder.
    """
    input:
        lambda w: parse_reference(GRID.imported_checkpoints[w.imported_checkpoint]).files(),
    output:
        temp(directory(LAYOUT.model("{imported_checkpoint}"))),
    log:
        f"{LOGS}/models/{{imported_checkpoint}}.log",
    benchmark:
        f"{TIMES}/models/{{imported_checkpoint}}.tsv"
    params:
        reference=lambda w: GRID.imported_checkpoints[w.imported_checkpoint],
        external=False,
    message:
        "Import the checkpoint {wildcards.imported_checkpoint} from {params.reference}"
