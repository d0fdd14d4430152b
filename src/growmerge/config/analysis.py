"""Statistics and figures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.strict import Name, Strict, Switch


class Analysis(Strict):
    """Statistics and figures."""

    matching_bound: float = Field(
        0.1,
        ge=0,
        description="A pair of setups is not compared by compute where even the first checkpoint of the dearer model "
        "costs more than this share beyond the cheaper model.",
    )
    parity: Literal["mean_of_ratios", "ratio_of_sums"] = Field(
        "mean_of_ratios", description="Information parity over sentences: the mean of their ratios, or of the sums."
    )
    bootstrap_resamples: int = Field(1000, ge=1, description="Resamples of the 95 % intervals.")
    pairwise_method: Name = Field("linear", description="Merge method of the pairwise figure.")
    dpi: int = Field(200, gt=0, description="Resolution of the PNG files.")
    note: str = Field("", description="Added to every caption.")
    partial: Switch = Field(False, description="Draw with the scores that exist; what is missing is drawn as missing.")
