"""The rows of a plan: shards, bases, clones, adapted models, branches, merges, healed merges, models of others, scores.

No torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from growmerge import ids
from growmerge.config.corpora import Expected
from growmerge.study.costs import Costs
from growmerge.study.flops import forward_flops, generation_flops
from growmerge.study.grid import Grid, Model
from growmerge.study.layout import Layout
from growmerge.study.resources import MERGED_BYTES
from growmerge.study.tuning import TEXT_TOKENS, tuning_flops, tuning_texts

Kind = Literal["shards", "base", "clone", "model", "checkpoint", "coefficients", "merge", "healed", "external", "score"]
KINDS: tuple[Kind, ...] = get_args(Kind)

BYTES_A_TOKEN = 4  # uint32
# Text of the documents that the shards are made from, compressed: FineWeb-2's Parquet files of the paper's languages
# take 1.2 to 1.7 bytes for a token of Llama 3's tokenizer.
TEXT_BYTES_A_TOKEN = 1.6
TRAINED_BYTES = 4  # a parameter of a checkpoint that was trained here, fp32
# Beside the weights of a checkpoint: an entry of the tokenizer's vocabulary, as Llama 3's has them; and the header of
# the weights, config, manifest and card together.
TOKEN_BYTES = 135
SMALL_FILES = 50_000
# An item that is scored by log-likelihoods: two sentences of some twenty words. A text's row in the scores, compressed.
ITEM_TEXTS = 2
ROW_BYTES = 30
# The row of a translation, compressed: source, reference and up to 1,000 characters that the model wrote.
TRANSLATION_BYTES = 700


@dataclass(frozen=True)
class Row:
    """One line of plan.csv: what it is, and what it takes; `path` is where it will stand, None if only temporarily.

    `kept`: a merge that stays whatever `merging.keep` says. `job`: what the job of a score is called; merges that are
    made together are scored by one.
    """

    id: str
    kind: Kind
    path: str | None
    setup: str = ""
    target: str = ""
    method: str = ""
    parameters: int = 0
    tokens: int = 0
    flops: float = 0.0
    disk_bytes: int = 0
    kept: bool = False
    job: str = ""

    @property
    def built(self) -> bool:
        """Whether it is there already."""
        return self.path is not None and Path(self.path).exists()


def plan_rows(grid: Grid, layout: Layout, costs: Costs, checkpoints: list[Model]) -> list[Row]:
    """Every artifact of the study that takes time or space.

    Intermediate checkpoints stand with the model that was trained; those taken from elsewhere, which only exist until
    they are merged and scored, are rows of kind "checkpoint". `checkpoints` are those that are scored, beside those of
    merges over training. Tokens are written (shards), trained on (models, epochs counted), fitted to (coefficients), or
    scored and generated (scores: every benchmark at its limit, every translation as long as it may be). FLOPs of a
    model are its own, without its ancestors'. Raises GrowmergeError for a corpus of unknown size.
    """
    merges = dict.fromkeys([*grid.merges, *grid.kept.values()])
    rows = [
        *_shards(grid, layout, costs),
        *(_model(model, grid, layout, costs) for model in [*grid.bases, *grid.models]),
        *(_taken(model_id, grid, costs) for model_id in grid.imported_checkpoints),
        *(_coefficients(m, grid, layout, costs) for m in merges if m.method in layout.tuned_methods),
        *(_merge(model, grid, layout, costs) for model in merges),
        *(_model(model, grid, layout, costs) for model in grid.healed),
        *(_external(model, grid, layout) for model in grid.externals),
        *_scores(dict.fromkeys([*grid, *checkpoints, *grid.mixed_over_training]), grid, layout, costs),
    ]
    return sorted(rows, key=lambda row: KINDS.index(row.kind))


def _shards(grid: Grid, layout: Layout, costs: Costs) -> Iterator[Row]:
    for part in dict.fromkeys(part for model in grid.trained for part in costs.recipes.corpora_of(model.id)):
        tokens = costs.count(part).tokens
        yield Row(
            part,
            "shards",
            layout.shards(part)[-1],
            tokens=tokens,
            disk_bytes=round(tokens * (BYTES_A_TOKEN + TEXT_BYTES_A_TOKEN)),
        )


def _model(model: Model, grid: Grid, layout: Layout, costs: Costs) -> Row:
    parameters = costs.parameters(model.width)
    cloned = model.kind == "base" and grid.base(model.id).clone
    trained = model in grid.trained
    steps = costs.steps(model.id) if trained else 0
    checkpoints = len(costs.saved_steps(model.id)) if trained else 1
    return Row(
        model.id,
        "clone" if cloned else "base" if model.kind == "base" else "healed" if model.kind == "healed" else "model",
        layout.model(model.id),
        model.setup,
        model.target,
        model.method,
        parameters=parameters,
        tokens=costs.tokens(steps),
        flops=costs.flops(model.id, steps),
        disk_bytes=checkpoints * (parameters * TRAINED_BYTES + _beside_weights(grid)),
    )


def _taken(model_id: str, grid: Grid, costs: Costs) -> Row:
    model = grid.model(ids.split_step(model_id)[0])
    parameters = costs.parameters(model.width)
    disk_bytes = parameters * TRAINED_BYTES + _beside_weights(grid)
    return Row(model_id, "checkpoint", None, model.setup, model.target, "", parameters, disk_bytes=disk_bytes)


def _merge(model: Model, grid: Grid, layout: Layout, costs: Costs) -> Row:
    parameters = costs.parameters(model.width)
    kept = layout.kept_merges([model])
    return Row(
        model.id,
        "merge",
        kept[0] if kept else None,
        model.setup,
        model.target,
        model.method,
        parameters,
        disk_bytes=parameters * MERGED_BYTES[grid.study.merging.dtype] + _beside_weights(grid),
        kept=model.id in grid.kept,
    )


def _coefficients(model: Model, grid: Grid, layout: Layout, costs: Costs) -> Row:
    """The fit of a merge: at every step some texts of every language, forward and backward."""
    study, how = grid.study, layout.tuning_parameters(model.method)
    texts = tuning_texts(how, len(model.parents))
    return Row(
        model.id,
        "coefficients",
        layout.coefficients(model),
        model.setup,
        model.target,
        model.method,
        costs.parameters(model.width),
        texts * TEXT_TOKENS,
        tuning_flops(study, model.width, texts),
        SMALL_FILES,
    )


def _beside_weights(grid: Grid) -> int:
    return grid.study.tokenizer.vocab_size * TOKEN_BYTES + SMALL_FILES


def _external(model: Model, grid: Grid, layout: Layout) -> Row:
    parameters = grid.parameters_of_external(model.id)
    return Row(model.id, "external", layout.model(model.id), parameters=parameters, disk_bytes=2 * parameters)


def _scores(models: Iterable[Model], grid: Grid, layout: Layout, costs: Costs) -> Iterator[Row]:
    study = grid.study
    by_language = _scored(grid, layout)
    for model in models:
        scored = [by_language[code] for code in model.scored_in or grid.scored_languages]
        texts, asked = sum(count for count, _ in scored), sum((prompts for _, prompts in scored), Counter())
        # An ensemble generates nothing, and passes every text through each of its models.
        prompts, passes = (Counter[tuple[int, int]](), len(model.parents)) if model.kind == "ensemble" else (asked, 1)
        tokens = texts * TEXT_TOKENS + sum(count * (prompt + new) for (prompt, new), count in prompts.items())
        disk_bytes = texts * ROW_BYTES + prompts.total() * TRANSLATION_BYTES
        if model.kind == "external":
            parameters = grid.parameters_of_external(model.id)
            flops = 2.0 * parameters * tokens
        else:
            parameters = passes * costs.parameters(model.width)
            shape = (study.architecture, study.tokenizer.vocab_size, model.width)
            flops = passes * forward_flops(*shape, texts, TEXT_TOKENS)
            flops += sum(generation_flops(*shape, count, prompt, new) for (prompt, new), count in prompts.items())
        yield Row(
            model.id,
            "score",
            layout.score(model.id),
            model.setup,
            model.target,
            model.method,
            parameters,
            tokens,
            flops,
            disk_bytes,
            job=_scoring_job(model, grid),
        )


def _scoring_job(model: Model, grid: Grid) -> str:
    together = model.kind == "merge" and grid.method(model.method).sizes is None
    return ids.without_method(model.id) if together else model.id


def _scored(grid: Grid, layout: Layout) -> dict[str, tuple[int, Counter[tuple[int, int]]]]:
    """By language, how many texts a model is scored on, and how many prompts it continues: {(tokens, at most new): n}.

    A prompt is the source of its item after examples of two texts each, source and translation.
    """
    texts = dict.fromkeys(grid.scored_languages, 0)
    prompts = {language: Counter[tuple[int, int]]() for language in grid.scored_languages}
    for name, language in grid.score_cells:
        benchmark = layout.benchmark(name)
        items = benchmark.size(language)
        if decoding := benchmark.decoding(grid.study.seed):
            prompts[language][(2 * benchmark.entry.few_shot + 1) * TEXT_TOKENS, decoding.max_new_tokens] += items
        else:
            texts[language] += ITEM_TEXTS * items
    return {language: (texts[language], prompts[language]) for language in grid.scored_languages}


def built_counts(layout: Layout, parts: list[str]) -> dict[str, Expected]:
    """The real sizes of the corpora whose token shards are all built, from their manifests."""
    from growmerge.artifacts import read_manifest

    found: dict[str, Expected] = {}
    for part in parts:
        shards = [Path(shard) for shard in layout.shards(part)]
        if all(shard.exists() for shard in shards):
            facts = [read_manifest(shard).facts for shard in shards]
            totals = {key: sum(fact[key] for fact in facts) for key in ("documents", "tokens", "characters")}
            found[part] = Expected(**totals)
    return found
