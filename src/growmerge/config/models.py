"""The models of a study: their shape, what others start from, and in which ways languages are learned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from growmerge.config.problems import did_you_mean
from growmerge.config.strict import Epochs, Name, Share, Strict

# Those of transformers that need no parameters of their own and no package (ACT2FN; a test holds the two together).
ACTIVATIONS = (
    *("gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_python_tanh"),
    *("gelu_pytorch_tanh", "hardswish", "laplace", "leaky_relu", "linear", "mish", "quick_gelu", "relu", "relu2"),
    *("relu6", "sigmoid", "silu", "sqrtsoftplus", "swish", "tanh"),
)


class Architecture(Strict):
    """A Llama model at width 1, with the names of transformers' LlamaConfig. HyperCloning multiplies its widths."""

    hidden_size: int = Field(gt=0, description="Width of the residual stream.")
    intermediate_size: int = Field(gt=0, description="Width of the gated feed-forward layer.")
    num_hidden_layers: int = Field(gt=0, description="Number of decoder layers.")
    num_attention_heads: int = Field(gt=0, description="Number of query heads.")
    num_key_value_heads: int = Field(gt=0, description="Number of key and value heads (grouped-query attention).")
    head_dim: int = Field(gt=0, description="Width of a head. HyperCloning multiplies the number of heads, not this.")
    hidden_act: str = Field("silu", description="Activation of the gated feed-forward layer, as transformers names it.")
    rms_norm_eps: float = Field(1e-5, gt=0, le=0.1, description="Epsilon of RMSNorm.")
    rope_theta: float = Field(10000.0, gt=1, description="Base of the rotary position embedding.")
    max_position_embeddings: int = Field(2048, gt=0, description="Length of the longest sequence, in tokens.")
    initializer_range: float = Field(0.02, gt=0, le=1, description="Standard deviation of the initial weights.")
    residual_init: Literal["plain", "scaled"] = Field(
        "plain",
        # The default is left out of params and manifests, so models made before this key existed stay as they are.
        exclude_if=lambda value: value == "plain",
        description="Initial weights of the two projections in a layer that write into the residual stream, o_proj and "
        "down_proj. `plain`: drawn like all others. `scaled`: their standard deviation is `initializer_range` / "
        "sqrt(2 * `num_hidden_layers`), the default of nanotron and Megatron-LM.",
    )
    tie_word_embeddings: bool = Field(True, description="Use one matrix for the embedding and the output head.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Architecture:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads {self.num_key_value_heads}"
            )
        if self.head_dim % 2:
            raise ValueError(f"head_dim {self.head_dim} is odd: rotary embeddings turn pairs of numbers")
        if self.hidden_act not in ACTIVATIONS:
            raise ValueError(f"hidden_act '{self.hidden_act}': {did_you_mean(self.hidden_act, ACTIVATIONS)}")
        return self


class Clone(Strict):
    """HyperCloning (Samragh et al. 2024): a wider model that computes the same function."""

    factor: int = Field(2, ge=2, description="The factor that every width is multiplied by.")
    # Below -60 dB nothing of the parent is left, above 300 dB nothing of the noise, even in float64.
    snr_db: float | None = Field(
        None,
        ge=-60,
        le=300,
        description="Signal-to-noise ratio, in dB, of the noise that breaks the symmetry of the copies; default: no "
        "noise, as in the published runs. Without noise, the copies of a block may stay equal for ever.",
    )


class Base(Strict):
    """A model that others start from: random weights, a published checkpoint, or another base, trained or cloned."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    from_: str = Field(
        alias="from",
        description="'random', the name of a base above it, or a checkpoint that is used as it is: 'hub:owner/name', "
        "'hub:owner/name@revision' or 'folder:path'.",
    )
    width: int | None = Field(
        None, ge=1, description="For a checkpoint: its width as a multiple of `architecture`; default: 1."
    )
    clone: Clone | None = Field(None, description="Widen the parent by HyperCloning, without training.")
    train: list[Annotated[dict[str, Epochs], Field(min_length=1)]] = Field(
        default_factory=list,
        description="Training phases, in order. A phase is {corpus: epochs}; each epoch is shuffled by itself.",
    )
    checkpoint_every: int | None = Field(None, ge=1, description="Steps; overrides training.checkpoint_every.")
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Peak of the schedule of its own training; default: training.learning_rate.",
    )
    warmup_steps: int | None = Field(None, ge=0, description="Steps of warm-up; default: by `training`.")
    decay_steps: int | None = Field(None, ge=0, description="Steps of decay; default: by `training`.")


class Setup(Strict):
    """A way of adapting: from one base, a model for each language and `multi`, a model for all of them."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    base: Name = Field(description="The base that the setup's models start from. It is the ancestor of its merges.")
    from_: dict[str, str] = Field(
        default_factory=dict,
        alias="from",
        description="{language or multi: 'hub:owner/name' or 'folder:path'}: checkpoints to use instead of training.",
    )
    branches: str | None = Field(
        None,
        description="For checkpoints under `from`: the name of the revision (or sub-folder) that holds the checkpoint "
        "after a step, such as 'checkpoint_{step:07d}'. `merging.over_training` needs it.",
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Peak of the schedule of all its trainings: experts, `multi`, rounds, and healing without a rate "
        "of its own; default: training.learning_rate.",
    )
    multi_share: Share = Field(
        1.0,
        gt=0,
        description="`multi` trains for this share of every language's epochs; 1: on as much as all experts together.",
    )


class Sharing(Strict):
    """Partial sharing: experts train together first, and branch off after a share of their training.

    A share of 0.05 makes the setup `shared-5`. It trains a common model on all languages, with 5 % of the tokens of an
    expert (the mean over experts). From there, each expert trains on its own language for the other 95 % of its epochs.
    With a share of 1, there is only the common model. A share of 0 would be a setup that starts from `base` itself.
    """

    base: Name = Field(description="The base that the common models start from.")
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        min_length=1, description="Shares of each expert's training, above 0 and at most 1; a setup for each."
    )
    sizes: list[Annotated[int, Field(ge=2)]] = Field(
        default=[2], description="Numbers of languages to combine in these setups."
    )

    @property
    def setups(self) -> dict[str, float]:
        """The share of each of its setups, by the setup's name."""
        return {f"shared-{100 * share:g}": share for share in self.shares}


class External(Strict):
    """A model of others that is only scored, next to the study's own."""

    name: Name = Field(description="Its name in paths, tables and figures.")
    from_: str = Field(
        alias="from", description="The checkpoint: 'hub:owner/name', 'hub:owner/name@revision' or 'folder:path'."
    )
    parameters: int | None = Field(None, gt=0, description="Number of parameters; only the plan uses it.")
