"""Where every artifact of a study stands, and which of them another is made from: the paths that the rules are about.

Pure, without torch: Snakemake imports it whenever it parses the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from growmerge.config import Study
from growmerge.config.corpora import Corpus, FileSource, PackagedSource
from growmerge.config.schema import Benchmark
from growmerge.errors import GrowmergeError
from growmerge.grid import SEPARATOR, Grid, Model

DOWNLOADS = "results/downloads"  # shared by all studies


class Layout:
    """Paths relative to the working directory, as text: what Snakemake compares."""

    def __init__(self, study: Study, grid: Grid) -> None:
        self.study = study
        self.grid = grid
        self.results = f"results/{study.study}"

    def check_sources(self) -> None:
        """Raise GrowmergeError for a source whose files are not there, before any job."""
        for corpus in self.study.corpora:
            self.files_of(corpus.name)

    # --- models ---------------------------------------------------------------------------------------------------

    def model(self, model_id: str) -> str:
        """The checkpoint of a base or adapted model."""
        return f"{self.results}/models/{model_id}"

    def models(self) -> list[str]:
        """All of them."""
        return [self.model(model.id) for model in [*self.grid.bases, *self.grid.models]]

    def parent(self, model_id: str) -> str:
        """The checkpoint that a trained or cloned model starts from."""
        return self.model(self.grid.parent(model_id))

    def shards(self, part: str) -> list[str]:
        """The token shards of a corpus (or part), each a job."""
        count = self.study.corpus(part).shards
        return [f"{self.results}/tokens/{part}/{shard + 1}-of-{count}" for shard in range(count)]

    def training_shards(self, model_id: str) -> list[str]:
        """The token shards that a model is trained on."""
        return [shard for corpus in self.grid.corpora_of(model_id) for shard in self.shards(corpus)]

    # --- merges ---------------------------------------------------------------------------------------------------

    def members(self, setup: str, combination: str) -> list[str]:
        """The checkpoints that a combination merges."""
        return [self.model(f"{setup}/{code}") for code in combination.split(SEPARATOR)]

    def merge_base(self, setup: str) -> str:
        """The checkpoint that task vectors are differences to."""
        return self.model(self.grid.merge_base(setup))

    def kept_merges(self, merges: Iterable[Model]) -> list[str]:
        """Merged checkpoints, if the study keeps them."""
        return [f"{self.results}/merges/{merge.id}" for merge in merges if self.study.merging.keep]

    def kept_of(self, setup: str, combination: str) -> list[str]:
        """The kept merges of a combination, one a method."""
        return self.kept_merges(m for m in self.grid.merges if (m.setup, m.target) == (setup, combination))

    # --- scores ---------------------------------------------------------------------------------------------------

    def score(self, model_id: str) -> str:
        """The scores of a model, base or merge."""
        return f"{self.results}/scores/{model_id}/items.parquet"

    def scores(self, models: Iterable[Model]) -> list[str]:
        """The scores of models; with analysis.partial, those that exist."""
        scores = [self.score(model.id) for model in models]
        return [score for score in scores if Path(score).exists()] if self.study.analysis.partial else scores

    @property
    def reference_score(self) -> str:
        """What information parity compares with (Glocker et al. 2025, section 3.6)."""
        return self.score("reference")

    def benchmarks(self, cells: Iterable[tuple[str, str]]) -> list[str]:
        """The items of (benchmark, language) cells."""
        return [f"{self.results}/benchmarks/{benchmark}/{language}" for benchmark, language in cells]

    # --- text -----------------------------------------------------------------------------------------------------

    def documents(self, corpus: str) -> str:
        """The documents of a corpus, or of the corpus that a part belongs to."""
        return f"{self.results}/documents/{self.study.corpus(corpus).name}"

    def packages(self, names: Sequence[str]) -> list[str]:
        """Downloaded packages; the version is in the path, so that studies which pin others do not get in the way."""
        versions = {package.name: package.version for package in self.study.packages}
        return [f"{DOWNLOADS}/{name}-{versions[name]}" for name in names]

    def packages_of(self, corpus: str) -> list[str]:
        """The packages that a corpus reads."""
        sources = [s for s in self.study.corpus(corpus).sources if isinstance(s, PackagedSource)]
        return self.packages(list(dict.fromkeys(name for source in sources for name in source.packages)))

    def files_of(self, corpus: str) -> list[str]:
        """The local files that a corpus reads, so that their edits rebuild it."""
        sources = [s for s in self.study.corpus(corpus).sources if isinstance(s, FileSource)]
        try:
            return [str(path) for source in sources for path in source.files()]
        except GrowmergeError as error:
            raise GrowmergeError(f"corpora: '{corpus}': {error}") from None

    def tokenizer_corpora(self) -> list[Corpus]:
        """What the tokenizer is trained on: nothing, if it is a pretrained one."""
        tokenizer = self.study.tokenizer
        return [] if tokenizer.pretrained else [self.study.corpus(name) for name in tokenizer.corpora]

    def evaluation_of(self, corpora: Iterable[Corpus]) -> dict[str, float]:
        """Documents folders whose held-out share must not occur in the training text of `corpora`.

        Those of English and of the languages that are trained on them: a new language leaves the others' text alone.
        """
        names = {corpus.name for corpus in corpora}
        languages = [x.code for x in self.study.languages if self.study.corpus(x.corpus).name in names]
        evaluated = [self.evaluation_corpus(code) for code in [self.study.english.code, *languages]]
        return {self.documents(corpus.name): corpus.heldout for corpus in evaluated}

    def evaluation_corpus(self, language: str) -> Corpus:
        """The corpus whose held-out sentences a language is scored on."""
        if language == self.study.english.code:
            return self.study.corpus(self.study.english.evaluation)
        chosen = next(x for x in self.study.languages if x.code == language)
        return self.study.corpus(chosen.evaluation or chosen.corpus)

    def benchmark(self, name: str) -> Benchmark:
        """The configuration of a benchmark."""
        return next(benchmark for benchmark in self.study.benchmarks if benchmark.name == name)

    def benchmark_packages(self, name: str, language: str) -> list[str]:
        """The packages that a benchmark needs in a language."""
        package = self.benchmark(name).packages.get(language)
        return self.packages([package] if package else [])
