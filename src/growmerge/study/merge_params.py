"""What rules say about merge methods: as params, so that edits rerun what they must, and nothing else.

Pure: the rules need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growmerge.catalogue.merge_registry import MergeMethod
from growmerge.config.merging import Method

SOURCE = "source"


def method_params(method: Method, registered: MergeMethod) -> dict[str, Any]:
    """A configured method as plain data; with the digest of the file that defines it, unless mergekit does."""
    plain = method.model_dump()
    return plain | ({SOURCE: registered.source.digest} if registered.source else {})


def method_of(params: Mapping[str, Any]) -> Method:
    """The configured method back from `method_params`."""
    return Method.model_validate({key: value for key, value in params.items() if key != SOURCE})
