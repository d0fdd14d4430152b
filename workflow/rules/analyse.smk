# Tables and figures, from scores alone; and the check of everything against its manifest.

# Table -> the models whose scores it holds.
TABULATED = {name: models for name, models in DRAWN.items() if FIGURES[name].source == "scores"}
GAP_FIGURES = [name for name in DRAWN if FIGURES[name].source == "gap" and SHOWN.candidates]
TOKENIZER_FIGURES = [name for name in DRAWN if FIGURES[name].source == "tokenizer"]
FIGURE_NAMES = [*TABULATED, *COMPARISON_FIGURES, *GAP_FIGURES, *TOKENIZER_FIGURES]
TABULATED["scores"] = SCORED
NAMED = [
    *TABULATED,
    *GAP_FIGURES,
    *TOKENIZER_FIGURES,
    "contrasts",
    "benchmarks",
    "by_language",
    "means",
    *(["trainings"] if GRID.trained else []),
]
TABLES = [f"{RESULTS}/tables/{table}.{suffix}" for table in NAMED for suffix in ("parquet", "csv")] + COMPARISON_TABLES
if DECODING:
    TABLES += [f"{RESULTS}/tables/translations.{suffix}" for suffix in ("parquet", "csv", "md")]
FIGURE_FILES = [
    f"{RESULTS}/figures/{figure}.{suffix}" for figure in FIGURE_NAMES for suffix in ("pdf", "png", "csv", "md")
]


# What reads the items of all models is a job on a cluster; these take seconds.
localrules:
    tabulate_benchmarks,
    tabulate_trainings,
    tabulate_languages,
    tabulate_translations,
    draw_figure,


rule tabulate_scores:
    """
    Make the table of a figure, or of all scores.
    """
    input:
        scores=lambda w: LAYOUT.scores(TABULATED[w.table]),
        translations=lambda w: LAYOUT.translations(TABULATED[w.table]),
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


# Models held against one another on the same items: a merge against linear, members and mixed model, setups, equal cost.
rule tabulate_contrasts:
    """
    Tabulate differences between models, with intervals.
    """
    input:
        scores=lambda w: LAYOUT.scores(TABULATED["scores"]),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/contrasts.parquet",
        csv=f"{RESULTS}/tables/contrasts.csv",
        manifest=f"{RESULTS}/tables/contrasts.manifest.json",
    log:
        f"{LOGS}/tables/contrasts.log",
    benchmark:
        f"{TIMES}/tables/contrasts.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=120,
    params:
        models=[vars(model) for model in TABULATED["scores"]],
        scores_folder=lambda w: f"{RESULTS}/scores",
        baseline=STUDY.analysis.pairwise_method,
        english=STUDY.english.code,
        same_cost=[(match.matched_id, match.cheaper_id) for match in MATCHES if not match.excluded],
        resamples=STUDY.analysis.bootstrap_resamples,
        measured={benchmark.name: benchmark.measured for benchmark in STUDY.benchmarks},
        seed=STUDY.seed,
    message:
        "Hold models against one another on the same items"
    script:
        "../scripts/tabulate_contrasts.py"


# Each setup's merges, ensembles and healed models between its base and its model of all languages.
rule tabulate_gap:
    """
    Tabulate which share of the gap between base and joint training merges win back.
    """
    input:
        scores=lambda w: LAYOUT.scores_of(model for candidate in SHOWN.candidates for model in candidate.models),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/gap.parquet",
        csv=f"{RESULTS}/tables/gap.csv",
        manifest=f"{RESULTS}/tables/gap.manifest.json",
    log:
        f"{LOGS}/tables/gap.log",
    benchmark:
        f"{TIMES}/tables/gap.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=120,
    params:
        candidates=[vars(candidate) for candidate in SHOWN.candidates],
        scores_folder=lambda w: f"{RESULTS}/scores",
        resamples=STUDY.analysis.bootstrap_resamples,
        measured={benchmark.name: benchmark.measured for benchmark in STUDY.benchmarks},
        seed=STUDY.seed,
    message:
        "Share out the gap between the bases and joint training"
    script:
        "../scripts/tabulate_gap.py"


# Needs text and tokenizer alone, so it is known before any training: see the rule tokenizer_report.
rule tabulate_tokenizer:
    """
    Tabulate what the tokenizer makes of each language.
    """
    input:
        tokenizer=f"{RESULTS}/tokenizer",
        documents=list(dict.fromkeys(shard for shards in LAYOUT.heldout_text().values() for shard in shards)),
    output:
        parquet=f"{RESULTS}/tables/tokenizer.parquet",
        csv=f"{RESULTS}/tables/tokenizer.csv",
        manifest=f"{RESULTS}/tables/tokenizer.manifest.json",
    log:
        f"{LOGS}/tables/tokenizer.log",
    benchmark:
        f"{TIMES}/tables/tokenizer.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        documents=LAYOUT.heldout_text(),
        english=STUDY.english.code,
    message:
        "Measure what the tokenizer makes of each language"
    script:
        "../scripts/tabulate_tokenizer.py"


