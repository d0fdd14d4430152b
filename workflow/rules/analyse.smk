# Tables and figures, from scores alone; and the check of everything against its manifest.

from dataclasses import asdict

PAIRS = [m for m in GRID.merges if len(m.languages) == 2 and m.method == STUDY.analysis.pairwise_method]
EXPERTS = [m for m in GRID.models if len(m.languages) == 1]
SEVERAL = len(STUDY.languages) > 1

# What each table shows; a figure of the same name is drawn from it.
SHOWN = {"baselines": [*GRID.bases, *GRID.models]}
if PAIRS:
    SHOWN["pairwise"] = [*EXPERTS, *PAIRS]
if GRID.merges:
    SHOWN["methods"] = [*EXPERTS, *GRID.merges]
FIGURE_NAMES = list(SHOWN)
SHOWN["scores"] = list(GRID)

TABLES = [f"{RESULTS}/tables/{table}.{suffix}" for table in SHOWN for suffix in ("parquet", "csv")]
FIGURES = [f"{RESULTS}/figures/{figure}.{suffix}" for figure in FIGURE_NAMES for suffix in ("pdf", "png", "csv", "md")]


def scores_shown(wildcards):
    scores = [score_of(model.id) for model in SHOWN[wildcards.table]]
    return [score for score in scores if Path(score).exists()] if STUDY.analysis.partial else scores


localrules:
    tabulate_scores,
    draw_figure,
    verify,


rule tabulate_scores:
    message:
        "Tabulate the scores of {wildcards.table} with confidence intervals"
    input:
        scores=scores_shown,
        reference=REFERENCE_SCORE,
    output:
        parquet=f"{RESULTS}/tables/{{table}}.parquet",
        csv=f"{RESULTS}/tables/{{table}}.csv",
        manifest=f"{RESULTS}/tables/{{table}}.manifest.json",
    log:
        f"{LOGS}/tables/{{table}}.log",
    benchmark:
        f"{TIMES}/tables/{{table}}.tsv"
    params:
        models=lambda w: [asdict(model) for model in SHOWN[w.table]],
        scores_folder=f"{RESULTS}/scores",
        resamples=STUDY.analysis.bootstrap_resamples,
        seed=STUDY.seed,
    wildcard_constraints:
        table="|".join(SHOWN),
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=60,
    conda:
        "../../envs/analyse.yaml"
    script:
        "../scripts/tabulate_scores.py"


rule draw_figure:
    message:
        "Draw the figure {wildcards.figure}"
    input:
        f"{RESULTS}/tables/{{figure}}.parquet",
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=report(f"{RESULTS}/figures/{{figure}}.png", category="Figures", caption="../report/figure.rst"),
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        caption=f"{RESULTS}/figures/{{figure}}.md",
        manifest=f"{RESULTS}/figures/{{figure}}.manifest.json",
    log:
        f"{LOGS}/figures/{{figure}}.log",
    benchmark:
        f"{TIMES}/figures/{{figure}}.tsv"
    params:
        study=STUDY.study,
        analysis=STUDY.analysis.model_dump(exclude={"partial"}),
        languages=STUDY.language_codes,
        setups=[setup.name for setup in STUDY.setups],
        methods=[method.name for method in STUDY.merging.methods],
        bases=list(dict.fromkeys(setup.base for setup in STUDY.setups)),
    wildcard_constraints:
        figure="|".join(FIGURE_NAMES),
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        "../../envs/analyse.yaml"
    script:
        "../scripts/draw_figure.py"


rule verify:
    message:
        "Check every artifact of study {STUDY.study} against its manifest"
    log:
        f"{LOGS}/verify.log",
    params:
        folders=[RESULTS, DOWNLOADS],
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    conda:
        "../../envs/analyse.yaml"
    script:
        "../scripts/verify.py"
