"""How every model is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.strict import Share, Strict, Switch


class Training(Strict):
    """One recipe for every model and stage; optimizer and schedule start afresh at every stage."""

    sequence_length: int = Field(gt=1, description="Tokens a sequence.")
    batch_sequences: int = Field(ge=1, description="Sequences an optimizer step, whatever the hardware.")
    micro_batch_sequences: int = Field(
        ge=1, description="Sequences a forward pass at width 1; divided by the width of wider models."
    )
    learning_rate: float = Field(gt=0, description="Peak of the warmup-stable-decay schedule.")
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW.")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW.")
    eps: float = Field(1e-8, gt=0, description="AdamW.")
    weight_decay: float = Field(0.01, ge=0, description="AdamW, on every parameter.")
    gradient_clip: float = Field(1.0, gt=0, description="Largest global gradient norm.")
    warmup_share: Share = Field(0.002, description="Linear warm-up, share of the steps.")
    warmup_min_steps: int = Field(10, ge=0, description="Shortest warm-up (never more than a tenth of the steps).")
    warmup_multiple: int = Field(1, ge=1, description="The warm-up is rounded up to a multiple of so many steps.")
    decay_share: Share = Field(0.2, description="Linear decay to zero, last share of the steps.")
    decay_multiple: int = Field(1, ge=1, description="The decay is rounded up to a multiple of so many steps.")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="Of the forward pass; weights are kept in fp32.")
    checkpoint_every: int = Field(ge=1, description="Steps between published intermediate checkpoints.")
    state_every: int = Field(ge=1, description="Steps between saved training states: at most these are lost.")
    state_minutes: float = Field(
        20.0, gt=0, description="A state is also saved at the first step after so many minutes without one."
    )
    states_kept: int = Field(
        2, ge=1, description="Training states kept: should the newest be damaged, an older serves."
    )
    log_every: int = Field(10, ge=1, description="Steps between lines of the training log.")
    compile: Switch | None = Field(None, description="Compile the layers (torch.compile); default: on a GPU only.")
    tensorboard: Switch = Field(
        False, description="Also log for TensorBoard, beside the jobs' logs; needs the package tensorboard."
    )
