"""The models of a study: their shape, what others start from, and in which ways languages are learned."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from growmerge.config.strict import Name, Share, Strict


class Architecture(Strict):
    """A Llama (transformers' LlamaConfig, same names) at width 1; HyperCloning multiplies its widths."""

    hidden_size: int = Field(gt=0, description="Width of the residual stream.")
    intermediate_size: int = Field(gt=0, description="Width of the gated feed-forward layer.")
    num_hidden_layers: int = Field(gt=0, description="Number of decoder layers.")
    num_attention_heads: int = Field(gt=0, description="Number of query heads.")
    num_key_value_heads: int = Field(gt=0, description="Number of key and value heads (grouped-query attention).")
    head_dim: int = Field(gt=0, description="Width of a head; HyperCloning multiplies heads and keeps this.")
    hidden_act: str = Field("silu", description="Activation of the gate.")
    rms_norm_eps: float = Field(1e-5, gt=0, description="Epsilon of RMSNorm.")
    rope_theta: float = Field(10000.0, gt=0, description="Base of the rotary position embedding.")
    max_position_embeddings: int = Field(2048, gt=0, description="Longest sequence in tokens.")
    initializer_range: float = Field(0.02, gt=0, description="Standard deviation of the random initialisation.")
    tie_word_embeddings: bool = Field(True, description="One matrix for embedding and head.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Architecture:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads {self.num_key_value_heads}"
            )
        return self


class Clone(Strict):
    """HyperCloning (Samragh et al. 2024): a wider model that computes the same function."""

    factor: int = Field(2, ge=2, description="Every width is multiplied by this.")
    snr_db: float | None = Field(
        None,
        description="Signal-to-noise ratio in dB of the symmetry-breaking noise; none as in the published runs. "
        "Without noise the copies of a block may stay equal for ever.",
    )


class Base(Strict):
    """A model that others start from: `from: random`, a published checkpoint, or a parent that is trained or cloned."""

    name: Name
    from_: str = Field(
        alias="from",
        description="'random', the name of another base, or a checkpoint that takes its place: 'hub:owner/name', "
        "'hub:owner/name@revision' or 'folder:path'.",
    )
    width: int | None = Field(
        None, ge=1, description="Of a checkpoint: its width as a multiple of `architecture`; default: 1."
    )
    clone: Clone | None = Field(None, description="Widen the parent by HyperCloning, no training.")
    train: list[dict[str, Annotated[float, Field(gt=0)]]] = Field(
        default_factory=list,
        description="Phases in order; a phase is {corpus: epochs, ...}, shuffled epoch by epoch.",
    )
    checkpoint_every: int | None = Field(None, ge=1, description="Overrides training.checkpoint_every.")
    warmup_steps: int | None = Field(None, ge=0, description="Overrides what the schedule's rule gives.")
    decay_steps: int | None = Field(None, ge=0, description="Overrides what the schedule's rule gives.")


class Setup(Strict):
    """A way of adapting: every language's model (and `multi`) starts from the same base."""

    name: Name
    base: Name = Field(description="The base that the setup's models start from: the ancestor of its merges.")
    from_: dict[str, str] = Field(
        default_factory=dict,
        alias="from",
        description="{language or multi: checkpoint} ('hub:owner/name', 'folder:path') that is taken, not trained.",
    )
    branches: str | None = Field(
        None,
        description="Of checkpoints that are taken: the revision (of a folder: the sub-folder) after a step, such as "
        "'checkpoint_{step:07d}'; for `merging.over_training`.",
    )
    multi_share: Share = Field(
        1.0, gt=0, description="`multi` trains on this share of every language's epochs; 1: as much as all others."
    )


class Sharing(Strict):
    """Partial sharing: experts that train together first and branch off after a share of their training.

    For a share of 0.05, setup `shared-5` trains a common model on all languages, with 5 % of an expert's tokens (of the
    mean over the experts); from there each expert trains on its own language for the other 95 % of its epochs. With a
    share of 1 there is only the common model. A share of 0 is the setup that starts from `base` itself.
    """

    base: Name = Field(description="The base that the common models start from.")
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1, description="Of each expert's training.")
    sizes: list[Annotated[int, Field(ge=2)]] = Field(
        default=[2], description="Numbers of languages to combine in these setups."
    )

    @property
    def setups(self) -> dict[str, float]:
        """The share of each of its setups, by the setup's name."""
        return {f"shared-{100 * share:g}": share for share in self.shares}


class External(Strict):
    """A model of others that is only scored, beside the study's own."""

    name: Name
    from_: str = Field(alias="from", description="'hub:owner/name', 'hub:owner/name@revision' or 'folder:path'.")
    parameters: int | None = Field(None, gt=0, description="For the plan.")
