# Tables, from scores alone. Each figure is drawn from one of them.

TABLES = [f"{RESULTS}/tables/{table}.{suffix}" for table in TABULATED.tables for suffix in ("parquet", "csv")]
if DECODING:
    TABLES += [f"{RESULTS}/tables/translations.{suffix}" for suffix in ("parquet", "csv", "md")]

# How Snakemake's own report lists tables.
IN_REPORT = {"category": "Tables", "caption": "../report/table.rst"}


# What reads the items of all models is a job on a cluster; these take seconds.
localrules:
    tabulate_benchmarks,
    tabulate_trainings,
    tabulate_languages,
    tabulate_translations,


rule tabulate_scores:
    """
    Make the table of a figure, or of all scores.
    """
    input:
        scores=lambda w: LAYOUT.scores(TABULATED.with_replicates[w.table]),
        translations=lambda w: LAYOUT.translations(TABULATED.with_replicates[w.table]),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/{{table}}.parquet",
        csv=report(f"{RESULTS}/tables/{{table}}.csv", **IN_REPORT, labels={"table": "{table}"}),
        manifest=f"{RESULTS}/tables/{{table}}.manifest.json",
    log:
        f"{LOGS}/tables/{{table}}.log",
    benchmark:
        f"{TIMES}/tables/{{table}}.tsv"
    wildcard_constraints:
        table="|".join(TABULATED.models),
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=60,
    params:
        **GRID.replicates.params(
            lambda w: GRID.by_seed(TABULATED.averaged[w.table]), groups=lambda w: TABULATED.groups(w.table)
        ),
        models=lambda w: [vars(model) for model in TABULATED.with_replicates[w.table]],
        scores_folder=lambda w: f"{RESULTS}/scores",
        resamples=STUDY.analysis.bootstrap_resamples,
        parity=STUDY.analysis.parity,
        measured=STUDY.measured,
        seed=STUDY.seed,
    message:
        "Tabulate the scores of {wildcards.table} with confidence intervals"
    script:
        "../scripts/tabulate_scores.py"


# A merge is compared with linear, its members and the mixed model; setups with each other; models of equal cost.
rule tabulate_contrasts:
    """
    Tabulate differences between models, with intervals.
    """
    input:
        scores=lambda w: LAYOUT.scores(SCORED),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/contrasts.parquet",
        csv=report(f"{RESULTS}/tables/contrasts.csv", **IN_REPORT, labels={"table": "contrasts"}),
        manifest=f"{RESULTS}/tables/contrasts.manifest.json",
    log:
        f"{LOGS}/tables/contrasts.log",
    benchmark:
        f"{TIMES}/tables/contrasts.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(8000, attempt),
        runtime=120,
    params:
        **GRID.replicates.params(GRID.by_seed(TABULATED.first)),
        models=[vars(model) for model in TABULATED.first],
        scores_folder=lambda w: f"{RESULTS}/scores",
        baseline=STUDY.analysis.pairwise_method,
        english=STUDY.english.code,
        same_cost=[(match.matched_id, match.cheaper_id) for match in MATCHES if not match.excluded],
        resamples=STUDY.analysis.bootstrap_resamples,
        measured=STUDY.measured,
        seed=STUDY.seed,
    message:
        "Compare models on the same items"
    script:
        "../scripts/tabulate_contrasts.py"


# What the sentence under a figure rests on: contrasts between the models of that figure alone.
use rule tabulate_contrasts as tabulate_contrasts_of_figure with:
    input:
        scores=lambda w: LAYOUT.scores(TABULATED.with_replicates[w.figure]),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/{{figure}}_contrasts.parquet",
        csv=f"{RESULTS}/tables/{{figure}}_contrasts.csv",
        manifest=f"{RESULTS}/tables/{{figure}}_contrasts.manifest.json",
    log:
        f"{LOGS}/tables/{{figure}}_contrasts.log",
    benchmark:
        f"{TIMES}/tables/{{figure}}_contrasts.tsv"
    wildcard_constraints:
        figure="|".join(TABULATED.contrasted),
    params:
        **GRID.replicates.params(lambda w: GRID.by_seed(TABULATED.averaged[w.figure])),
        models=lambda w: [vars(model) for model in TABULATED.models[w.figure]],
        kinds=lambda w: TABULATED.contrasted[w.figure],
    message:
        "Compare the models of {wildcards.figure} on the same items"