rule tabulate_benchmarks:
    """
    Tabulate what the benchmarks hold.
    """
    input:
        benchmarks=LAYOUT.benchmarks(GRID.score_cells),
    output:
        parquet=f"{RESULTS}/tables/benchmarks.parquet",
        csv=f"{RESULTS}/tables/benchmarks.csv",
        manifest=f"{RESULTS}/tables/benchmarks.manifest.json",
    log:
        f"{LOGS}/tables/benchmarks.log",
    benchmark:
        f"{TIMES}/tables/benchmarks.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        measured={benchmark.name: benchmark.measured for benchmark in STUDY.benchmarks},
    message:
        "Count the items of every benchmark, beside what the papers print"
    script:
        "../scripts/tabulate_benchmarks.py"


rule tabulate_trainings:
    """
    Tabulate the trainings: steps, tokens, loss and speed.
    """
    input:
        LAYOUT.trained(),
    output:
        parquet=f"{RESULTS}/tables/trainings.parquet",
        csv=f"{RESULTS}/tables/trainings.csv",
        manifest=f"{RESULTS}/tables/trainings.manifest.json",
    log:
        f"{LOGS}/tables/trainings.log",
    benchmark:
        f"{TIMES}/tables/trainings.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        models=[vars(model) for model in GRID.trained],
        models_folder=lambda w: f"{RESULTS}/models",
    message:
        "Tabulate trainings: length, cost, loss, spikes, and block asymmetry of clones"
    script:
        "../scripts/tabulate_trainings.py"


rule tabulate_languages:
    """
    Tabulate scores by language.
    """
    input:
        f"{RESULTS}/tables/scores.parquet",
    output:
        by_language=f"{RESULTS}/tables/by_language.parquet",
        means=f"{RESULTS}/tables/means.parquet",
        beside=[
            f"{RESULTS}/tables/{table}.{suffix}"
            for table in ("by_language", "means")
            for suffix in ("csv", "md", "manifest.json")
        ],
    log:
        f"{LOGS}/tables/by_language.log",
    benchmark:
        f"{TIMES}/tables/by_language.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        languages=STUDY.language_codes,
        setups=[*(setup.name for setup in STUDY.setups), *(name for name, r in GRID.rounds.items() if r.last)],
        methods=[method.name for method in STUDY.merging.methods],
    message:
        "Tabulate scores language by language, and their means and variation over languages"
    script:
        "../scripts/tabulate_languages.py"


rule tabulate_translations:
    """
    Tabulate what models translated.
    """
    input:
        translations=LAYOUT.translations(SHOWN.translators()),
    output:
        parquet=f"{RESULTS}/tables/translations.parquet",
        csv=f"{RESULTS}/tables/translations.csv",
        page=f"{RESULTS}/tables/translations.md",
        manifest=f"{RESULTS}/tables/translations.manifest.json",
    log:
        f"{LOGS}/tables/translations.log",
    benchmark:
        f"{TIMES}/tables/translations.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=30,
    params:
        models=[vars(model) for model in SHOWN.translators()],
        scores_folder=f"{RESULTS}/scores",
        languages=STUDY.language_codes,
    message:
        "Set translations of the same sentences side by side"
    script:
        "../scripts/tabulate_translations.py"


rule draw_figure:
    """
    Draw one figure from its table.
    """
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
        selection=lambda w: FIGURES[w.figure].selected(SHOWN),
    message:
        "Draw the figure {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"


if TOKENIZER_FIGURES:

    rule tokenizer_report:
        """
        Tabulate and draw what the tokenizer makes of each language, before any training.
        """
        input:
            [
                f"{RESULTS}/figures/{figure}.{suffix}"
                for figure in TOKENIZER_FIGURES
                for suffix in ("pdf", "png", "csv", "md")
            ],
        message:
            "What the tokenizer of study {STUDY.study} makes of each language"


# No output, and no benchmark, which would count as one: it runs whenever it is asked for. Results may be read-only, so its
# log is with Snakemake's own. If it is cut off, it goes on where it was; a second attempt would find the same faults.
rule verify:
    """
    Check every artifact that is there against its manifest.
    """
    log:
        f".snakemake/log/verify-{STUDY.study}.log",
    retries: 0
    conda:
        "../../envs/analyse.yaml"
    threads: 8
    resources:
        mem_mb=2000,
        runtime=1440,
    params:
        folders=[RESULTS, *LAYOUT.packages([package.name for package in STUDY.packages])],
        expected=[*LAYOUT.models(), *LAYOUT.scores(SCORED), *TABLES, *FIGURE_FILES],
        sound=f".snakemake/log/verify-{STUDY.study}.sound.txt",
    message:
        "Check every artifact of study {STUDY.study} against its manifest"
    script:
        "../scripts/verify.py"
