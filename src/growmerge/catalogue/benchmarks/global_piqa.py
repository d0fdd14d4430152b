"""Commonsense in over a hundred languages, written in each of them: Global PIQA, its split that is not parallel."""

from growmerge.catalogue.entry import Entry, one_config_each
from growmerge.catalogue.languages import configurations

BENCHMARKS = {
    "global_piqa": Entry(
        "completions",
        "see its card",
        languages=one_config_each("mrlbenchmarks/global-piqa-nonparallel", configurations("global_piqa"), "test"),
        fields={"prompt": "prompt", "choice0": "solution0", "choice1": "solution1", "answer": "label"},
    ),
}
