"""The cards of a study's models, from their manifests, the configuration and the table of scores."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from growmerge import ids
from growmerge.artifacts import Manifest, read_manifest, write_atomically
from growmerge.cards import text
from growmerge.cards.scores import Scores, section
from growmerge.config.references import parse_reference
from growmerge.errors import GrowmergeError
from growmerge.merging import card as merge_card
from growmerge.merging.recipe import Recipe
from growmerge.merging.request import Request
from growmerge.models.card import CARD, Card
from growmerge.models.stored import weight_files
from growmerge.study.grid import Model
from growmerge.study.layout import Layout
from growmerge.study.publication import MAIN, Branch, folder_of, publishable
from growmerge.tables.markdown import listed, markdown_table

logger = logging.getLogger(__name__)
# The licences that the hub names, of those that models have; others stand in its field `license_name`.
LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "openrail", "bigscience-openrail-m", "bigscience-bloom-rail-1.0"),
    *("gpl-3.0", "agpl-3.0", "lgpl-3.0", "eupl-1.2", "llama2", "llama3", "llama3.1", "llama3.2", "gemma"),
}


class Cards:
    """Writes the cards of a study.

    `repositories` are those of models that are published, by id: cards name them as what a model is based on.
    """

    def __init__(self, layout: Layout, repositories: Mapping[str, str] | None = None) -> None:
        """Read the table of scores, if there is one. Raises GrowmergeError if it is damaged."""
        self._layout, self._grid, self._study = layout, layout.grid, layout.study
        self._repositories = repositories or {}
        self._scores = Scores(Path(layout.results, "tables", "scores.parquet"))

    def write_all(self) -> int:
        """Write README.md into the folder of every model that is there and was made here; how many.

        Cards are notes: manifests do not list them, and no digest changes. A model whose ancestors or members are gone
        keeps the card that it has.
        """
        written = 0
        for name in publishable(self._grid):
            folder = folder_of(self._layout, name)
            if not folder.exists():
                continue
            try:
                write_atomically(folder / CARD, self.card(Branch(name, folder)).text())
            except GrowmergeError as error:
                logger.warning("%s: its card stays as it is: %s", name, error)
            else:
                written += 1
        return written

    def card(self, branch: Branch) -> Card:
        """The card of a model or checkpoint. Raises GrowmergeError where a manifest that it reads is missing."""
        name, step = ids.split_step(branch.id) if branch.name != MAIN else (branch.id, None)
        model = self._grid.model(name)
        manifest = read_manifest(branch.folder)
        recipe = self._recipe(model, manifest) if model.kind == "merge" else None
        tokens = self._tokens(name, step)
        digests = {manifest.digest, *([recipe.digest] if recipe else [])}
        scores = self._scores.of(branch.id, self._layout.score(branch.id), digests)
        title = f"{self._study.study}: {branch.id}"
        metadata = {
            "library_name": "transformers",
            "pipeline_tag": "text-generation",
            "language": text.languages(self._study, tokens),
            **self._licence(name),
            "base_model": self._based_on(model),
            "base_model_relation": "merge" if recipe and self._based_on(model) else None,
            "datasets": text.datasets(self._study, tokens),
            "tags": [*self._tags(model), *(merge_card.tags(recipe) if recipe else []), "growmerge"],
            "model-index": [{"name": title, "results": [s.result(self._study.study) for s in scores]}]
            if scores
            else [],
        }
        sections = [
            self._what(model, step, branch.folder),
            *(merge_card.making(recipe) if recipe else []),
            self._ancestry(name, step),
            *([text.section(self._study, tokens)] if tokens else []),
            section(scores, self._names),
            self._loading(name, branch),
            _identity(manifest),
        ]
        return Card(title, metadata, sections)

    # --- what it is -------------------------------------------------------------------------------------------------

    def _what(self, model: Model, step: int | None, folder: Path) -> str:
        learned = listed([f"{self._names[code]} ({code})" for code in model.languages])
        made = {
            "drawn": "of random weights",
            "cloned": "widened by HyperCloning",
            "merged": f"merged by `{model.method}` from models of {learned}",
            "trained": f"trained on {learned}" if learned else "trained as a base for others",
        }[self._way(model.id)]
        if step is not None:
            made = f"as it was after {step:,} of {self._facts(model.id)['steps']:,} steps, {made}"
        if model.kind == "healed" and model.method != ids.BASE:
            made += ", after it was merged"
        setup = f" in the setup `{model.setup}`" if model.setup else ""
        name = ids.checkpoint(model.id, step)
        return (
            f"A Llama of {_parameters(folder):,} parameters, {made}{setup}. It is `{name}` of the study "
            f"`{self._study.study}`, made with growmerge.\n"
        )

    def _tags(self, model: Model) -> list[str]:
        return ["hyperclone"] if self._way(model.id) == "cloned" else []

    def _way(self, name: str) -> str:
        """How a model came to be: `drawn`, `cloned`, `imported`, `merged` or `trained`."""
        if name in self._grid.imported:
            return "imported"
        model = self._grid.model(name)
        if model.kind == "merge":
            return "merged"
        if model.kind != "base" or self._grid.base(name).train:
            return "trained"
        return "cloned" if self._grid.base(name).clone else "drawn"

    # --- what it comes from -----------------------------------------------------------------------------------------

    def _ancestry(self, name: str, step: int | None) -> str:
        rows, flops = [], 0.0
        for ancestor in self._ancestors(name):
            facts, way = self._facts(ancestor), self._way(ancestor)
            share = step / facts["steps"] if step is not None and ancestor == name else 1.0
            spent = facts["flops"] * share if way == "trained" else 0.0
            flops += spent
            tokens = f"{round(facts['tokens'] * share):,}" if way == "trained" else "-"
            made = f"{way} (`{self._grid.imported[ancestor]}`)" if way == "imported" else way
            rows.append((self._linked(ancestor), made, tokens, f"{spent:.3g}" if spent else "-"))
        table = markdown_table(("model", "made", "tokens", "FLOPs"), rows)
        return (
            f"## How it was made\n\n{table}\n\nAll together {flops:.3g} FLOPs, counted from the shape of the models.\n"
        )

    def _ancestors(self, name: str) -> list[str]:
        """The models that one is made from, oldest first, and itself."""
        found: dict[str, None] = {}

        def visit(model_id: str) -> None:
            if model_id not in found:
                for parent in self._parents(model_id):
                    visit(parent)
                found[model_id] = None

        visit(name)
        return list(found)

    def _parents(self, name: str) -> tuple[str, ...]:
        """Finished models; a merge of checkpoints descends from those that the checkpoints are of."""
        return tuple(ids.split_step(parent)[0] for parent in self._grid.model(name).parents)

    def _tokens(self, name: str, step: int | None) -> dict[str, int]:
        """Target tokens by corpus of a model and its ancestors, those with most first."""
        counts: Counter[str] = Counter()
        for ancestor in self._ancestors(name):
            if self._way(ancestor) == "trained":
                manifest = self._manifest(ancestor)
                share = step / manifest.facts["steps"] if step is not None and ancestor == name else 1.0
                own = text.tokens_of(manifest.facts, manifest.config)
                counts.update({corpus: math.ceil(share * count) for corpus, count in own.items()})
        return dict(counts.most_common())

    def _based_on(self, model: Model) -> list[str]:
        """The nearest ancestors that the hub has: published with this study, or taken from there."""
        return list(dict.fromkeys(found for parent in self._parents(model.id) for found in self._nearest(parent)))

    def _nearest(self, name: str) -> Iterator[str]:
        if name in self._repositories:
            yield self._repositories[name]
        elif name in self._grid.imported:
            reference = parse_reference(self._grid.imported[name])
            if reference.kind == "hub":
                yield reference.name
        else:
            for parent in self._parents(name):
                yield from self._nearest(parent)

    def _licence(self, name: str) -> dict[str, str]:
        """That which the configuration gives; a clone has that of its parent, if it was taken from elsewhere."""
        settings = self._study.publish
        licence = settings.licence if settings else None
        if licence is None and self._way(name) == "cloned":
            (parent,) = self._parents(name)
            licence = self._facts(parent).get("licence")
        if licence is None:
            return {}
        chosen = settings and settings.licence == licence
        return {"license": licence} if chosen or licence in LICENCES else {"license": "other", "license_name": licence}

    # --- how to use it ----------------------------------------------------------------------------------------------

    def _loading(self, name: str, branch: Branch) -> str:
        place = self._repositories.get(name, str(branch.folder))
        revision = f', revision="{branch.name}"' if name in self._repositories and branch.name != MAIN else ""
        return (
            "## How to load it\n\n```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
            f'model = AutoModelForCausalLM.from_pretrained("{place}"{revision})\n'
            f'tokenizer = AutoTokenizer.from_pretrained("{place}"{revision})\n```\n'
        )

    def _linked(self, name: str) -> str:
        repository = self._repositories.get(name)
        return f"[{name}](https://huggingface.co/{repository})" if repository else f"`{name}`"

    # --- what it reads ----------------------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> dict[str, str]:
        english = self._study.english
        return {english.code: english.name, **{language.code: language.name for language in self._study.languages}}

    def _manifest(self, name: str) -> Manifest:
        return read_manifest(folder_of(self._layout, name))

    def _facts(self, name: str) -> dict[str, Any]:
        # A merge in memory has no manifest, and adds nothing to what its members cost.
        return {} if self._way(name) == "merged" else self._manifest(name).facts

    def _recipe(self, model: Model, manifest: Manifest) -> Recipe:
        """How a merge was made, on the device that its manifest names: that which merged it may not be here."""
        layout, merging = self._layout, self._study.merging
        method = self._grid.method(model.method)
        request = Request(
            combination=model.combination,
            holders=[Path(folder) for folder in layout.members(model.setup, model.combination)],
            methods=[layout.method_params(method)],
            bases={method.name: Path(layout.merge_base(model.setup, model.combination, method.name))},
            modules=[Path(module) for module in layout.merge_modules([method])],
            statistics=[Path(p) for p in layout.merge_statistics(model.setup, model.combination, [method])],
            dtype=merging.dtype,
            seed=self._grid.replicates.merging_seed(model.setup),
            device="cpu",
            mixed_dtypes=merging.mixed_dtypes,
        )
        (recipe,) = request.recipes().values()
        return replace(recipe, device=manifest.config["device"])


def _parameters(folder: Path) -> int:
    """The number of parameters, from the headers of the weights; a tied head is stored once, and counts once."""
    count = 0
    for path in weight_files(folder):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        count += sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    return count


def _identity(manifest: Manifest) -> str:
    """What the files must be, and with what they were made."""
    versions = manifest.provenance["versions"]
    made_with = ", ".join(
        f"{name} {versions[name]}" for name in ("growmerge", "torch", "transformers") if name in versions
    )
    weights = "\n".join(
        f"- `{name}`: SHA-256 `{entry['sha256']}`"
        for name, entry in manifest.files.items()
        if name.endswith("safetensors")
    )
    return (
        f"## Identity\n\n{weights}\n\nMade with {made_with}, at commit `{manifest.provenance['commit']}`. Its manifest "
        f"has the digest `{manifest.digest}`.\n"
    )
