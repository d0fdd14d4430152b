"""The wall between what decides and what does, and the direction of imports: see docs/architecture.md."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from workflow.snakemake import copy_of_the_repository

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
# Modules at the root of the package, which anything may import.
GROUND = {
    *(
        "allocator",
        "artifacts",
        "disk",
        "errors",
        "fork_server",
        "frames",
        "gpus",
        "hashing",
        "hub",
        "ids",
        "job",
        "lazily",
        "producers",
        "provenance",
        "scheduler",
        "slurm",
    ),
    "drafts",
    "verification",
}
# Whoever stands further down may import what stands above it, never the other way round.
ORDER = (
    *("catalogue", "config", "study"),
    *("data", "models", "training", "benchmarks", "evaluation", "merging", "preflight"),
    *("comparing", "tables", "figures", "report", "cards", "publishing"),
    "console",
)
DECIDES = ("catalogue", "config", "study")
# Rules ask who trains before they start a training anew.
LEASE = {"growmerge.training", "growmerge.training.lease", "growmerge.training.stopping"}
# Files that say what they are while rules are parsed, and load what they compute with at their first use.
BENCHMARKS = "growmerge.catalogue.benchmarks."  # the files of one; each may hold its own converter
REGISTRIES = (
    *("growmerge.figures", "growmerge.comparing.statistics"),
    *("growmerge.merging.methods", "growmerge.merging.statistics"),
)
PACKAGES_OF_REGISTRIES = ("growmerge.merging", "growmerge.comparing")
HEAVY = ("torch", "transformers", "pandas", "numpy", "matplotlib", "scipy", "pyarrow", "datasets", "mergekit")


def modules() -> dict[str, Path]:
    """Module names and their files."""
    found = {}
    for path in sorted((SOURCE / "growmerge").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules of ours that a file imports when it runs: not those that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "growmerge":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module
        else:
            yield from imports(node)


GRAPH = {name: sorted(set(imports(ast.parse(path.read_text(encoding="utf-8"))))) for name, path in MODULES.items()}


def package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_module_has_a_place_in_the_house():
    places = {package(name) for name in MODULES}
    assert places == {"", *GROUND, *ORDER}


@pytest.mark.parametrize("name", GRAPH)
def test_no_import_runs_back_up(name):
    for imported in GRAPH[name]:
        here, there = package(name), package(imported)
        if there in ("", *GROUND):
            continue
        assert here in ORDER, f"{name} belongs to the ground, which imports no package: {imported}"
        if name.startswith(BENCHMARKS) and there == "benchmarks":
            continue
        assert ORDER.index(there) <= ORDER.index(here), f"{name} imports {imported}, which stands below it"


def test_the_diagram_shows_the_packages_in_this_order():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    diagram = page.split("```mermaid\n")[1].split("```")[0]
    shown = [word for line in diagram.splitlines() if "-->" in line for word in re.findall(r"\w+(?=$| -->|\[)", line)]
    assert [name for name in shown if name not in ("ground", "decide", "do", "show")] == list(ORDER)


def test_no_imports_go_round_in_a_circle():
    graph = {name: [other for other in imported if other != name] for name, imported in GRAPH.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def rule_files() -> list[Path]:
    return [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]


def test_rules_import_from_what_decides_alone():
    """As rules are parsed, modules of `catalogue`, `config`, `study` and the ground are loaded, and nothing heavy."""
    lines = [
        line
        for file in rule_files()
        for line in re.findall(r"^(from growmerge[\w.]* import .+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(lines) > 5
    code = "\n".join(
        [
            *lines,
            "import json, sys",
            "print(json.dumps(list(sys.modules)))",
        ]
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stdout)
    ours = [name for name in loaded if name.split(".")[0] == "growmerge"]
    allowed = {"", *GROUND, *DECIDES}
    strangers = [name for name in ours if package(name) not in allowed and name not in LEASE]
    assert [name for name in strangers if not name.startswith(REGISTRIES) and name not in PACKAGES_OF_REGISTRIES] == []
    assert [name for name in loaded if name in HEAVY] == []


def test_a_dry_run_loads_no_more_of_ours_than_that(tmp_path):
    """The functions of rules are called, too, so nothing hides behind an import inside of a function."""
    clone = copy_of_the_repository(tmp_path / "clone")
    command = [sys.executable, "-v", "-m", "snakemake", "-n", "--quiet", "all"]
    command += ["--configfile", "config/miniature.yaml"]
    result = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True)
    # What is imported lazily and never used has no code that is run.
    paths = re.findall(r"^# code object from '?.*/(?:src|site-packages)/(.+?)\.", result.stderr, re.MULTILINE)
    loaded = {path.replace("__pycache__/", "").removesuffix("/__init__").replace("/", ".") for path in paths}
    ours = {name for name in loaded if name.split(".")[0] == "growmerge"}
    assert {"growmerge.study.grid", "growmerge.study.layout"} <= ours
    allowed = {"", *GROUND, *DECIDES}
    strangers = {name for name in ours if package(name) not in allowed} - LEASE
    assert {
        name for name in strangers if not name.startswith(REGISTRIES) and name not in PACKAGES_OF_REGISTRIES
    } == set()
    # Snakemake itself loads numpy and pandas; torch and matplotlib would be ours.
    assert loaded.isdisjoint({"torch", "transformers", "matplotlib", "mergekit", "scipy", "datasets"})
