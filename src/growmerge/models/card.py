"""The form of a model card: README.md, with the metadata that the hub reads, and sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

CARD = "README.md"


@dataclass(frozen=True)
class Card:
    """A model card.

    `metadata` are the hub's (https://huggingface.co/docs/hub/model-cards); what is None or empty is left out.
    `sections` are Markdown, the first of them about what the model is.
    """

    title: str
    metadata: Mapping[str, Any]
    sections: Sequence[str]

    def text(self) -> str:
        """The card as it stands in README.md."""
        stated = {key: value for key, value in self.metadata.items() if value not in (None, [], "")}
        # The hub reads 80 characters a line no better than 1000; a broken line is harder to search.
        header = yaml.safe_dump(stated, sort_keys=False, allow_unicode=True, default_flow_style=None, width=1000)
        return "\n".join([f"---\n{header}---\n", f"# {self.title}\n", *self.sections])
