"""Rule generate_pairs: minimal pairs of inflection in a language, from sentences and a full-form lexicon."""

from pathlib import Path

from growmerge.job import job
from growmerge.artifacts import publish
from growmerge.benchmarks.inflection.build import build_inflection
from growmerge.benchmarks.inflection.sample import sample
from growmerge.benchmarks.items import ITEMS, write_items
from growmerge.config.benchmarks import Benchmark
from growmerge.config.corpora import HubSource
from growmerge.data.files import check_file_names, read_files
from growmerge.data.hub import HubFiles
from growmerge.data.split import evaluation_documents, read_heldout

with job(snakemake.log[0]) as log:
    params, language = snakemake.params, snakemake.wildcards.language
    shards = [Path(folder) for folder in snakemake.input.documents]
    benchmark = Benchmark.model_validate(params.benchmark)
    text = benchmark.inflection.sentences.get(language)
    if isinstance(text, HubSource):
        hub = HubFiles(text)
        documents = hub.read_documents(hub.numbers)
    elif text:
        check_file_names(text.files(), text.id_field)
        documents = read_files(text.files(), text.text_field, text.id_field)
    else:
        documents = evaluation_documents(read_heldout(shards), params.placeholder)
    items, facts = build_inflection(benchmark, language, documents, seed=params.seed)
    with publish(Path(snakemake.output[0]), inputs=shards, config=dict(params)) as draft:
        write_items(items, draft.folder / ITEMS)
        page = sample(items, f"{benchmark.name} in {language}", params.seed)
        (draft.folder / "sample.md").write_text(page, encoding="utf-8")
        draft.facts |= facts
        log.info("%d of %d pairs from %d sentences", len(items), facts["pairs"], facts["sentences"])
