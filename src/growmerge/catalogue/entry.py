"""What an entry of the registry of benchmarks says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Normalisation = Literal["sum", "token", "character"]

# The three measures of Glocker et al. 2025, section 3.6.
ACCEPTABILITY, PARITY, FACTS = "acceptability", "parity", "facts"
TRANSLATION = "translation"  # its scores run from 0 to 100
BITS_PER_BYTE = "bits_per_byte"  # of held-out text
LOWER_IS_BETTER = frozenset({BITS_PER_BYTE})  # of these measures; of all others, higher is
# Measures in units of their own, which no mean of several measures includes.
OWN_UNITS = frozenset({TRANSLATION, BITS_PER_BYTE})
# The revision under which the hub keeps its own conversion of datasets whose repositories hold a loading script.
CONVERTED = "refs/convert/parquet"
# The converter of benchmarks that a study describes itself, under `inflection`; rule generate_pairs makes them.
INFLECTION = "growmerge.benchmarks.inflection.build"


@dataclass(frozen=True)
class Metric:
    """How a model is measured.

    accuracy: the share of items whose first candidate has the highest log-probability, normalised as said. parity:
    information parity, of summed log-probabilities. bits_per_byte: the negative log-probability of a text in bits over
    its UTF-8 bytes, the lower the better. chrf: chrF++ of what is generated after the prompt.
    """

    name: Literal["accuracy", "parity", "bits_per_byte", "chrf"]
    normalisation: Normalisation = "sum"


@dataclass(frozen=True)
class Decoding:
    """How text is generated.

    Greedily at temperature 0: of all tokens the most probable one. Else a token is drawn from the softmax of the logits
    over the temperature, among the `top_k` most probable ones (0: all), and of these among the fewest that have the
    probability `top_p`; `seed` is that of the draws.
    """

    max_new_tokens: int
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Dataset:
    """Rows of a language: an id of the hub, or a local path, with its configurations and splits.

    `splits` is empty where all there are count. `examples` is the split that few-shot examples are taken from. `sha256`
    is the digest of a single file, if one is stated.
    """

    id: str | None
    configs: tuple[str | None, ...] = (None,)
    splits: tuple[str, ...] = ("train",)
    revision: str | None = None
    examples: str | None = None
    sha256: str | None = None

    @property
    def in_folders(self) -> bool:
        """Whether its configurations are folders: in the hub's own conversions, and in local copies of them."""
        folder = Path(self.id or "")
        return self.revision == CONVERTED or (folder.is_dir() and not (folder / "README.md").exists())


def one_config_each(id_: str | None, configs: Mapping[str, str], *splits: str, **more: str) -> dict[str, Dataset]:
    """A dataset with one configuration a language, `configs`; `more` as for Dataset."""
    return {language: Dataset(id_, (config,), splits, **more) for language, config in configs.items()}


@dataclass(frozen=True)
class Entry:
    """One benchmark.

    Raises ValueError for a benchmark that is measured by information parity, or in bits per byte, and is of another
    measure, or the other way round: a ratio of log-likelihoods and a share of right answers have no common mean.

    Args:
        converter: the module that makes its items, by its name in `growmerge.benchmarks.converters`, or its full name.
        licence: of the data, as its authors state it.
        metric: how it is measured.
        measure: what it is a benchmark of: figures average over the benchmarks of a measure; "" if it stands alone.
        languages: {language: its rows}; None if it is made here, from held-out text or packages, for any language.
        fields: {what the converter calls it: the dataset's column}; "a.b" is the field b of a struct, a leading "?"
            marks what may be missing.
        counterparts: {language: rows of the other side}, for what compares or translates between two languages.
        few_shot: examples before each question.
        limit: most items a language; None: all.
        counts: {language: items} as the papers print them, or as their public results have them.
        farthest: of labelled sentences, how far aligned ones may be apart, as a share of the longer one's characters.
        max_new_tokens: of what is generated, the most tokens.
        files: pattern of the files of a local folder that the items of a language depend on; `{config}` stands for the
            language's configuration.
        attribution: {language: whose data the items are made from, beside text and packages}; None: every language.
    """

    converter: str
    licence: str
    metric: Metric = Metric("accuracy")
    measure: str = ""
    languages: Mapping[str, Dataset] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    counterparts: Mapping[str, Dataset] = field(default_factory=dict)
    few_shot: int = 0
    limit: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    farthest: float = 0.2
    max_new_tokens: int = 0
    files: str = "**/*"
    attribution: Mapping[str | None, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for measure, meaning in ((PARITY, "by information parity"), (BITS_PER_BYTE, "in bits per byte")):
            if (self.metric.name == measure) != (self.measure == measure):
                raise ValueError(
                    f"the metric {self.metric.name!r} does not go with the measure {self.measure!r}: what is measured "
                    f"{meaning} is of the measure {measure!r}, and nothing else is"
                )
