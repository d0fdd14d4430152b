# How alike the models of a setup are before they are merged, and whether that says what merging costs.

# A statistic that is added, edited or removed makes the comparisons again. Without any there is no such param, so the
# comparisons of studies that never had one stay as they are.
ADDED = {"statistics": ADDED_STATISTICS} if ADDED_STATISTICS else {}
COUNTED = {"counted": list(LAYOUT.compared_counts())} if LAYOUT.compared_counts() else {}


localrules:
    tabulate_comparisons,
    correlate_similarity,


rule compare_models:
    """
    Compare the models of a setup before they are merged.
    """
    input:
        members=lambda w: LAYOUT.compared(w.setup),
        base=lambda w: LAYOUT.ancestor(w.setup),
        english=LAYOUT.english_sentences(),
        counts=list(LAYOUT.compared_counts().values()),
    output:
        parquet=f"{RESULTS}/comparisons/{{setup}}.parquet",
        csv=f"{RESULTS}/comparisons/{{setup}}.csv",
        manifest=f"{RESULTS}/comparisons/{{setup}}.manifest.json",
    log:
        f"{LOGS}/comparisons/{{setup}}.log",
    benchmark:
        f"{TIMES}/comparisons/{{setup}}.tsv"
    conda:
        "../../envs/merge.yaml"
    threads: 8
    resources:
        gpu=1,
        # A model, a matrix of it twice, and pieces of all of them.
        mem_mb=lambda w, attempt: inference_memory(STUDY, GRID.width_of_setup(w.setup), 3, attempt),
        runtime=lambda w, attempt: escalate(240, attempt),
    params:
        **ADDED,
        **COUNTED,
        sentences=STUDY.comparison.sentences,
        work=lambda w: f"{RESULTS}/work/comparisons/{w.setup}",
    message:
        "Compare the models of setup {wildcards.setup}: language vectors, weights, hidden states"
    script:
        "../scripts/compare_models.py"


rule tabulate_comparisons:
    """
    Tabulate how models compare before they are merged.
    """
    input:
        LAYOUT.comparisons(),
    output:
        parquet=f"{RESULTS}/tables/language_vectors.parquet",
        csv=f"{RESULTS}/tables/language_vectors.csv",
        manifest=f"{RESULTS}/tables/language_vectors.manifest.json",
    log:
        f"{LOGS}/tables/language_vectors.log",
    benchmark:
        f"{TIMES}/tables/language_vectors.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    message:
        "Gather the comparisons of all setups"
    script:
        "../scripts/tabulate_comparisons.py"


rule correlate_similarity:
    """
    Relate the similarity of models to what merging loses.
    """
    input:
        comparisons=LAYOUT.comparisons(),
        scores=f"{RESULTS}/tables/pairwise.parquet",
        distances=LAYOUT.typology(),
    output:
        parquet=f"{RESULTS}/tables/similarity_and_drop.parquet",
        csv=f"{RESULTS}/tables/similarity_and_drop.csv",
        correlations=f"{RESULTS}/tables/similarity_and_drop_correlations.csv",
        manifest=f"{RESULTS}/tables/similarity_and_drop.manifest.json",
    log:
        f"{LOGS}/tables/similarity_and_drop.log",
    benchmark:
        f"{TIMES}/tables/similarity_and_drop.tsv"
    conda:
        "../../envs/analyse.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **STUDY.analysis.model_dump(include={"drop_cases"}),
        setups=[setup.name for setup in STUDY.setups],
        languages=STUDY.language_codes,
        method=STUDY.analysis.pairwise_method,
        codes=STUDY.comparison.typology.codes if STUDY.comparison.typology else {},
        resamples=STUDY.analysis.bootstrap_resamples,
        seed=STUDY.seed,
    message:
        "Relate the similarity of every pair of models to the drop after merging"
    script:
        "../scripts/correlate_similarity.py"
