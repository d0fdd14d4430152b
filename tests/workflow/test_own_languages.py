"""Languages of one line, as a user adds them: to the full grid, and to a small one that is built from local files."""

import random
import subprocess
import sys

import pandas as pd
import pytest

from growmerge.artifacts import verify
from workflow.snakemake import LAPTOP, ROOT, copy_of_the_repository, job_counts, snakemake

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
SCRIPTS = "[jpn, kat, tha, amh, {code: hin, script: Deva}]"  # Han and kana, Georgian, Thai, Ethiopic, Devanagari
# Given after two-languages.yaml: one setup and one merge method, to the figure of single models.
SMALL = """
bases:
  - {name: init, from: random}
  - {name: base-1x, from: init, train: [{eng20: 1}]}
setups: [{name: 1x, base: base-1x}]
scoring: {reference: base-1x}
sharing: null
merging:
  methods: [{name: linear, parameters: {weight: 1.0}}]
  healing: null
  rounds: null
  ensemble: null
  over_training: null
benchmarks:
  - {name: acceptability, limit: 15}
  - {name: parity, limit: 15}
  - {name: bits_per_byte, limit: 40, piece_bytes: 60}
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_of_the_repository(tmp_path_factory.mktemp("clone"))
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    overlay = (ROOT / "tests/workflow/two-languages.yaml").read_text(encoding="utf-8")
    (folder / "two-languages.yaml").write_text(overlay, encoding="utf-8")
    return folder


def sentences(words, count, seed):
    """Sentences of different words, one a line."""
    draw = random.Random(seed)
    return [" ".join(draw.sample(words.split(), 7)) + f" {number}." for number in range(count)]


FAROESE = "í upphavi skapaði Gud himmal og jørð men jørðin var oyðin myrkur lá yvir dýpinum andi ljós dagur nátt vatn"
DANISH = "i begyndelsen skabte Gud himlen og jorden men var øde mørke over dybet ånd lys dag nat vand hav land træ"


def test_languages_of_five_scripts_are_added_on_the_command_line(clone):
    added = f"add={{languages: {SCRIPTS}}}"
    sizes = clone / "sizes.yaml"
    sizes.write_text(
        "study: scripts\nmerging: {sizes: [2, 10], base: ancestor, published_bases: []}\n"
        "setups: [{name: 1x, base: base-1x}]\n",
        encoding="utf-8",
    )
    output = snakemake(clone, "-n", "--nocolor", "--configfile", str(sizes), "--config", added)
    counts = job_counts(output)
    assert counts["adapt_model"] == 10 + 1
    assert counts["merge_and_score"] == 45 + 1
    assert "jpn (Japanese): scored on parity; not in multiblimp" in output
    assert "hin (Hindi): scored on multiblimp, parity; not in" in output


def test_own_text_is_built_to_a_figure_by_a_study_of_ten_lines(clone):
    """Faroese has a sentence a line, as FarPaHC; Danish lies in the hub's layout; both by code and text alone."""
    (clone / "texts").mkdir()
    (clone / "texts" / "fo.txt").write_text("\n".join(sentences(FAROESE, 700, 1)), encoding="utf-8")
    rows = [{"id": f"d{number}", "text": text} for number, text in enumerate(sentences(DANISH, 700, 2))]
    (clone / "danish").mkdir()
    pd.DataFrame(rows).to_parquet(clone / "danish" / "train-00000-of-00001.parquet")
    card = "---\nconfigs:\n- config_name: dan_Latn\n  data_files:\n  - {split: train, path: train-*.parquet}\n---\n"
    (clone / "danish" / "README.md").write_text(card, encoding="utf-8")
    below = ["config/miniature.yaml", "two-languages.yaml", "small.yaml"]
    command = ["new", "own", "--text", "fao=texts/*.txt", "--text", "dan=danish", "--over", *below]
    new = [sys.executable, "-m", "growmerge.console", *command]
    said = subprocess.run(new, cwd=clone, capture_output=True, text=True, check=True).stdout
    assert "fao, dan: no sentences" not in said
    assert len((clone / "own.yaml").read_text(encoding="utf-8").splitlines()) <= 15

    figure = "results/own/figures/baselines.pdf"
    output = snakemake(clone, figure, *LAPTOP, "--configfile", *below, "own.yaml")
    assert "fao, dan: no sentences that are parallel to English ones" in output
    assert (clone / figure).stat().st_size > 1000
    scores = pd.read_csv(clone / "results/own/tables/baselines.csv")
    for code in ("fao", "dan"):
        verify(clone / f"results/own/scores/1x/{code}")
        shard = pd.read_parquet(next((clone / f"results/own/documents/{code}").glob("*/heldout.parquet")))
        assert 20 < len(shard) < 200
    assert {"fao", "dan"} <= set(scores["language"])
