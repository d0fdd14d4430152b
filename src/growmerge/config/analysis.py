"""Statistics and figures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.strict import Name, Strict, Switch

DropCases = Literal["complete", "available"]


class Analysis(Strict):
    """Statistics and figures."""

    matching_bound: float = Field(
        0.1,
        ge=0,
        description="Two setups are compared at equal compute in a language only if the first checkpoint of the more "
        "expensive model costs at most this share more than the finished cheaper model.",
    )
    parity: Literal["mean_of_ratios", "ratio_of_sums"] = Field(
        "mean_of_ratios",
        description="Information parity of a set of sentences: the mean of their ratios, or the ratio of their sums.",
    )
    bootstrap_resamples: int = Field(1000, ge=1, description="Number of bootstrap resamples for 95 % intervals.")
    pairwise_method: Name = Field(
        "linear", description="The merge method of the figures that show only one, such as `pairwise`."
    )
    drop_cases: DropCases = Field(
        "complete",
        # The default is left out of params and manifests, so figures made before this key existed stay as they are.
        exclude_if=lambda value: value == "complete",
        description="The drop of a pair in a measure that lacks one of its two languages, in `similarity_and_drop`. "
        "`complete`: none, the pair is left out of this measure. `available`: the drop in the other language alone.",
    )
    dpi: int = Field(200, gt=0, le=2400, description="Resolution of the PNG files, in dots per inch.")
    note: str = Field("", description="A text that is added to every caption.")
    partial: Switch = Field(False, description="Draw figures from the scores that exist, and mark what is missing.")
