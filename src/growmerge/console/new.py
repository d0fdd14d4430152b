"""`growmerge new`: the configuration of a study of one's own languages, checked before it is written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from growmerge.catalogue.languages import languages
from growmerge.config import Study, load_files
from growmerge.config.yaml_files import read_yaml
from growmerge.console.parallel import read_pairs, write_folder
from growmerge.errors import GrowmergeError
from growmerge.study.costs import Costs, check_continued, check_saved_steps, stated_counts
from growmerge.study.coverage import coverage
from growmerge.study.grid import Grid

DEFAULTS = Path("config/config.yaml")
SCHEMA = "config/overlay.schema.json"
EXAMPLES = {"--text": "fao=texts/*.jsonl", "--parallel": "fao=sentences.tsv"}
RUNNING_TEXT = "{name: bits_per_byte, limit: 1000} # of held-out text, in any language"
PARALLEL = (
    "{{name: parity-{code}, use: flores, languages: [{code}], "
    "sources: {{{code}: {{dataset: ./{folder}, configs: [{code}]}}}}}}"
)


def new_study(
    name: str,
    codes: Sequence[str],
    texts: Sequence[str],
    parallel: Sequence[str] = (),
    *,
    below: Sequence[Path] = (),
    folder: Path,
) -> list[str]:
    """Write {name}.yaml into `folder`; what to say about it.

    `texts` are 'code=paths or globs'; `parallel` are 'code=file.tsv' or 'code=english,other', whose sentences are
    written to {name}-parallel/. Raises GrowmergeError for what is there already, and as `load_files` does for what
    cannot be a study; then nothing is written.
    """
    file, sentences = folder / f"{name}.yaml", folder / f"{name}-parallel"
    for path in (file, sentences):
        if path.exists():
            raise GrowmergeError(f"{path}: is there already; give the study another name, or remove it")
    if not DEFAULTS.is_file():
        raise GrowmergeError(f"{DEFAULTS}: no such file; give the command at the top of the repository")
    files = [DEFAULTS, *below]
    entries = _entries(codes, dict(_split("--text", text) for text in texts))
    if any(_switches_unimax_off(layer) for layer in map(read_yaml, files)):
        entries = [entry | {"epochs": 1} for entry in entries]
    pairs = {code: read_pairs(_paths(names)) for code, names in (_split("--parallel", text) for text in parallel)}
    benchmarks = [PARALLEL.format(code=code, folder=sentences / code) for code in pairs]
    with tempfile.TemporaryDirectory() as scratch:
        text, study = _checked(name, entries, benchmarks, files, Path(scratch))
        for code, found in pairs.items():
            write_folder(Path(scratch) / "parallel" / code, code, found)
        if pairs:
            shutil.copytree(Path(scratch) / "parallel", sentences)
    file.write_text(text, encoding="utf-8")
    configfiles = " ".join(map(str, [*below, file]))
    said = [found.line for found in coverage(study)]
    return [f"{file}:", text, *said, f"What it costs: snakemake plan --configfile {configfiles}"]


def _entries(codes: Sequence[str], own: Mapping[str, str]) -> list[dict[str, Any]]:
    """The short languages: those with text of FineWeb-2, then those with text of the user's own."""
    entries: list[dict[str, Any]] = [{"code": code} for code in codes if code not in own]
    entries += [{"code": code, "text": paths} for code, paths in own.items()]
    if not entries:
        raise GrowmergeError("no language: give --languages dan nob, or --text fao=texts/*.jsonl")
    return entries


def _split(option: str, text: str) -> tuple[str, str]:
    code, equals, paths = text.partition("=")
    if not equals or not paths:
        raise GrowmergeError(f"{option} {text}: write a code and its files, such as {option} '{EXAMPLES[option]}'")
    return code, paths


def _paths(names: str) -> list[Path]:
    return [Path(name) for name in names.split(",")]


def _switches_unimax_off(layer: Mapping[str, Any]) -> bool:
    """Whether languages must state their epochs over this file."""
    return "unimax" in layer and layer["unimax"] is None


def _checked(
    name: str, entries: list[dict[str, Any]], benchmarks: list[str], files: Sequence[Path], scratch: Path
) -> tuple[str, Study]:
    """The configuration and its study, with bits per byte added if the study below does not have them."""
    overlay = scratch / "new.yaml"
    running_text: list[str] = []
    while True:
        text = _text(name, entries, [*running_text, *benchmarks], files)
        overlay.write_text(text, encoding="utf-8")
        try:
            study = load_files(*files, overlay)
            _check_lengths(study)
        except GrowmergeError as error:
            if running_text or "no benchmark of this study" not in str(error):
                raise GrowmergeError(str(error).replace(str(overlay), f"{name}.yaml")) from None
        else:
            if running_text or study.running_text:
                return text, study
        running_text = [RUNNING_TEXT]


def _check_lengths(study: Study) -> None:
    """Raise GrowmergeError, as the rules do, if there is too little text for what is trained and merged."""
    costs = Costs(Grid(study), stated_counts(study))
    for model in costs.grid.trained:
        if costs.can_tell(model.id):
            costs.steps(model.id)
    check_saved_steps(costs)
    check_continued(costs)


def _text(name: str, entries: list[dict[str, Any]], benchmarks: list[str], files: Sequence[Path]) -> str:
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        f"# Over {', '.join(map(str, files))}; config/README.md has all keys. Under `add`, lists are extended.",
        f"study: {name}",
        "languages:",
    ]
    for entry in entries:
        known = languages().get(str(entry["code"]))
        comment = f" # {known[0].name}" if known else ""
        shown = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=1000, allow_unicode=True).strip()
        lines.append(f"  - {shown}{comment}")
    if benchmarks:
        lines += ["add:", "  benchmarks:", *(f"    - {benchmark}" for benchmark in benchmarks)]
    return "\n".join(lines) + "\n"
