"""What `snakemake publish` sends to the Hugging Face hub."""

from __future__ import annotations

from pydantic import Field

from growmerge.config.strict import Strict, Switch


class Publish(Strict):
    """What `snakemake publish` sends to the hub, and where to. Nothing else sends anything."""

    account: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$",
        description="The account of the hub, a user or an organisation. Each model gets a repository of its own there, "
        "`{study}-{id}`.",
    )
    models: list[str] = Field(
        min_length=1,
        description="Ids of models that are trained, cloned or kept as merges here, or patterns: `2x/*` fits all of a "
        "setup, `*` everything.",
    )
    checkpoints: Switch = Field(
        False, description="Send intermediate checkpoints, too: each as a branch of its model, such as `step-000250`."
    )
    tables: Switch = Field(True, description="Send the tables, as the dataset `{study}-tables`.")
    private: Switch = Field(True, description="Make new repositories private. Those that are there stay as they are.")
    licence: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.\-]*$",
        description="The licence that the models get, as the hub names it, such as `apache-2.0`; default: none is "
        "stated.",
    )
