"""What `snakemake plan` counts with."""

from __future__ import annotations

from pydantic import Field

from growmerge.config.strict import Strict


class Plan(Strict):
    """The hardware that `snakemake plan` counts with."""

    gpu: str = Field("H100", description="Name of the GPU. It is only printed.")
    peak_tflops: float = Field(989.0, gt=0, description="Peak of the GPU in dense bf16, in TFLOP/s.")
    utilisation: float = Field(
        0.4, gt=0, le=1, description="The share of the peak that trainings are assumed to reach."
    )
