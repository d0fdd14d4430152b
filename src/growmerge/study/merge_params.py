"""What rules say about merge methods: as params, so that edits rerun what they must, and nothing else.

Pure: the rules need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growmerge.catalogue.merge_registry import MergeMethod
from growmerge.config.merging import Method

SOURCES = ("source", "embedding_source")


def method_params(method: Method, registry: Mapping[str, MergeMethod]) -> dict[str, Any]:
    """A configured method as plain data; with the digests of the files that define it, unless mergekit does."""
    sources = (registry[part.registered].source for part in method.parts)
    digests = {key: source.digest for key, source in zip(SOURCES, sources, strict=False) if source}
    return method.model_dump(exclude={"sizes"}) | digests  # `sizes` shapes no merge


def method_of(params: Mapping[str, Any]) -> Method:
    """The configured method back from `method_params`."""
    return Method.model_validate({key: value for key, value in params.items() if key not in SOURCES})
