"""What the README says of floors, and of what benchmarks can tell, is what docs/measured/ says.

The record is the table `signal` of the miniature as the workflow wrote it, next to the table `gap`. Whoever changes
results copies both, with their manifests.
"""

import json
import re

import pandas as pd
from conftest import ROOT

from growmerge.artifacts import sha256_file

MEASURED = ROOT / "docs/measured"
SIGNAL = pd.read_csv(MEASURED / "signal.csv", keep_default_na=False)
GAP = pd.read_csv(MEASURED / "gap.csv", keep_default_na=False)
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
LANGUAGES = {"swe": "Swedish", "isl": "Icelandic", "ekk": "Estonian", "fas": "Persian"}
PAPERS = ["linear", "task_arithmetic", "ties", "dare_ties", "multislerp"]
BETTER = {"bits_per_byte": -1, "parity": 1}


def merges(measure: str) -> pd.DataFrame:
    """The merges of four languages, with how much better each is than the unigram model, in the measure's unit."""
    floors = SIGNAL[(SIGNAL["measure"] == measure) & (SIGNAL["language"] != "eng")]
    assert set(floors["of_floor"]) == {"unigram"}
    found = GAP[(GAP["measure"] == measure) & (GAP["members"] == len(floors)) & (GAP["kind"] == "merge")]
    return found.assign(better=BETTER[measure] * (found["value"].astype(float) - floors["floor"].mean()))


def test_the_record_is_what_the_workflow_wrote() -> None:
    manifest = json.loads((MEASURED / "signal.manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"]["signal.csv"]["sha256"] == sha256_file(MEASURED / "signal.csv")
    assert re.fullmatch(r"[0-9a-f]{40}", manifest["provenance"]["commit"])


def test_the_unigram_model_is_better_than_every_merge_by_the_papers_methods() -> None:
    assert "than every merge of four languages by the papers' methods (setups 1x, 1x_cloned, 2x and scratch)" in README
    for measure in BETTER:
        table = merges(measure)
        by_papers = table[table["method"].isin(PAPERS)]
        assert set(by_papers["setup"]) == {"1x", "1x_cloned", "2x", "scratch"}
        assert (by_papers["better"] < 0).all()


def test_of_merges_without_joint_training_only_tuned_ones_are_better_in_bits_per_byte() -> None:
    assert "Of all merges without joint training, only tuned ones have fewer bits per byte." in README
    table = merges("bits_per_byte")
    assert set(table.loc[table["better"] > 0, "method"]) == {"tuned_rows"}


def test_all_experts_and_joint_models_are_above_the_floor() -> None:
    assert "All experts, and all models of four languages, are better than the floor." in README
    chosen = SIGNAL[SIGNAL["measure"].isin(list(BETTER)) & (SIGNAL["language"] != "eng")]
    assert (chosen["above"] == 1).all()


def test_what_can_tell_models_apart_is_the_record() -> None:
    cells = SIGNAL[(SIGNAL["benchmark"] == "") & (SIGNAL["language"] != "eng")]
    able = {measure: part.loc[part["tells"].astype(bool), "language"] for measure, part in cells.groupby("measure")}
    assert "In the four languages, parity and bits per byte can tell the miniature's models apart" in README
    for measure in BETTER:
        assert set(able[measure]) == LANGUAGES.keys()
    assert [LANGUAGES[code] for code in able["acceptability"]] == ["Swedish"]
    assert "acceptability only in Swedish" in README
