# growmerge: the experiment grid as rules. `snakemake -n` shows what would run, `snakemake all` builds it.
# Rules by phase: workflow/rules/. Configuration: config/README.md. Library: src/growmerge/.

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"


wildcard_constraints:
    **constraints(GRID),
    checkpoint=one_of(CHECKPOINTS),


include: "workflow/rules/start.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/import.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/adapt.smk"
include: "workflow/rules/merge.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/match.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/preflight.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/end.smk"


rule all:
    """
    Make everything: models, scores, tables and figures.
    """
    default_target: True
    input:
        LAYOUT.models(),
        LAYOUT.kept_merges(GRID.merges),
        f"{RESULTS}/compute_match.csv",
        TABLES,
        FIGURE_FILES,
    message:
        "Everything of study {STUDY.study}: models, scores, tables and figures"


rule models:
    """
    Make all trained and cloned models.
    """
    input:
        LAYOUT.models(),
    message:
        "All trained and cloned models of study {STUDY.study}"


rule scores:
    """
    Score all models and merges.
    """
    input:
        lambda w: LAYOUT.scores(SCORED),
    message:
        "All scores of study {STUDY.study}"


# The scores of one setup, so that several setups can run side by side (docs/cluster.md).
for setup in dict.fromkeys(model.setup for model in GRID if model.setup):

    rule:
        """
        Score all models and merges of this setup.
        """
        name:
            f"scores_{setup}"
        input:
            lambda w, setup=setup: LAYOUT.scores(m for m in SCORED if m.setup == setup),
        message:
            "The scores of one setup of study {STUDY.study}"


rule figures:
    """
    Draw all figures; with analysis.partial, from the scores that there are.
    """
    input:
        FIGURE_FILES,
    message:
        "All figures of study {STUDY.study}"
