# From sources to token shards and benchmarks.


localrules:
    download_package,
    list_benchmarks,


rule download_package:
    """
    Download a package that carries text.
    """
    output:
        directory(f"{DOWNLOADS}/{{package}}"),
    log:
        "results/downloads/logs/{package}.log",
    benchmark:
        "results/downloads/logs/{package}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        # Without the licence: to correct one downloads nothing again.
        package=lambda w: next(
            p.model_dump(exclude={"licence"}) for p in STUDY.packages if f"{p.name}-{p.version}" == w.package
        ),
    message:
        "Download the package {wildcards.package}, which carries text"
    script:
        "../scripts/download_package.py"


rule build_documents:
    """
    Read, clean and split a part of the text of a corpus.
    """
    input:
        packages=lambda w: LAYOUT.packages_of(w.corpus),
        files=lambda w: LAYOUT.files_of(w.corpus, w.shard),
        datasets=lambda w: LAYOUT.datasets_of(w.corpus),
    output:
        directory(f"{RESULTS}/documents/{{corpus}}/{{shard}}"),
    log:
        f"{LOGS}/documents/{{corpus}}/{{shard}}.log",
    benchmark:
        f"{TIMES}/documents/{{corpus}}/{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=lambda w, attempt: escalate(240, attempt),
    params:
        corpus=lambda w: STUDY.corpus(w.corpus).shaping(),
    message:
        "Collect and clean the documents of {wildcards.corpus}, shard {wildcards.shard}"
    script:
        "../scripts/build_documents.py"


rule list_part_ids:
    """
    List the ids of the documents of a part of a corpus.
    """
    input:
        files=lambda w: LAYOUT.files_of_ids(w.part),
        datasets=lambda w: LAYOUT.dataset_of_ids(w.part),
    output:
        directory(f"{RESULTS}/part_ids/{{part}}"),
    log:
        f"{LOGS}/part_ids/{{part}}.log",
    benchmark:
        f"{TIMES}/part_ids/{{part}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(8000, attempt),
        runtime=lambda w, attempt: escalate(240, attempt),
    params:
        ids=lambda w: LAYOUT.ids_source(w.part).model_dump(mode="json"),
    message:
        "List the document ids of {wildcards.part}"
    script:
        "../scripts/list_part_ids.py"


rule build_tokenizer:
    """
    Train the tokenizer, or take the configured one.
    """
    input:
        documents=[shard for corpus in LAYOUT.tokenizer_corpora() for shard in LAYOUT.documents(corpus.name)],
        evaluation=LAYOUT.evaluation_of(LAYOUT.tokenizer_corpora()),
        packages=LAYOUT.tokenizer_packages(),
        pretrained=LAYOUT.tokenizer_files(),
    output:
        directory(f"{RESULTS}/tokenizer"),
    log:
        f"{LOGS}/tokenizer.log",
    benchmark:
        f"{TIMES}/tokenizer.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: escalate(8000, attempt),
        runtime=60,
    params:
        tokenizer=STUDY.tokenizer.model_dump(mode="json"),
        shards=[LAYOUT.documents(corpus.name) for corpus in LAYOUT.tokenizer_corpora()],
    message:
        "Build the tokenizer"
    script:
        "../scripts/build_tokenizer.py"


rule tokenize_shard:
    """
    Tokenize a part of the text of a corpus.
    """
    input:
        documents=lambda w: LAYOUT.documents_shard(w.part, w.shard),
        evaluation=lambda w: LAYOUT.evaluation_of([STUDY.corpus(w.part)]),
        part_ids=lambda w: LAYOUT.part_ids(w.part),
        tokenizer=f"{RESULTS}/tokenizer",
    output:
        directory(f"{RESULTS}/tokens/{{part}}/{{shard}}"),
    log:
        f"{LOGS}/tokens/{{part}}/{{shard}}.log",
    benchmark:
        f"{TIMES}/tokens/{{part}}/{{shard}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 4
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=lambda w, attempt: escalate(240, attempt),
    params:
        # Where ids are listed, the shares only say how large the parts are.
        parts=lambda w: [
            part.model_dump(include={"name"} if LAYOUT.part_ids(w.part) else {"name", "share"})
            for part in STUDY.corpus(w.part).parts
        ],
    message:
        "Tokenize {wildcards.part}, shard {wildcards.shard}"
    script:
        "../scripts/tokenize_shard.py"


