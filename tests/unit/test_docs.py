"""README and docs/: readable lines, links that lead somewhere, examples and tables that agree with the code."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from growmerge.config import load_files
from growmerge.errors import GrowmergeError
from growmerge.study.grid import Grid
from growmerge.study.resources import tuning_memory

WIDEST = 128  # characters, CONTRIBUTING.md
NOTEBOOK = ROOT / "docs/notebook.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = [ROOT / "config/README.md"]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub spells them in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def snippets(page: str, heading: str) -> list[str]:
    """The examples in YAML of a section."""
    section = (ROOT / page).read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize("page", [page for page in PAGES if page != NOTEBOOK], ids=name)
def test_no_line_is_longer_than_one_can_read_but_in_tables(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [(i, len(line)) for i, line in enumerate(lines, 1) if len(line) > WIDEST and line[0] != "|"] == []


@pytest.mark.parametrize("page", [*PAGES, *GENERATED], ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_merges_of_ones_own_are_added_to_those_of_the_full_grid(tmp_path):
    """The first example goes over config.yaml and takes nothing from it. The second is refused there."""
    full, one_gpu = ROOT / "config/config.yaml", ROOT / "config/one-gpu.yaml"
    added, tuned = tmp_path / "added.yaml", tmp_path / "tuned.yaml"
    texts = snippets("docs/merging-languages.md", "In a study of your own")
    for file, text in zip((added, tuned), texts, strict=True):
        file.write_text(text, encoding="utf-8")
    below, study = load_files(full), load_files(full, added)
    with pytest.raises(GrowmergeError, match="'flores-swe', holds the sentences that the benchmark 'parity' scores"):
        load_files(full, added, tuned)
    another = tmp_path / "another.yaml"  # name of its own: one-gpu.yaml has this method already
    another.write_text(tuned.read_text(encoding="utf-8").replace("name: tuned_rows", "name: again"), encoding="utf-8")
    assert load_files(full, one_gpu, another).merging.methods[-1].name == "again"
    methods, benchmarks = study.merging.methods, study.benchmarks
    assert methods[: len(below.merging.methods)] == below.merging.methods
    assert benchmarks[: len(below.benchmarks)] == below.benchmarks
    names = [method.name for method in methods[len(below.merging.methods) :]]
    assert names == ["linear_rows", "linear_centred", "regmean_rows"]
    assert study.merging.rounds is not None
    assert {"ensemble", "healed"} <= {model.kind for model in Grid(study)}


def test_the_page_on_clusters_says_what_every_rule_with_a_gpu_requests():
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    requests = page.split("## What a job requests\n")[1].split("\n## ")[0]
    named = {rule for line in requests.splitlines() if line[:1] == "|" for rule in re.findall(r"`(\w+)`", line)}
    rules = [
        part
        for file in (ROOT / "workflow/rules").glob("*.smk")
        for part in re.split(r"^(?:rule|use rule \w+ as) ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    ]
    with_gpu = {rule.split(":")[0].split(" ")[0] for rule in rules if re.search(r"^ +gpu=", rule, re.MULTILINE)}
    assert {"train_base", "tune_coefficients"} <= with_gpu <= named
    memory = tuning_memory(load_files(ROOT / "config/config.yaml"), 2, "ekk+fao+fas+isl+swe", 1)
    assert f"take {memory / 1000:.0f} GB to fit coefficients" in requests
