"""What every section of the configuration shares."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from growmerge import ids
from growmerge.catalogue.languages import settle


def _name(value: str) -> str:
    if fault := ids.fault_of(value):
        raise ValueError(fault)
    return value


def _code(value: str) -> str:
    if not re.fullmatch("[a-z]{3}", value):
        known = settle(value.lower())
        raise ValueError(f"is not a code of ISO 639-3: three lower-case letters, such as {known or 'swe'}")
    return _name(value)


# Names become folders, wildcards and columns of tables.
Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": ids.NAME_PATTERN})]
LanguageCode = Annotated[str, AfterValidator(_code), WithJsonSchema({"type": "string", "pattern": "^[a-z]{3}$"})]
# Snakemake's --config hands nested values over as text: switches that one sets there take "true", too.
Switch = Annotated[bool, Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1)]
# Passes over a text. More than a thousand are a slip (percent, steps or tokens): what is repeated more than four times
# is hardly worth its compute (Muennighoff et al. 2023).
Epochs = Annotated[float, Field(gt=0, le=1000)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no infinite numbers, no changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True, allow_inf_nan=False)
