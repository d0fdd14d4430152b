"""The scores of a model: brought up to date cell by cell, with a summary that the harness's tools read."""

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import Tiny

from growmerge.artifacts import publish, verify
from growmerge.evaluation.items import Item, write_items
from growmerge.evaluation.outcomes import normalised, outcomes
from growmerge.evaluation.scores import ITEMS, RESULTS, Scored, update_scores

PAIRS = [
    Item(str(n), "agreement", (f"the {noun} is warm", f"warm the is {noun}"))
    for n, noun in enumerate(("cat", "dog", "sun", "house", "bók"))
]
QUESTIONS = [
    Item("q1", "", (" the sun", " a dog runs", " سلام"), context="the cat sees"),
    Item("q2", "", (" warm", " is a house"), context="the sun is"),
]
PARITY = [Item("p1", "", ("the bók is warm",), reference="the cat is warm"), Item("p2", "", ("öl",), reference="sun")]
CELLS = {("pairs", "eng"): PAIRS, ("questions", "eng"): QUESTIONS, ("parity", "isl"): PARITY}


@pytest.fixture
def benchmarks(tmp_path: Path) -> dict[tuple[str, str], Path]:
    folders = {cell: tmp_path / "benchmarks" / "-".join(cell) for cell in CELLS}
    for cell, folder in folders.items():
        with publish(folder) as draft:
            write_items(CELLS[cell], draft.folder / ITEMS)
            if cell[0] == "questions":
                draft.facts["few_shot"] = 3
    return folders


class Model:
    """A tiny checkpoint that counts how often it is asked for."""

    def __init__(self, tiny: Tiny, seed: int) -> None:
        self.folder = tiny.checkpoint(f"scored-{seed}", seed)
        self.asked = 0

    @property
    def scored(self) -> Scored:
        return Scored(verify(self.folder).digest, self.checkpoint, inputs=[self.folder], name="2x/swe")

    def checkpoint(self) -> Path:
        self.asked += 1
        return self.folder


@pytest.fixture(scope="module")
def model(tiny: Tiny) -> Model:
    return Model(tiny, 11)


def test_the_harness_s_own_table_shows_the_summary(model: Model, tmp_path: Path, benchmarks):
    from lm_eval.utils import make_table

    update_scores(tmp_path / "scores", model.scored, benchmarks, tokens_per_batch=500)
    results = json.loads((tmp_path / "scores" / RESULTS).read_text())
    table, task = {}, ""
    for line in make_table(results).splitlines()[2:]:
        name, _, _, _, metric, _, value, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        task = name or task
        table[task, metric] = float(value)
    assert {task for task, _ in table} == {"pairs_eng", "questions_eng", "parity_isl"}
    rows = pd.read_parquet(tmp_path / "scores" / ITEMS)
    questions = rows[rows["benchmark"] == "questions"]
    accuracy = outcomes(questions, "character")["right"].mean()
    assert results["results"]["questions_eng"]["acc_norm,none"] == accuracy
    assert table["questions_eng", "acc_norm"] == accuracy
    assert results["n-shot"] == {"questions_eng": 3}
    assert results["n-samples"]["pairs_eng"] == {"original": 5, "effective": 5}
    assert results["model_name"] == "2x/swe"
    assert results["higher_is_better"]["pairs_eng"]["acc"]
    assert not results["higher_is_better"]["parity_isl"]["nll"]
    assert results["results"]["parity_isl"]["nll,none"] == -rows[rows["benchmark"] == "parity"]["logprob"].mean()
    assert {ITEMS, RESULTS} <= verify(tmp_path / "scores").files.keys()


