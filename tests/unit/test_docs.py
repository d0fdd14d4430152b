"""README and docs/: links that lead somewhere, and examples that are configurations."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from growmerge.config import load_files
from growmerge.study.grid import Grid

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


@pytest.mark.parametrize("page", [*PAGES, *GENERATED], ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_merges_of_ones_own_are_added_to_those_of_the_full_grid(tmp_path):
    """The examples go over config.yaml and take nothing from it."""
    files = [ROOT / "config/config.yaml"]
    below = load_files(*files)
    for i, text in enumerate(snippets("docs/merging-languages.md", "In a study of your own")):
        files.append(tmp_path / f"{i}.yaml")
        files[-1].write_text(text, encoding="utf-8")
    study = load_files(*files)
    methods, benchmarks = study.merging.methods, study.benchmarks
    assert methods[: len(below.merging.methods)] == below.merging.methods
    assert benchmarks[: len(below.benchmarks)] == below.benchmarks
    added = [method.name for method in methods[len(below.merging.methods) :]]
    assert added == ["linear_rows", "linear_centred", "regmean_rows", "tuned_rows"]
    assert study.merging.rounds is not None
    assert {"ensemble", "healed"} <= {model.kind for model in Grid(study)}
