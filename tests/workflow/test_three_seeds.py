"""Two languages with three seeds, for real: what is made once, what differs, what figures say; one seed as before."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from growmerge.artifacts import read_manifest, verify
from growmerge.config.load import load_files
from growmerge.ids import split_seed
from growmerge.study.grid import Grid
from workflow.snakemake import LAPTOP, copy_of_the_repository, job_counts, snakemake

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
FILES = ["config/miniature.yaml", "two-languages.yaml", "three-seeds.yaml"]
RUN = [*LAPTOP, "--configfile", *FILES]
ONE_SEED = [*RUN, "one-seed.yaml"]
RESULTS = Path("results/three-seeds")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_of_the_repository(tmp_path_factory.mktemp("clone"))
    for name in FILES[1:]:
        shutil.copy(Path(__file__).with_name(name), folder)
    (folder / "one-seed.yaml").write_text("seeds: null\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def grid(clone):
    return Grid(load_files(clone / "config/config.yaml", *(clone / name for name in FILES)))


def test_further_seeds_add_models_and_scores_and_nothing_else(clone):
    one, three = (job_counts(snakemake(clone, "all", "-n", *run)) for run in (ONE_SEED, RUN))
    times = {rule: three[rule] / one[rule] for rule in three}
    repeated = {"initialise_model", "train_base", "adapt_model", "merge_models", "merge_and_score", "score_ensemble"}
    assert {rule for rule, factor in times.items() if factor == 3} == repeated | {"score_model"}
    assert {rule for rule, factor in times.items() if factor == 1} == one.keys() - repeated - {"score_model"}


def test_everything_is_built_and_every_seed_makes_other_models(clone, grid):
    snakemake(clone, "all", *RUN)
    for model in grid:
        verify(clone / RESULTS / "scores" / model.id)
    digests = {}
    for model in [*grid.bases, *grid.models, *grid.healed, *grid.kept.values()]:
        folder = "merges" if model.id in grid.kept else "models"
        digests[model.id] = read_manifest(clone / RESULTS / folder / model.id).digest
    assert len(set(digests.values())) == len(digests) == 3 * (2 + 3 + 1 + 1)
    assert job_counts(snakemake(clone, "all", "-n", *RUN)) == {}


def test_figures_and_tables_show_means_over_seeds(clone, grid):
    scores = pd.read_csv(clone / RESULTS / "tables/scores.csv", dtype={"seed": str}).query("subset == 'all'")
    own = scores[scores["seed"] != "all"]
    mean = own.groupby([own["id"].map(lambda name: split_seed(name)[0]), "measure", "language"])["value"].mean()
    whole = scores[(scores["seed"] == "all") & (scores["kind"] != "checkpoint")]  # those are of the first seed alone
    over = whole.set_index(["id", "measure", "language"])
    assert (over["seeds"] == 3).all() and set(own["seed"]) == {"42", "43", "44"}
    assert over["value"].to_dict() == pytest.approx(mean.to_dict())
    assert ((over["low"] < over["value"]) & (over["value"] < over["high"])).all()
    drawn = pd.read_csv(clone / RESULTS / "figures/baselines.csv")
    expert = drawn.query("series == 'expert' and row == 'target' and measure == 'parity' and language == 'swe'").iloc[0]
    assert expert["value"] == pytest.approx(over.loc[("1x/swe", "parity", "swe"), "value"])
    assert expert["high"] == pytest.approx(over.loc[("1x/swe", "parity", "swe"), "high"])
    methods = pd.read_csv(clone / RESULTS / "figures/methods.csv")
    assert ((methods["interval_low"] < methods["value"]) & (methods["value"] < methods["interval_high"])).all()
    pairwise = pd.read_csv(clone / RESULTS / "figures/pairwise.csv")
    assert (pairwise["seeds"] == 3).all() and pairwise["low"].notna().all()
    assert set(pd.read_csv(clone / RESULTS / "tables/signal.csv")["of_noise"]) == {"seeds"}
    trainings = pd.read_csv(clone / RESULTS / "tables/trainings.csv", dtype={"seed": str})
    assert trainings["seed"].value_counts().to_dict() == {"42": 5, "43": 5, "44": 5}
    for figure in ("baselines", "methods", "pairwise", "gap"):
        caption = (clone / RESULTS / f"figures/{figure}.md").read_text(encoding="utf-8")
        assert "means over 3 training runs, with the seeds 42, 43 and 44" in caption
        assert "do not show the variation" not in caption and "trained once" not in caption
    assert "it shows 42" in (clone / RESULTS / "figures/language_vectors.md").read_text(encoding="utf-8")
    contrasts = pd.read_csv(clone / RESULTS / "tables/contrasts.csv")
    assert (contrasts["seeds"] == 3).all() and not contrasts["first"].str.contains("#").any()
    gap = pd.read_csv(clone / RESULTS / "tables/gap.csv")
    assert (gap["seeds"] == 3).all()
    assert {"1x/isl+swe/linear", "1x/isl+swe/linear~20", "1x/isl+swe/ensemble"} <= set(gap["id"])
    planned = snakemake(clone, "plan", *RUN)
    assert "| 43, in addition | 5 |" in planned and "| 44, in addition | 5 |" in planned


def test_the_first_seed_is_the_study_with_one(clone):
    models = job_counts(snakemake(clone, "models", "scores", "-n", *ONE_SEED))
    assert models == {}, "no model and no score is made again if the further seeds are taken away"
