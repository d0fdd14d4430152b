"""What a merge is: its members, base, method and seed; its identity; and mergekit's configuration of the same merge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from growmerge.artifacts import digest_of, read_manifest
from growmerge.catalogue.merge_methods import WEIGHT, Kind
from growmerge.catalogue.merge_registry import MergeMethod, member_statistics, merge_methods
from growmerge.config.merging import Method, ParameterValue
from growmerge.models.stored import EMBEDDING, HEAD
from growmerge.study.merge_params import method_params

# Part of the identity of every merge: raise it whenever the same recipe would give other bytes.
MERGER_VERSION = 3
LAYER = re.compile(r"\.layers\.(\d+)\.")


@dataclass(frozen=True)
class Recipe:
    """One merge.

    `members` maps languages to checkpoints, `base` is the checkpoint that task vectors are differences to (not read by
    a method that has none), `dtype` that of the merge: tensors are converted to it first, as mergekit does. `device`
    ("cpu" or "cuda") is where they are merged: sums are in another order there, so it is part of what the merge is.
    `mixed_dtypes` takes members that are stored in different dtypes; a base may always be in another one. `modules` are
    the user's files that define merge methods. `statistics` map the names of statistics, and then languages, to the
    artifacts that hold them: at least those that the method asks for.
    """

    members: Mapping[str, Path]
    base: Path
    method: Method
    dtype: str
    seed: int
    device: str = "cpu"
    mixed_dtypes: bool = False
    modules: tuple[Path, ...] = ()
    statistics: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)

    @property
    def languages(self) -> list[str]:
        """The languages of the members, sorted: they are merged in this order."""
        return sorted(self.members)

    @cached_property
    def registered(self) -> MergeMethod:
        """Its method in the registry."""
        return merge_methods(self.modules)[self.method.registered]

    @cached_property
    def of_embedding(self) -> Recipe:
        """How the embedding is merged, and the head if it is a tensor of its own: as a recipe of all tensors."""
        other = self.method.of_embedding
        return replace(self, method=other) if other else self

    @property
    def parts(self) -> list[Recipe]:
        """The recipes by which tensors are merged: this one, and that of the embedding if it has another method."""
        return [self, *([self.of_embedding] if self.method.embedding else [])]

    def of_tensor(self, name: str) -> Recipe:
        """The recipe by which a tensor is merged."""
        return self.of_embedding if name in (EMBEDDING, HEAD) else self

    @property
    def kind(self) -> Kind:
        """What its method takes."""
        return self.registered.kind

    @property
    def by_mergekit(self) -> bool:
        """Whether mergekit can make it, too."""
        return self.registered.source is None and self.method.embedding is None

    @property
    def uses_base(self) -> bool:
        """Whether its method gets the base."""
        return self.method.uses_base or self.kind.base == "required"

    @property
    def checkpoints(self) -> list[Path]:
        """The models that it reads: the members by language, then the base if a tensor's method uses one."""
        based = any(part.uses_base for part in self.parts)
        return [*(self.members[code] for code in self.languages), *([self.base] if based else [])]

    @property
    def inputs(self) -> list[Path]:
        """The artifacts that it reads: its checkpoints, then the statistics of its members."""
        read = [part.of_statistics for part in self.parts]
        found = [path for statistics in read for folders in statistics.values() for path in folders.values()]
        return [*self.checkpoints, *dict.fromkeys(found)]

    @cached_property
    def of_statistics(self) -> dict[str, dict[str, Path]]:
        """The artifacts of the statistics that its method asks for, by name and language."""
        return {name: {code: self.statistics[name][code] for code in self.languages} for name in self.kind.statistics}

    @cached_property
    def of_members(self) -> dict[str, dict[str, ParameterValue]]:
        """The parameters of each member, by language: the method's, with the language's own weight if it has one."""
        common = {name: value for name, value in self.method.parameters.items() if name in self.kind.of_model}
        weights = self.method.weights
        return {code: common | ({WEIGHT: weights[code]} if code in weights else {}) for code in self.languages}

    @cached_property
    def of_merge(self) -> dict[str, ParameterValue]:
        """The parameters of the merge as a whole."""
        return {name: value for name, value in self.method.parameters.items() if name in self.kind.of_merge}

    @cached_property
    def digest(self) -> str:
        """Its identity, known before it is made; the same whatever the order of members, and at any speed."""
        return digest_of(self._identity | ({"embedding": self.of_embedding._identity} if self.method.embedding else {}))

    @property
    def _identity(self) -> dict[str, Any]:
        """What the tensors depend on that its own method merges."""
        return (
            {
                "members": {code: read_manifest(self.members[code]).digest for code in self.languages},
                "base": read_manifest(self.base).digest if self.uses_base else None,
                "method": self.method.registered,
                "of_members": self.of_members,
                "of_merge": self.of_merge,
                "dtype": self.dtype,
                "seed": self.seed,
                "merger": MERGER_VERSION,
            }
            | self._made_by
            | ({} if self.device == "cpu" else {"device": self.device})
        )

    @property
    def _made_by(self) -> dict[str, Any]:
        """Whose code merges, and what it reads beside checkpoints."""
        source = self.registered.source
        if source is None:
            return {"mergekit": metadata.version("mergekit")}
        read = {
            name: {code: read_manifest(path).digest for code, path in folders.items()}
            for name, folders in self.of_statistics.items()
        }
        return {"source": source.digest, "statistics": read}

    def describe(self) -> dict[str, Any]:
        """What shapes it beside its inputs, for manifests."""
        method = method_params(self.method, merge_methods(self.modules))
        return {
            "method": method,
            "dtype": self.dtype,
            "seed": self.seed,
            "members": self.languages,
            "device": self.device,
        }

    def for_tensor(self, name: str, layers: int) -> dict[str, Any]:
        """The parameters of one tensor as mergekit's methods take them: those of members as lists, in order.

        A list of numbers is interpolated over the layers, its first number is for the first layer and for the tensors
        outside of layers, its last for the last layer.
        """
        depth = _depth(name, layers)
        of_members = {
            parameter: [_at(values[parameter], depth) for values in self.of_members.values()]
            for parameter in self.of_members[self.languages[0]]
        }
        return of_members | {parameter: _at(value, depth) for parameter, value in self.of_merge.items()}

    def statistics_for(self, name: str) -> dict[str, list[Any]]:
        """The statistics of the members for one tensor, in order."""
        return {
            statistic: [member_statistics()[statistic].read(path, name) for path in folders.values()]
            for statistic, folders in self.of_statistics.items()
        }

    def mergekit_config(self) -> dict[str, Any]:
        """The configuration with which `mergekit-yaml` makes this merge (the model card says what may differ).

        Only for methods of mergekit, without another one for the embedding.
        """
        config: dict[str, Any] = {
            "merge_method": self.method.registered,
            "models": [
                {"model": str(self.members[code]), "parameters": self.of_members[code]} for code in self.languages
            ],
            "parameters": self.of_merge,
            "dtype": self.dtype,
        }
        return config | ({"base_model": str(self.base)} if self.uses_base else {})


def _depth(name: str, layers: int) -> float:
    """Where in the model a tensor is: 0 in the first layer or in none, 1 in the last; as mergekit counts."""
    found = LAYER.search(name)
    if found is None:
        return 0.0
    return int(found[1]) / (layers - 1) if layers > 1 else 1.0


def _at(value: ParameterValue, depth: float) -> bool | int | float:
    """The value of a parameter at a depth; the arithmetic is mergekit's (`evaluate_setting`)."""
    if not isinstance(value, list):
        return value
    scaled = depth * (len(value) - 1)
    before = int(scaled)
    after = min(len(value) - 1, before + 1)
    share = scaled - before
    return (1 - share) * value[before] + share * value[after]
