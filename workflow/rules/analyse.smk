# Tables and figures, from scores alone; and the check of everything against its manifest.

from growmerge.merging.sweeps import main_methods

FIGURE_NAMES = [*SHOWN, *COMPARISON_FIGURES]
TABULATED = SHOWN | {"scores": [*GRID, *CHECKPOINTS.values()]}
TABLES = [f"{RESULTS}/tables/{table}.{suffix}" for table in TABULATED for suffix in ("parquet", "csv")] + COMPARISON_TABLES
FIGURES = [f"{RESULTS}/figures/{figure}.{suffix}" for figure in FIGURE_NAMES for suffix in ("pdf", "png", "csv", "md")]


localrules:
    tabulate_scores,
    draw_figure,
    verify,


rule tabulate_scores:
    input:
        scores=lambda w: LAYOUT.scores(TABULATED[w.table]),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/{{table}}.parquet",
        csv=f"{RESULTS}/tables/{{table}}.csv",
        manifest=f"{RESULTS}/tables/{{table}}.manifest.json",
    log:
        f"{LOGS}/tables/{{table}}.log",
    benchmark:
        f"{TIMES}/tables/{{table}}.tsv"
    wildcard_constraints:
        table="|".join(TABULATED),
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=60,
    params:
        models=lambda w: [vars(model) for model in TABULATED[w.table]],
        scores_folder=lambda w: f"{RESULTS}/scores",
        resamples=STUDY.analysis.bootstrap_resamples,
        parity=STUDY.analysis.parity,
        measured={benchmark.name: benchmark.measured for benchmark in STUDY.benchmarks},
        seed=STUDY.seed,
    message:
        "Tabulate the scores of {wildcards.table} with confidence intervals"
    script:
        "../scripts/tabulate_scores.py"


rule draw_figure:
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
    wildcard_constraints:
        figure="|".join(FIGURE_NAMES),
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=STUDY.study,
        analysis=STUDY.analysis.model_dump(exclude={"partial"}),
        matches=lambda w: [asdict(match) for match in MATCHES if w.figure == "compute_matched"],
        languages=STUDY.language_codes,
        setups=[setup.name for setup in STUDY.setups],
        methods=lambda w: main_methods(STUDY.merging.methods) if w.figure == "methods" else [],
        settings=lambda w: [m.model_dump() for m in STUDY.merging.methods if w.figure == "density"],
        english=STUDY.english.code,
        bases=list(dict.fromkeys(setup.base for setup in STUDY.setups)),
    message:
        "Draw the figure {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"


# No output, and no benchmark, which would count as one: it runs whenever it is asked for.
rule verify:
    log:
        f"{LOGS}/verify.log",
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        folders=[RESULTS, *LAYOUT.packages([package.name for package in STUDY.packages])],
        expected=[*LAYOUT.models(), *LAYOUT.scores([*GRID, *CHECKPOINTS.values()]), *TABLES, *FIGURES],
    message:
        "Check every artifact of study {STUDY.study} against its manifest"
    script:
        "../scripts/verify.py"
