"""What `snakemake plan` counts with, and what is made of it."""

from __future__ import annotations

from pydantic import Field

from growmerge.config.strict import Strict, Switch


class Plan(Strict):
    """What `snakemake plan` counts with, when it fails, and whether a run begins that the disk has no room for."""

    gpu: str = Field("H100", description="Name of the GPU. It is only printed.")
    peak_tflops: float = Field(989.0, gt=0, description="Peak of the GPU in dense bf16, in TFLOP/s.")
    utilisation: float = Field(
        0.4, gt=0, le=1, description="The share of the peak that trainings are assumed to reach."
    )
    # Not strict: --config hands numbers in brackets over as text.
    gpus: int = Field(8, ge=1, strict=False, description="Number of GPUs that `snakemake plan` states the time for.")
    hours: float | None = Field(
        None,
        gt=0,
        strict=False,
        description="Most hours that the study may take on `gpus`, for `strict`; null: any number.",
    )
    strict: Switch = Field(
        False,
        description="Let `snakemake plan` fail if what is not built yet does not fit on the disk of `results/` or into "
        "`hours`.",
    )
    check_disk: Switch = Field(
        True,
        description="Refuse to begin `snakemake all` if what is planned does not fit on the disk of `results/`. "
        "`false`: begin all the same, such as when other disks are mounted in it.",
    )
