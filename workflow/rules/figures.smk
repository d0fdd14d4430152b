# Figures, each from its table.

FIGURE_FILES = [
    f"{RESULTS}/figures/{figure}.{suffix}"
    for figure in TABULATED.figures
    for suffix in ("pdf", "png", "svg", "csv", "md")
]


localrules:
    draw_figure,


rule draw_figure:
    """
    Draw one figure from its table.
    """
    input:
        table=f"{RESULTS}/tables/{{figure}}.parquet",
        contrasts=lambda w: (
            [f"{RESULTS}/tables/{w.figure}_contrasts.parquet"] if w.figure in TABULATED.contrasted else []
        ),
        signal=lambda w: [f"{RESULTS}/tables/signal.parquet"] if FIGURES[w.figure].signal else [],
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            category="Figures",
            caption="../report/figure.rst",
            labels={"figure": "{figure}"},
        ),
        svg=f"{RESULTS}/figures/{{figure}}.svg",
        csv=f"{RESULTS}/figures/{{figure}}.csv",
        caption=f"{RESULTS}/figures/{{figure}}.md",
        manifest=f"{RESULTS}/figures/{{figure}}.manifest.json",
    log:
        f"{LOGS}/figures/{{figure}}.log",
    benchmark:
        f"{TIMES}/figures/{{figure}}.tsv"
    wildcard_constraints:
        figure="|".join(TABULATED.figures),
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=STUDY.study,
        analysis=STUDY.analysis.model_dump(exclude={"partial"}),
        selection=lambda w: FIGURES[w.figure].selected(SHOWN),
    message:
        "Draw the figure {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"


if TABULATED.tokenizer_figures:

    rule tokenizer_report:
        """
        Tabulate and draw what the tokenizer makes of each language, before any training.
        """
        input:
            [
                f"{RESULTS}/figures/{figure}.{suffix}"
                for figure in TABULATED.tokenizer_figures
                for suffix in ("pdf", "png", "csv", "md")
            ],
        message:
            "What the tokenizer of study {STUDY.study} makes of each language"