rule build_benchmark:
    """
    Build the items of a benchmark in one language.
    """
    input:
        documents=lambda w: LAYOUT.benchmark_documents(w.benchmark, w.language),
        counterparts=lambda w: LAYOUT.benchmark_counterparts(w.benchmark, w.language),
        packages=lambda w: LAYOUT.benchmark_packages(w.benchmark, w.language),
        files=lambda w: LAYOUT.benchmark(w.benchmark).files(w.language),
    output:
        directory(f"{RESULTS}/benchmarks/{{benchmark}}/{{language}}"),
    log:
        f"{LOGS}/benchmarks/{{benchmark}}/{{language}}.log",
    benchmark:
        f"{TIMES}/benchmarks/{{benchmark}}/{{language}}.tsv"
    wildcard_constraints:
        benchmark=one_of(b.name for b in STUDY.benchmarks if not b.inflection),
    priority: 1  # before any training: text that makes no items is found out early
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=60,
    params:
        benchmark=lambda w: LAYOUT.benchmark(w.benchmark).part(w.language),
        placeholder=lambda w: STUDY.evaluation_corpus(w.language).placeholder,
        origin=lambda w: LAYOUT.origin(w.benchmark, w.language),
        origin_placeholder=lambda w: STUDY.evaluation_corpus(LAYOUT.origin(w.benchmark, w.language)).placeholder,
        seed=STUDY.seed,
        version=BENCHMARKS_VERSION,
    message:
        "Build the benchmark {wildcards.benchmark} in {wildcards.language}"
    script:
        "../scripts/build_benchmark.py"


rule write_tuning_text:
    """
    Write the held-out text that coefficients are fitted to.
    """
    input:
        documents=lambda w: LAYOUT.documents(STUDY.evaluation_corpus(w.language).name),
    output:
        directory(LAYOUT.tuning_text("{language}")),
    log:
        f"{LOGS}/tuning/{{language}}.log",
    benchmark:
        f"{TIMES}/tuning/{{language}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(4000, attempt),
        runtime=60,
    params:
        limit=lambda w: STUDY.running_text.limit,
        piece_bytes=lambda w: STUDY.running_text.bytes_of_piece,
        placeholder=lambda w: STUDY.evaluation_corpus(w.language).placeholder,
    message:
        "Keep held-out text of {wildcards.language} to tune merges on"
    script:
        "../scripts/write_tuning_text.py"


rule generate_pairs:
    """
    Build the minimal pairs of inflection in one language, with a sample to read.
    """
    input:
        documents=lambda w: LAYOUT.benchmark_documents(w.benchmark, w.language),
        files=lambda w: LAYOUT.benchmark(w.benchmark).files(w.language),
    output:
        directory(f"{RESULTS}/benchmarks/{{benchmark}}/{{language}}"),
    log:
        f"{LOGS}/benchmarks/{{benchmark}}/{{language}}.log",
    benchmark:
        f"{TIMES}/benchmarks/{{benchmark}}/{{language}}.tsv"
    wildcard_constraints:
        benchmark=one_of(b.name for b in STUDY.benchmarks if b.inflection),
    priority: 1  # before any training: text that makes no items is found out early
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: escalate(8000, attempt),
        runtime=120,
    params:
        benchmark=lambda w: LAYOUT.benchmark(w.benchmark).part(w.language),
        placeholder=lambda w: STUDY.evaluation_corpus(w.language).placeholder,
        seed=STUDY.seed,
        version=BENCHMARKS_VERSION,
    message:
        "Build the minimal pairs of inflection, {wildcards.benchmark}, in {wildcards.language}"
    script:
        "../scripts/generate_pairs.py"


rule list_benchmarks:
    """
    List what all models are scored on.
    """
    input:
        lambda w: LAYOUT.benchmarks(cell for cell in GRID.score_cells if cell[1] == w.language),
    output:
        listing=LAYOUT.listing("{language}"),
        manifest=LAYOUT.listing("{language}").replace(".json", ".manifest.json"),
    log:
        f"{LOGS}/benchmarks/listings/{{language}}.log",
    benchmark:
        f"{TIMES}/benchmarks/listings/{{language}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        places=lambda w: GRID.benchmark_places(w.language),
    message:
        "List the benchmarks that models are scored on in {wildcards.language}"
    script:
        "../scripts/list_benchmarks.py"