def test_the_summary_has_the_layout_of_the_harness_s_results_files(model: Model, tmp_path: Path, benchmarks):
    from lm_eval.result_schema import EvalResults

    update_scores(tmp_path / "scores", model.scored, benchmarks, tokens_per_batch=500)
    results = json.loads((tmp_path / "scores" / RESULTS).read_text())
    assert results.keys() <= EvalResults.__annotations__.keys()
    required = {"results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "config"}
    assert required | {"git_hash", "date", "model_name"} <= results.keys()
    error = results["results"]["pairs_eng"]["acc_stderr,none"]
    right = outcomes(pd.read_parquet(tmp_path / "scores" / ITEMS).query("benchmark == 'pairs'"))["right"]
    assert error == pytest.approx(right.astype(float).std(ddof=1) / len(right) ** 0.5)


def test_a_new_benchmark_scores_itself_alone(model: Model, tmp_path: Path, benchmarks):
    one, rest = ("pairs", "eng"), dict(list(benchmarks.items())[1:])
    scores = tmp_path / "scores"
    assert update_scores(scores, model.scored, {one: benchmarks[one]}, tokens_per_batch=500) == 1
    before = pd.read_parquet(scores / ITEMS)
    assert update_scores(scores, model.scored, benchmarks, tokens_per_batch=500) == len(rest)
    after = pd.read_parquet(scores / ITEMS)
    pd.testing.assert_frame_equal(after[after["benchmark"] == "pairs"], before)
    asked = model.asked
    assert update_scores(scores, model.scored, benchmarks, tokens_per_batch=500) == 0
    assert model.asked == asked, "a model whose scores are all there is not even asked for"


def test_an_edited_benchmark_and_another_model_are_scored_again(model: Model, tiny: Tiny, tmp_path: Path, benchmarks):
    scores = tmp_path / "scores"
    update_scores(scores, model.scored, benchmarks, tokens_per_batch=500)
    edited = benchmarks["pairs", "eng"]
    with publish(edited) as draft:
        write_items(PAIRS[:3], draft.folder / ITEMS)
    assert update_scores(scores, model.scored, benchmarks, tokens_per_batch=500) == 1
    assert len(pd.read_parquet(scores / ITEMS).query("benchmark == 'pairs'")) == 6
    assert update_scores(scores, Model(tiny, 12).scored, benchmarks, tokens_per_batch=500) == 3


def test_the_next_model_finds_the_texts_tokenized(
    model: Model, tiny: Tiny, tmp_path: Path, benchmarks, monkeypatch: pytest.MonkeyPatch
):
    other = Model(tiny, 12)
    update_scores(tmp_path / "alone", other.scored, benchmarks, tokens_per_batch=500)
    update_scores(tmp_path / "first", model.scored, benchmarks, tokens_per_batch=500)

    def not_again(path: Path) -> list[Item]:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("growmerge.evaluation.scores.read_items", not_again)
    update_scores(tmp_path / "second", other.scored, benchmarks, tokens_per_batch=500)
    alone, second = (pd.read_parquet(tmp_path / name / ITEMS) for name in ("alone", "second"))
    pd.testing.assert_frame_equal(second, alone)
    assert second["logprob"].tolist() != pd.read_parquet(tmp_path / "first" / ITEMS)["logprob"].tolist()


def test_lengths_can_change_which_candidate_wins_and_a_tie_is_not_right():
    rows = pd.DataFrame(
        [
            ("a", 0, -10.0, 2, 20),  # by the sum worse than the shorter one, by length better
            ("a", 1, -6.0, 1, 3),
            ("b", 0, -4.0, 2, 4),
            ("b", 1, -4.0, 4, 2),  # as probable
        ],
        columns=["item", "candidate", "logprob", "tokens", "characters"],
    )
    assert normalised(rows, "character").tolist() == [-0.5, -2.0, -1.0, -2.0]
    assert outcomes(rows).to_dict("list") == {"right": [False, False], "tie": [False, True]}
    assert outcomes(rows, "token").to_dict("list") == {"right": [True, False], "tie": [False, False]}
    assert outcomes(rows, "character")["right"].tolist() == [True, True]