# Each setup's merges, ensembles and healed models between its base and its model of all languages.
rule tabulate_gap:
    """
    Tabulate which share of the gap between base and joint training merges win back.
    """
    input:
        scores=lambda w: LAYOUT.scores(GRID.with_replicates(TABULATED.of_gap)),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/gap.parquet",
        csv=report(f"{RESULTS}/tables/gap.csv", **IN_REPORT, labels={"table": "gap"}),
        manifest=f"{RESULTS}/tables/gap.manifest.json",
    log:
        f"{LOGS}/tables/gap.log",
    benchmark:
        f"{TIMES}/tables/gap.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=120,
    params:
        **GRID.replicates.params(GRID.by_seed(TABULATED.of_gap)),
        candidates=[vars(candidate) for candidate in SHOWN.candidates],
        scores_folder=lambda w: f"{RESULTS}/scores",
        resamples=STUDY.analysis.bootstrap_resamples,
        measured=STUDY.measured,
        seed=STUDY.seed,
    message:
        "Compute the share of the gap that each model wins back"
    script:
        "../scripts/tabulate_gap.py"


# What can tell models apart, from the models of single languages and of all, without any merge.
rule tabulate_signal:
    """
    Tabulate what each benchmark can tell: above a floor, beyond noise, in order.
    """
    input:
        scores=LAYOUT.scores(TABULATED.judged),
        translations=LAYOUT.translations(TABULATED.judged),
        reference=[LAYOUT.reference_score] if PARITY_CELLS else [],
    output:
        parquet=f"{RESULTS}/tables/signal.parquet",
        csv=report(f"{RESULTS}/tables/signal.csv", **IN_REPORT, labels={"table": "signal"}),
        manifest=f"{RESULTS}/tables/signal.manifest.json",
    log:
        f"{LOGS}/tables/signal.log",
    benchmark:
        f"{TIMES}/tables/signal.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=60,
    params:
        **GRID.replicates.params(GRID.by_seed(TABULATED.judged)),
        models=[vars(model) for model in TABULATED.judged],
        scores_folder=lambda w: f"{RESULTS}/scores",
        resamples=STUDY.analysis.bootstrap_resamples,
        parity=STUDY.analysis.parity,
        measured=STUDY.measured,
        seed=STUDY.seed,
        trainings=SHOWN.moments,
        late=[*(model.id for model in SHOWN.late), *{model.parents[0] for model in SHOWN.late}],
        untrained=[floor.id for floor in SHOWN.floors if floor.kind == "base"],
        english=STUDY.english.code,
    message:
        "Tabulate what each benchmark can tell in each language"
    script:
        "../scripts/tabulate_signal.py"


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
        csv=report(f"{RESULTS}/tables/benchmarks.csv", **IN_REPORT, labels={"table": "benchmarks"}),
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
        measured=STUDY.measured,
    message:
        "Count the items of every benchmark, next to what the papers print"
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
        csv=report(f"{RESULTS}/tables/trainings.csv", **IN_REPORT, labels={"table": "trainings"}),
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
        **GRID.replicates.params(GRID.by_seed(GRID.trained)),
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
        scores=f"{RESULTS}/tables/scores.parquet",
        gap=[f"{RESULTS}/tables/gap.parquet"] if TABULATED.gap_figures else [],
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
        setups=[*(setup.name for setup in STUDY.setups), *SHOWN.rounds],
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
        csv=report(f"{RESULTS}/tables/translations.csv", **IN_REPORT, labels={"table": "translations"}),
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
        mem_mb=lambda w, attempt: escalate(2000, attempt),
        runtime=30,
    params:
        models=[vars(model) for model in SHOWN.translators()],
        scores_folder=f"{RESULTS}/scores",
        languages=STUDY.language_codes,
    message:
        "Set translations of the same sentences side by side"
    script:
        "../scripts/tabulate_translations.py"
