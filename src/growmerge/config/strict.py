"""What every section of the configuration shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Names become folder names and wildcards: no separator ("/", "+") can occur in one.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
# Snakemake's --config hands nested values over as text: switches that one sets there take "true", too.
Switch = Annotated[bool, Field(strict=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)
