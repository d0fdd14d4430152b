"""The registry's names and counts, held against the tasks that lm-evaluation-harness has for the same datasets."""

import re
from pathlib import Path

import lm_eval
import pytest

from growmerge.catalogue.benchmarks import REGISTRY

TASKS = Path(lm_eval.__file__).parent / "tasks"


def configurations(task):
    """{configuration: test split} of a folder of the harness's tasks."""
    found = {}
    for path in (TASKS / task).glob("*.yaml"):
        text = path.read_text()
        name = re.search(r"^\"?dataset_name\"?: *\"?([\w-]+)\"?", text, re.MULTILINE)
        split = re.search(r"^\"?test_split\"?: *\"?(\w+)\"?", text, re.MULTILINE)
        if name:
            found[name[1]] = split and split[1]
    return found


def registered(benchmark):
    return {config for dataset in REGISTRY[benchmark].languages.values() for config in dataset.configs}


def source(task, template):
    return re.search(r"^dataset_path: *(\S+)", (TASKS / task / template).read_text(), re.MULTILINE)[1]


def test_blimp_has_the_67_paradigms_of_the_harness():
    assert source("blimp", "_template_yaml") == REGISTRY["blimp"].languages["eng"].id
    assert registered("blimp") == configurations("blimp").keys()
    assert len(registered("blimp")) == 67


def test_multiblimp_has_configurations_columns_and_counts_of_the_harness():
    entry = REGISTRY["multiblimp"]
    assert {dataset.id for dataset in entry.languages.values()} == {source("multiblimp", "_template_yaml")}
    assert registered("multiblimp") <= configurations("multiblimp").keys()
    assert f"[{entry.fields['right']},{entry.fields['wrong']}]" in (TASKS / "multiblimp/_template_yaml").read_text()
    table = (TASKS / "multiblimp/README.md").read_text()
    counts = {code: int(n) for code, n in re.findall(r"^\| (\w{3}) +\|[^|]+\| (\d+) +\|$", table, re.MULTILINE)}
    assert {language: counts[entry.languages[language].configs[0]] for language in entry.counts} == entry.counts


def test_belebele_has_configurations_split_and_columns_of_the_harness():
    entry, known = REGISTRY["belebele"], configurations("belebele")
    template = (TASKS / "belebele/_default_template_yaml").read_text()
    assert {dataset.id for dataset in entry.languages.values()} == {source("belebele", "_default_template_yaml")}
    for dataset in entry.languages.values():
        assert (known[dataset.configs[0]],) == dataset.splits
    assert all(f"{{{{{column}" in template or f".index({column})" in template for column in entry.fields.values())


@pytest.mark.parametrize("benchmark", [name for name, entry in REGISTRY.items() if entry.languages])
def test_what_is_pinned_is_a_commit_or_the_hubs_conversion(benchmark):
    hub = [d for d in REGISTRY[benchmark].languages.values() if d.id and not d.id.startswith("https://")]
    for dataset in hub:
        assert dataset.revision is None or re.fullmatch(r"[0-9a-f]{40}|refs/convert/parquet", dataset.revision)
