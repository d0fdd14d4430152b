"""What the README says of floors, and of what benchmarks can tell, is what docs/measured/ says.

The record is the table `signal` of the miniature as the workflow wrote it, next to the table `gap`. Whoever changes
results copies both, with their manifests.
"""

import pandas as pd
from conftest import ROOT

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


def test_the_unigram_model_is_better_than_every_merge_by_the_papers_methods() -> None:
    assert "than every merge of four languages by the papers' methods (setups 1x, 1x_cloned, 2x and scratch)" in README
    for measure in BETTER:
        table = merges(measure)
        by_papers = table[table["method"].isin(PAPERS)]
        assert set(by_papers["setup"]) == {"1x", "1x_cloned", "2x", "scratch"}
        assert (by_papers["better"] < 0).all()


def test_merges_with_weighted_rows_are_above_the_floor_if_they_share_their_pre_training() -> None:
    assert (
        "With weighted rows, merges by linear, TIES, RegMean and `tuned` are better than the floor in the setups that "
        "share their pre-training; from scratch, none is." in README
    )
    for measure in BETTER:
        table = merges(measure)
        scratch = table["setup"] == "scratch"
        named = table["method"].isin(["linear_rows", "ties_rows", "regmean_rows", "tuned_rows"])
        assert (table.loc[named & ~scratch, "better"] > 0).all() and (named & ~scratch).sum() == 4 * 3
        assert (table.loc[scratch, "better"] < 0).all()


def test_all_experts_and_joint_models_are_above_the_floor() -> None:
    assert "All experts, and all models of four languages, are better than the floor." in README
    chosen = SIGNAL[SIGNAL["measure"].isin(list(BETTER)) & (SIGNAL["language"] != "eng")]
    assert (chosen["above"] == 1).all()


def test_what_can_tell_models_apart_is_the_record() -> None:
    cells = SIGNAL[(SIGNAL["benchmark"] == "") & (SIGNAL["language"] != "eng")]
    able = {measure: part.loc[part["tells"].astype(bool), "language"] for measure, part in cells.groupby("measure")}
    assert (
        "acceptability can in Estonian and Persian, parity in Swedish, bits per byte in Swedish and Estonian. "
        "Elsewhere they differ no more than late checkpoints of one training do" in README
    )
    named = {measure: {LANGUAGES[code] for code in codes} for measure, codes in able.items()}
    assert named == {
        "acceptability": {"Estonian", "Persian"},
        "parity": {"Swedish"},
        "bits_per_byte": {"Swedish", "Estonian"},
    }
    assert set(cells.loc[~cells["tells"].astype(bool), "why"]) == {"models differ no more than late checkpoints"}
