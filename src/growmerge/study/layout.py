"""Where every artifact of a study stands, and which of them another is made from: the paths that the rules are about.

Pure, without torch: Snakemake imports it whenever it parses the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from growmerge import ids
from growmerge.catalogue.merge_methods import COEFFICIENTS
from growmerge.catalogue.merge_registry import MergeMethod, asked_statistics, member_statistics, merge_methods
from growmerge.config import Study
from growmerge.config.benchmarks import Benchmark
from growmerge.config.corpora import ArchiveSource, Corpus, FileSource, HubSource, PackagedSource, check_ids
from growmerge.config.merging import Method
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid, Model
from growmerge.study.merge_params import method_params
from growmerge.study.recipe import Recipes
from growmerge.study.sharding import Shard
from growmerge.study.tuning import tuning_parameters

DOWNLOADS = f"results/{ids.DOWNLOADS}"  # shared by all studies


def step_folder(step: int) -> str:
    """The name of the checkpoint after an optimizer step."""
    return f"step-{step:06d}"


class Layout:
    """Paths relative to the working directory, as text: what Snakemake compares."""

    def __init__(self, study: Study, grid: Grid) -> None:
        self.study = study
        self.grid = grid
        self.recipes = Recipes(grid)
        self.results = f"results/{study.study}"

    def check_sources(self) -> None:
        """Raise GrowmergeError for a source whose files are not there, before any job."""
        for corpus in self.study.corpora:
            self.files_of(corpus.name, str(Shard(0, corpus.shards)))
            for part in corpus.parts:
                self.files_of_ids(part.name)
            try:
                check_ids(corpus.sources)
            except GrowmergeError as error:
                raise GrowmergeError(f"corpora.{corpus.name}: {error}") from None
        typology = self.study.comparison.typology
        if typology and typology.table and not Path(typology.table).is_file():
            raise GrowmergeError(
                f"comparison.typology.table = {typology.table!r}: no such file; give a CSV file with the columns "
                "first, second, distance"
            )

    # --- models ---------------------------------------------------------------------------------------------------

    def model(self, model_id: str) -> str:
        """The checkpoint of a base, adapted or healed model, or of a merge that trainings start from."""
        return self.merge(model_id) if model_id in self.grid.kept else f"{self.results}/models/{model_id}"

    def models(self) -> list[str]:
        """All of them."""
        grid = self.grid
        return [self.model(m.id) for m in [*grid.bases, *grid.models, *grid.healed, *grid.kept.values()]]

    def trained(self) -> list[str]:
        """Those that are trained here; with analysis.partial, those that exist."""
        trained = [self.model(model.id) for model in self.grid.trained]
        return [model for model in trained if Path(model).exists()] if self.study.analysis.partial else trained

    def parent(self, model_id: str) -> str:
        """The checkpoint that a trained or cloned model starts from."""
        return self.model(self.grid.parent(model_id))

    def checkpoints(self, model_id: str) -> str:
        """The intermediate checkpoints of a trained model: a folder of `step_folder`s."""
        return f"{self.results}/checkpoints/{model_id}"

    def checkpoint(self, model_id: str) -> str:
        """What holds an intermediate checkpoint ('2x/swe@250'): those of its training, or itself where it is taken."""
        taken = model_id in self.grid.imported_checkpoints
        return self.model(model_id) if taken else self.checkpoints(ids.split_step(model_id)[0])

    def shards(self, part: str) -> list[str]:
        """The token shards of a corpus (or part), each a job."""
        return [f"{self.results}/tokens/{part}/{shard}" for shard in Shard.each(self.study.corpus(part).shards)]

    def training_shards(self, model_id: str) -> list[str]:
        """The token shards that a model is trained on."""
        return [shard for corpus in self.recipes.corpora_of(model_id) for shard in self.shards(corpus)]

    # --- merges ---------------------------------------------------------------------------------------------------

    def merge(self, merge_id: str) -> str:
        """The merged checkpoint, if it is kept or requested by its path."""
        return f"{self.results}/merges/{merge_id}"

    def members(self, setup: str, combination: str) -> list[str]:
        """What a combination merges: finished models, or, for 'isl+swe@250', what holds their checkpoints."""
        step = ids.split_step(combination)[1]
        members = [ids.adapted(setup, code) for code in ids.languages_of(combination)]
        if step is None:
            return [self.model(member) for member in members]
        return [self.checkpoint(ids.checkpoint(member, step)) for member in members]

    def merge_base(self, setup: str, combination: str, method: str) -> str:
        """The checkpoint that a merge's task vectors are differences to."""
        return self.model(self.grid.merge_base(setup, combination, method))

    def merge_bases(self, setup: str, combination: str, methods: Iterable[Method]) -> dict[str, str]:
        """The same for several methods, by their names."""
        return {method.name: self.merge_base(setup, combination, method.name) for method in methods}

    def merge_modules(self, methods: Iterable[Method]) -> list[str]:
        """The user's files that define some of `methods`."""
        files = {self._registry[part.registered].module for method in methods for part in method.parts}
        return [module for module in self.study.merging.modules if Path(module) in files]

    def merge_statistics(self, setup: str, combination: str, methods: Iterable[Method]) -> list[str]:
        """What these methods ask to know of the members: in the order of `asked_statistics`, and each by language."""
        asked = asked_statistics({m.name: [self._registry[part.registered] for part in m.parts] for m in methods})
        step = ids.split_step(combination)[1]
        paths = [
            member_statistics()[name].path.format(
                corpus=self.study.statistics_text(code),
                model=ids.checkpoint(ids.adapted(setup, code), step),
                merge=ids.adapted(setup, combination),
                method=method,
            )
            for name, method in asked
            for code in ids.languages_of(combination)
        ]
        return [f"{self.results}/statistics/{path}" for path in paths]

    def statistics_shards(self, expert: str) -> list[str]:
        """The token shards for statistics of a language's model ('swe') or checkpoint ('swe@250')."""
        (language,) = ids.languages_of(expert)
        text = self.study.statistics_text(language)
        return self.shards(text) if text else []

    @cached_property
    def tuned_methods(self) -> list[str]:
        """The names of the methods whose coefficients are fitted to text."""
        return [
            m.name for m in self.study.merging.methods if COEFFICIENTS in self._registry[m.registered].kind.statistics
        ]

    def tuning_parameters(self, method: str) -> dict[str, float]:
        """How the coefficients of a tuned method are fitted."""
        configured = self.grid.method(method)
        return tuning_parameters(configured, self._registry[configured.registered])

    def embedding_statistics(self, setup: str, combination: str, method: str) -> list[str]:
        """What the method of the embedding asks for, if a method has another one for it."""
        other = self.grid.method(method).of_embedding
        return self.merge_statistics(setup, combination, [other] if other else [])

    def coefficients(self, merge: Model) -> str:
        """The fitted coefficients of a merge by a tuned method."""
        return f"{self.results}/statistics/{COEFFICIENTS}/{merge.id}"

    def tuning_texts(self, combination: str) -> list[str]:
        """The held-out text of each language of a combination that merges may be fitted on."""
        return [self.tuning_text(code) for code in ids.languages_of(combination)]

    def method_params(self, method: Method) -> dict[str, Any]:
        """A merge method as a param of rules."""
        return method_params(method, self._registry)

    @cached_property
    def _registry(self) -> Mapping[str, MergeMethod]:
        return merge_methods(self.study.merging.modules)

    def kept_merges(self, merges: Iterable[Model]) -> list[str]:
        """Merged checkpoints, if the study keeps them; those that trainings start from are kept in any case."""
        return [self.merge(merge.id) for merge in merges if self.study.merging.keep or merge.id in self.grid.kept]

    def kept_of(self, setup: str, combination: str, methods: Iterable[Method]) -> list[str]:
        """The merges of a combination by these methods, if the study keeps all merges."""
        kept = methods if self.study.merging.keep else []
        codes, step = ids.languages_of(combination), ids.split_step(combination)[1]
        return [self.merge(ids.merge(setup, codes, method.name, step)) for method in kept]

    def ensemble_members(self, ensemble_id: str) -> list[str]:
        """The models of an ensemble, in the order of their languages."""
        return [self.model(parent) for parent in self.grid.model(ensemble_id).parents]

    # --- scores ---------------------------------------------------------------------------------------------------

    def score(self, model_id: str) -> str:
        """The scores of a model, base or merge."""
        return f"{self.results}/scores/{model_id}/items.parquet"

    def scores(self, models: Iterable[Model]) -> list[str]:
        """The scores of models; with analysis.partial, those that exist."""
        return self.scores_of(model.id for model in models)

    def scores_of(self, model_ids: Iterable[str]) -> list[str]:
        """The same by their ids."""
        scores = [self.score(model_id) for model_id in dict.fromkeys(model_ids)]
        return [score for score in scores if Path(score).exists()] if self.study.analysis.partial else scores

    def translations(self, models: Iterable[Model]) -> list[str]:
        """What models wrote, if the study has them translate; with analysis.partial, what exists.

        Ensembles and floors write nothing.
        """
        if not any(benchmark.decoding(self.study.seed) for benchmark in self.study.benchmarks):
            return []
        writing = [model for model in models if model.kind not in ("ensemble", "floor")]
        paths = [f"{self.results}/scores/{model.id}/translations.parquet" for model in writing]
        return [path for path in paths if Path(path).exists()] if self.study.analysis.partial else paths

    @property
    def reference_score(self) -> str:
        """What information parity compares with (Glocker et al. 2025, section 3.6)."""
        return self.score(ids.REFERENCE)

    def benchmarks(self, cells: Iterable[tuple[str, str]]) -> list[str]:
        """The items of (benchmark, language) cells."""
        return [f"{self.results}/benchmarks/{benchmark}/{language}" for benchmark, language in cells]

    @property
    def parity_cells(self) -> list[tuple[str, str]]:
        """The (benchmark, language) cells that are measured by information parity."""
        return [cell for cell in self.grid.score_cells if self.benchmark(cell[0]).entry.metric.name == "parity"]

    def listing(self, language: str) -> str:
        """What models are scored on in a language, as one file for all scorings."""
        return f"{self.results}/benchmarks/{ids.LISTINGS}/{language}.json"

    def listings(self, languages: Iterable[str] | None) -> list[str]:
        """Those of `languages` (None: all of the study) that have a benchmark.

        They are the only benchmarks among the inputs of a scoring. So a new language repeats no scoring that leaves
        this language out.
        """
        chosen = self.grid.scored_languages if languages is None else languages
        return [self.listing(language) for language in chosen if language in self._listed]

    @cached_property
    def _listed(self) -> set[str]:
        return {language for _, language in self.grid.score_cells}

    # --- comparisons ----------------------------------------------------------------------------------------------

    def comparison(self, setup: str) -> str:
        """How the models of a setup compare, before they are merged."""
        return f"{self.results}/comparisons/{setup}.parquet"

    def comparisons(self) -> list[str]:
        """Those of all setups, if there is more than one language; with analysis.partial, those that exist."""
        setups = self.study.setups if len(self.study.languages) > 1 else []
        comparisons = [self.comparison(setup.name) for setup in setups]
        return [x for x in comparisons if Path(x).exists()] if self.study.analysis.partial else comparisons

    def compared(self, setup: str) -> list[str]:
        """The models of single languages of a setup."""
        return [self.model(ids.adapted(setup, code)) for code in self.study.language_codes]

    def ancestor(self, setup: str) -> str:
        """The base that a setup's models start from."""
        return self.model(self.grid.base_of_setup(setup))

    def compared_counts(self) -> dict[str, str]:
        """With comparison.rows, the token counts of the languages whose text is read here, by language."""
        texts = {code: self.study.statistics_text(code) for code in self.study.language_codes}
        wanted = {code: text for code, text in texts.items() if text and self.study.comparison.rows}
        return {code: self.token_counts(text) for code, text in wanted.items()}

    def token_counts(self, corpus: str) -> str:
        """How often each token occurs in a corpus (or part)."""
        return f"{self.results}/statistics/token_counts/{corpus}"

    def english_sentences(self) -> list[str]:
        """What hidden states are compared over.

        The English items of the first benchmark of information parity that has some, else the held-out English
        documents.
        """
        english = self.study.english
        cells = [cell for cell in self.parity_cells if cell[1] == english.code]
        return self.benchmarks(cells[:1]) or self.documents(english.evaluation)

    def typology(self) -> list[str]:
        """Where typological distances come from, if the study asks for them."""
        typology = self.study.comparison.typology
        if typology is None:
            return []
        return [typology.table] if typology.table else self.packages([typology.package] if typology.package else [])

    # --- text -----------------------------------------------------------------------------------------------------

    def documents(self, corpus: str) -> list[str]:
        """The documents of a corpus, or of the corpus that a part belongs to: its shards, each a job."""
        return [self.documents_shard(corpus, str(shard)) for shard in Shard.each(self.study.corpus(corpus).shards)]

    def documents_shard(self, corpus: str, shard: str) -> str:
        """One of them: what the token shard of that name is made from."""
        return f"{self.results}/documents/{self.study.corpus(corpus).name}/{shard}"

    def part_ids(self, part: str) -> list[str]:
        """The lists of ids that say which documents of its corpus a part takes, if they are published."""
        return [f"{self.results}/part_ids/{p.name}" for p in self.study.corpus(part).parts if p.ids]

    def ids_source(self, part: str) -> FileSource | HubSource | None:
        """Where the ids of a part come from."""
        return next((p.ids for p in self.study.corpus(part).parts if p.name == part), None)

    def packages(self, names: Sequence[str]) -> list[str]:
        """Downloaded packages; the version is in the path, so that studies which pin others do not get in the way."""
        versions = {package.name: package.version for package in self.study.packages}
        return [f"{DOWNLOADS}/{name}-{versions[name]}" for name in names]

    def packages_of(self, corpus: str) -> list[str]:
        """The packages that a corpus reads."""
        sources = [s for s in self.study.corpus(corpus).sources if isinstance(s, PackagedSource)]
        return self.packages(list(dict.fromkeys(name for source in sources for name in source.packages)))

    def files_of(self, corpus: str, shard: str) -> list[str]:
        """The local files that a shard of a corpus reads, so that their edits rebuild it; lists of ids as a whole."""
        chosen = self.study.corpus(corpus).sources
        sources = [source for source in chosen if isinstance(source, FileSource)]
        lists = [s.ids for s in chosen if isinstance(s, ArchiveSource) and isinstance(s.ids, FileSource)]
        dealt = [
            Shard.parse(shard).deal(_files(source, f"'{corpus}'"), corpus, f"paths {source.paths}")
            for source in sources
        ]
        dealt += [_files(source, f"ids of '{corpus}'") for source in lists]
        return [str(path) for paths in dealt for path in paths]

    def datasets_of(self, corpus: str) -> list[str]:
        """The files of datasets in local folders that a corpus reads. Which of them a shard reads, `datasets` says."""
        chosen = [s.ids if isinstance(s, ArchiveSource) else s for s in self.study.corpus(corpus).sources]
        return [str(path) for source in chosen if isinstance(source, HubSource) for path in source.local_files()]

    def dataset_of_ids(self, part: str) -> list[str]:
        """The files of a dataset in a local folder that lists the ids of a part."""
        source = self.ids_source(part)
        return list(map(str, source.local_files())) if isinstance(source, HubSource) else []

    def files_of_ids(self, part: str) -> list[str]:
        """The local files that list the ids of a part."""
        source = self.ids_source(part)
        return list(map(str, _files(source, f"ids of '{part}'"))) if isinstance(source, FileSource) else []

    def tokenizer_corpora(self) -> list[Corpus]:
        """What the tokenizer is trained on: nothing, if it is an existing one."""
        tokenizer = self.study.tokenizer
        existing = tokenizer.pretrained or tokenizer.package
        return [] if existing else [self.study.corpus(name) for name in tokenizer.corpora]

    def tokenizer_packages(self) -> list[str]:
        """The package that the tokenizer is taken from."""
        tokenizer = self.study.tokenizer
        return self.packages([tokenizer.package] if tokenizer.package and not tokenizer.pretrained else [])

    def tokenizer_files(self) -> list[str]:
        """The files of a pretrained tokenizer in a local folder, so that their edits rebuild it."""
        return list(map(str, self.study.tokenizer.local_files()))

    def evaluation_of(self, corpora: Sequence[Corpus]) -> list[str]:
        """Documents folders whose held-out text must not occur in the training text of `corpora`.

        Those of English and of the languages that are trained on them (a new language leaves the others' text alone),
        and their own, if they hold anything out.
        """
        names = {corpus.name for corpus in corpora}
        languages = [x.code for x in self.study.languages if self.study.corpus(x.corpus).name in names]
        evaluated = (
            [self.study.evaluation_corpus(code) for code in [self.study.english.code, *languages]] if names else []
        )
        own = [corpus for corpus in corpora if corpus.heldout]
        chosen = dict.fromkeys(corpus.name for corpus in [*evaluated, *own])
        return [shard for name in chosen for shard in self.documents(name)]

    def heldout_text(self) -> dict[str, list[str]]:
        """Language -> the documents folders that hold its held-out text; English and all languages."""
        languages = dict.fromkeys([self.study.english.code, *self.study.language_codes])
        return {code: self.documents(self.study.evaluation_corpus(code).name) for code in languages}

    def benchmark(self, name: str) -> Benchmark:
        """The configuration of a benchmark."""
        return next(benchmark for benchmark in self.study.benchmarks if benchmark.name == name)

    def benchmark_documents(self, name: str, language: str) -> list[str]:
        """The documents whose held-out part a benchmark is made from: none, where it is read from elsewhere."""
        benchmark = self.benchmark(name)
        own_text = benchmark.inflection is not None and language in benchmark.inflection.sentences
        return (
            [] if benchmark.entry.languages or own_text else self.documents(self.study.evaluation_corpus(language).name)
        )

    def tuning_text(self, language: str) -> str:
        """The held-out text of a language that merges may be fitted on."""
        return f"{self.results}/tuning/{language}"

    def origin(self, name: str, language: str) -> str:
        """What a benchmark compares with, or translates from: English; English itself from the first other language."""
        english = self.study.english.code
        others = [code for code in self.study.language_codes if code != english]
        translated = self.benchmark(name).entry.metric.name == "chrf"
        return others[0] if translated and language == english and others else english

    def benchmark_counterparts(self, name: str, language: str) -> list[str]:
        """The documents in that language, for a benchmark that is made here from two."""
        entry = self.benchmark(name).entry
        parallel = entry.languages is None and entry.metric.name in ("parity", "chrf")
        return self.documents(self.study.evaluation_corpus(self.origin(name, language)).name) if parallel else []

    def benchmark_packages(self, name: str, language: str) -> list[str]:
        """The packages that a benchmark needs in a language."""
        package = self.benchmark(name).packages.get(language)
        return self.packages([package] if package else [])


def _files(source: FileSource, owner: str) -> list[Path]:
    try:
        return source.files()
    except GrowmergeError as error:
        raise GrowmergeError(f"corpora: {owner}: {error}") from None
