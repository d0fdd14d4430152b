"""What `snakemake plan` counts with."""

from __future__ import annotations

from pydantic import Field

from growmerge.config.strict import Strict


class Plan(Strict):
    """The hardware that `snakemake plan` counts with."""

    gpu: str = Field("H100", description="Its name, for the reader.")
    peak_tflops: float = Field(989.0, gt=0, description="Its peak in dense bf16, TFLOP/s.")
    utilisation: float = Field(0.4, gt=0, le=1, description="The share of the peak that trainings are assumed to use.")
