"""Rule tabulate_tokenizer: what the tokenizer makes of each language's held-out text."""

from growmerge.job import imports, job, snakemake

with imports():
    from pathlib import Path

    from growmerge.data.tokenizer import use_threads
    from growmerge.tables.tokenizer import write_tokenizer_table

with job(snakemake.log[0]):
    params = snakemake.params
    use_threads(snakemake.threads)
    write_tokenizer_table(
        Path(snakemake.input.tokenizer),
        {language: [Path(folder) for folder in folders] for language, folders in params.documents.items()},
        params.english,
        Path(snakemake.output.parquet),
    )
