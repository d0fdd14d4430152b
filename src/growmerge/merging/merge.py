"""One merge, made by mergekit in this process and published as a plain checkpoint."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from growmerge.artifacts import digest_of, publish, read_manifest, verify
from growmerge.config.schema import Method
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import TOKENIZER_FILES

logger = logging.getLogger(__name__)


def merge_digest(members: Mapping[str, Path], base: Path | None, method: Method, dtype: str, seed: int) -> str:
    """Identity of a merge, known before it is made: its members, base, method, seed and mergekit's version."""
    return digest_of(
        {
            "members": {code: read_manifest(folder).digest for code, folder in sorted(members.items())},
            "base": read_manifest(base).digest if base and method.uses_base else None,
            "method": method.of_mergekit,
            "parameters": method.parameters,
            "dtype": dtype,
            "seed": seed,
            "mergekit": metadata.version("mergekit"),
        }
    )


def mergekit_config(members: Mapping[str, Path], base: Path, method: Method, dtype: str) -> dict[str, Any]:
    """The configuration that `mergekit-yaml` would take: equal parameters for every member, members sorted by language.

    Raises GrowmergeError for a method or a parameter that mergekit does not have.
    """
    from mergekit.merge_methods import get as get_method
    from mergekit.merge_methods.base import BasePolicy

    name = method.of_mergekit
    try:
        spec = get_method(name).spec
    except RuntimeError as error:
        raise GrowmergeError(f"merging.methods: '{name}' is not a merge method of mergekit: {error}") from error
    forbidden = BasePolicy.IGNORED if method.uses_base else BasePolicy.REQUIRED
    if spec.contract.base == forbidden:
        raise GrowmergeError(
            f"merging.methods '{method.name}': uses_base = {method.uses_base}, but for mergekit's {name} a base model "
            f"is {spec.contract.base.value}"
        )
    of_models = {parameter.name for parameter in spec.input_parameters}
    of_merge = {parameter.name for parameter in spec.shared_parameters}
    for parameter, value in method.parameters.items():
        if parameter not in of_models | of_merge:
            raise GrowmergeError(
                f"merging.methods '{method.name}': parameters.{parameter} = {value!r}: mergekit's {name} has no such "
                f"parameter; it has {', '.join(sorted(of_models | of_merge))}"
            )
    per_model = {p: value for p, value in method.parameters.items() if p in of_models}
    config: dict[str, Any] = {
        "merge_method": name,
        "models": [{"model": str(folder), "parameters": dict(per_model)} for _, folder in sorted(members.items())],
        "parameters": {p: value for p, value in method.parameters.items() if p in of_merge},
        "dtype": dtype,
    }
    return config | ({"base_model": str(base)} if method.uses_base else {})


def inputs_of(members: Mapping[str, Path], base: Path, method: Method) -> list[Path]:
    """The checkpoints that a merge reads: members by language, and the base if the method uses one."""
    return [*(members[code] for code in sorted(members)), *([base] if method.uses_base else [])]


def recipe_of(members: Mapping[str, Path], method: Method, dtype: str, seed: int) -> dict[str, Any]:
    """What shapes a merge beside its inputs, for manifests."""
    return {"method": method.model_dump(), "dtype": dtype, "seed": seed, "members": sorted(members)}


def merge_models(members: Mapping[str, Path], base: Path, method: Method, dtype: str, seed: int, folder: Path) -> None:
    """Merge the checkpoints `members` (language -> folder) into `folder`, atomically.

    The same members, method and seed give the same bytes. The folder loads with stock transformers and holds the
    tokenizer, a model card and the mergekit_config.yml with which `mergekit-yaml` makes the same merge. Raises
    GrowmergeError for damaged inputs or parameters that mergekit lacks.
    """
    for artifact in inputs_of(members, base, method):
        verify(artifact)
    merge_verified(members, base, method, dtype, seed, folder)


def merge_verified(
    members: Mapping[str, Path], base: Path, method: Method, dtype: str, seed: int, folder: Path
) -> None:
    """`merge_models` of inputs that are known to be whole."""
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    inputs = inputs_of(members, base, method)
    # mergekit takes a relative path with one slash for the name of a hub repository: it gets absolute ones, the file
    # that is kept gets those of the results folder.
    absolute = {code: path.resolve() for code, path in members.items()}
    config = mergekit_config(absolute, base.resolve(), method, dtype)
    options = MergeOptions(
        random_seed=seed, write_model_card=False, copy_tokenizer=False, trust_remote_code=False, quiet=True
    )
    with publish(folder, inputs=inputs, config=recipe_of(members, method, dtype, seed)) as draft:
        run_merge(MergeConfiguration.model_validate(config), str(draft.folder.resolve()), options)
        for name in TOKENIZER_FILES:
            source = inputs[0] / name
            if source.exists():
                shutil.copy(source, draft.folder)
        shown = yaml.safe_dump(mergekit_config(members, base, method, dtype), sort_keys=False)
        (draft.folder / "mergekit_config.yml").write_text(shown, encoding="utf-8")
        (draft.folder / "README.md").write_text(_model_card(members, base, method, shown, seed), encoding="utf-8")


def _model_card(members: Mapping[str, Path], base: Path, method: Method, config: str, seed: int) -> str:
    names = "+".join(sorted(members))
    rows = "\n".join(f"- {code}: `{path}`" for code, path in sorted(members.items()))
    ancestor = f"\nTask vectors are differences to `{base}`.\n" if method.uses_base else ""
    return (
        f"---\ntags: [merge, mergekit]\n---\n\n# {names}, merged by {method.name}\n\nMembers:\n\n{rows}\n{ancestor}\n"
        f"Made by mergekit {metadata.version('mergekit')} (`mergekit-yaml --random-seed {seed}`) from\n\n"
        f"```yaml\n{config}```\n"
    )
