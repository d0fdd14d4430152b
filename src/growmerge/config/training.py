"""How every model is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from growmerge.config.strict import Share, Strict, Switch


class Training(Strict):
    """The training recipe of every model and stage. Each stage begins with a new optimizer and schedule."""

    sequence_length: int = Field(gt=1, description="Length of a sequence, in tokens.")
    batch_sequences: int = Field(ge=1, description="Sequences in each optimizer step, on any hardware.")
    micro_batch_sequences: int = Field(
        ge=1, description="Sequences in each forward pass at width 1. For wider models it is divided by the width."
    )
    # AdamW moves each weight by about the learning rate at every step; weights are far smaller than 1.
    learning_rate: float = Field(gt=0, le=1, description="Peak of the warmup-stable-decay schedule.")
    layer_scale: float | None = Field(
        None,
        gt=0,
        le=10,
        description="With adamw: the matrices of the layers train at this share of the learning rate, divided by the "
        "width of the model. So rates that are right for a narrow model are right for its clones. Embedding, head and "
        "norms train at the learning rate itself. Default: all parameters of all widths at the same rate.",
    )
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw",
        description="muon: matrices of the layers by Muon, embedding, head and norms by AdamW. adamw: all by AdamW.",
    )
    muon_learning_rate: float = Field(
        0.02,
        gt=0,
        le=1,
        description="Peak of the schedule for Muon's matrices; not allowed with adamw. The default is its author's.",
    )
    beta1: float = Field(0.9, ge=0, lt=1, description="Decay rate of AdamW's mean of gradients.")
    beta2: float = Field(0.95, ge=0, lt=1, description="Decay rate of AdamW's mean of squared gradients.")
    eps: float = Field(1e-8, gt=0, le=0.1, description="AdamW's epsilon.")
    weight_decay: float = Field(0.01, ge=0, description="Decoupled weight decay, on every parameter.")
    gradient_clip: float = Field(
        1.0, gt=0, description="Largest global norm of the gradient; a longer gradient is scaled down to it."
    )
    warmup_share: Share = Field(0.002, description="Length of the linear warm-up, as a share of the steps.")
    warmup_min_steps: int = Field(
        10, ge=0, description="Fewest steps of the warm-up, but at most a tenth of all steps, rounded up."
    )
    warmup_multiple: int = Field(
        1, ge=1, description="The warm-up is rounded up to a multiple of this number of steps."
    )
    decay_share: Share = Field(0.2, description="Length of the linear decay to zero, as a share of the steps.")
    decay_multiple: int = Field(1, ge=1, description="The decay is rounded up to a multiple of this number of steps.")
    precision: Literal["bf16", "fp32"] = Field(
        "bf16", description="Precision of the forward pass; weights are kept in fp32."
    )
    checkpoint_every: int = Field(ge=1, description="Steps between intermediate checkpoints that are kept.")
    state_every: int = Field(
        ge=1, description="Steps between saved training states: an interruption loses at most these steps."
    )
    state_minutes: float = Field(
        20.0, gt=0, description="A state is also saved if the last one is older than this, in minutes."
    )
    states_kept: int = Field(
        2, ge=1, description="Number of training states kept. If the newest is damaged, an older one is used."
    )
    log_every: int = Field(10, ge=1, description="Steps between lines of the training log.")
    compile: Switch | None = Field(None, description="Compile the layers with torch.compile; default: only on a GPU.")
    tensorboard: Switch = Field(
        False, description="Also log for TensorBoard, next to the jobs' logs; needs the package tensorboard."
    )
