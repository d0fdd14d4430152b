"""The scores of a model: brought up to date cell by cell, with a summary that the harness's tools read."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import Tiny

from growmerge.artifacts import publish, read_manifest, verify, write_manifest
from growmerge.benchmarks.items import ITEMS, TRANSLATIONS, Item, write_items
from growmerge.catalogue.entry import Decoding
from growmerge.data.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.generation import GENERATOR_VERSION
from growmerge.evaluation.outcomes import normalised, outcomes
from growmerge.evaluation.results import harness_results, read_metrics, write_results
from growmerge.evaluation.scorer import SCORER_VERSION
from growmerge.evaluation.scores import RESULTS, UNFINISHED, Scored, is_scored, score_model, update_scores

PAIRS = [
    Item(str(n), "agreement", (f"the {noun} is warm", f"warm the is {noun}"))
    for n, noun in enumerate(("cat", "dog", "sun", "house", "bók"))
]
QUESTIONS = [
    Item("q1", "", (" the sun", " a dog runs", " سلام"), context="the cat sees"),
    Item("q2", "", (" warm", " is a house"), context="the sun is"),
]
PARITY = [Item("p1", "", ("the bók is warm",), reference="the cat is warm"), Item("p2", "", ("öl",), reference="sun")]
PROMPTS = [
    Item(f"t{n}", "translation", (), reference, context=f"EN: the cat SV: bók\n\nEN: {source} SV:")
    for n, (source, reference) in enumerate((("the sun is warm", "öl"), ("a dog", "þú bók"), ("a house", "سلام")))
]
TRANSLATED = {("mt", "swe"): PROMPTS, ("mt", "isl"): PROMPTS[:2]}
DECODING = {"mt": Decoding(12)}
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


@pytest.fixture
def with_translation(tmp_path: Path, benchmarks) -> dict[tuple[str, str], Path]:
    return benchmarks | {cell: write_benchmark(tmp_path, cell, items) for cell, items in TRANSLATED.items()}


def write_benchmark(tmp_path: Path, cell: tuple[str, str], items: list[Item]) -> Path:
    folder = tmp_path / "benchmarks" / "-".join(cell)
    with publish(folder) as draft:
        write_items(items, draft.folder / ITEMS)
        draft.facts["few_shot"] = 1
    return folder


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
    about = results["configs"]["pairs_eng"]["metadata"]
    tokenizer, begin, _ = load_tokenizer(model.folder)
    assert about["begin"] == tokenizer.id_to_token(begin)
    assert about["scorer"] == results["versions"]["pairs_eng"] == SCORER_VERSION


def test_a_summary_that_was_left_out_can_be_written_later(model: Model, tmp_path: Path, with_translation):
    folder = tmp_path / "2x" / "swe"
    update_scores(folder, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING)
    whole, metrics = json.loads((folder / RESULTS).read_text()), read_metrics(folder)
    identity = verify(folder).digest
    update_scores(folder, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING, summary=False)
    assert {file.name for file in folder.iterdir()} == {ITEMS, TRANSLATIONS, "manifest.json"}
    assert verify(folder).digest == identity, "the summary is a note"
    assert read_metrics(folder) == metrics
    write_results(folder)
    written = json.loads((folder / RESULTS).read_text())
    differs = {key for key in whole if whole[key] != written[key]}
    assert differs <= {"date", "total_evaluation_time_seconds"}
    assert verify(folder).digest == identity


def test_a_summary_in_the_manifest_is_not_written_again(model: Model, tmp_path: Path, benchmarks):
    folder = tmp_path / "2x" / "swe"
    named = replace(model.scored, name="a name that the folder does not have")
    update_scores(folder, named, benchmarks, tokens_per_batch=500)
    before = (folder / RESULTS).read_bytes()
    write_results(folder)
    assert (folder / RESULTS).read_bytes() == before
    verify(folder)


def summary(scores: pd.DataFrame, translations: pd.DataFrame | None = None) -> dict[str, dict]:
    """What the results file says of the cells of score tables, {task: {metric: value}}."""
    tables = [scores] if translations is None else [scores, translations]
    cells = [cell for table in tables for cell in table.groupby(["benchmark", "language"]).groups]
    results = harness_results(
        scores,
        translations,
        model_name="m",
        configs={c: {} for c in cells},
        few_shot={},
        versions=dict.fromkeys(cells, 1),
        seconds=1.0,
    )
    # As strict as JSON is, which has no NaN.
    return json.loads(json.dumps(results, allow_nan=False))["results"]


def score_rows(logprobs: dict[str, list[float]], cut: dict[str, int] | None = None) -> pd.DataFrame:
    """Rows of a score table: {item: log-probabilities of candidates}, each of 2 tokens, 4 characters, 8 bytes."""
    rows = [
        ("qa", "swe", item, number, 2, 4, 8, (cut or {}).get(item, 0) * number, value)
        for item, values in logprobs.items()
        for number, value in enumerate(values)
    ]
    return pd.DataFrame(
        rows, columns=["benchmark", "language", "item", "candidate", "tokens", "characters", "bytes", "cut", "logprob"]
    )


def test_accuracies_have_their_standard_error_and_shares_are_of_items():
    # Right, wrong, right, and a tie, which is not right; of one item, one candidate's context was cut.
    scores = score_rows({"a": [-1, -2], "b": [-3, -2], "c": [-1, -9], "d": [-4, -4]}, cut={"b": 3})
    found = summary(scores)["qa_swe"]
    assert found["sample_len"] == 4
    for name in ("acc", "acc_norm", "acc_token"):
        assert found[f"{name},none"] == 0.5
        assert found[f"{name}_stderr,none"] == pytest.approx(math.sqrt(1 / 3) / 2)
    assert found["ties,none"] == found["cut,none"] == 0.25
    assert "nll,none" not in found


def test_costs_have_their_standard_error():
    found = summary(score_rows({"a": [-2.0], "b": [-4.0], "c": [-9.0]}))["qa_swe"]
    for name, units in (("nll", 1), ("nll_token", 2), ("nll_character", 4)):
        assert found[f"{name},none"] == pytest.approx(5 / units)
        assert found[f"{name}_stderr,none"] == pytest.approx(math.sqrt(13 / 3) / units)
    assert summary(score_rows({"a": [-2.0]}))["qa_swe"]["nll_stderr,none"] == "N/A", "one item has no deviation"


def test_shares_of_translations_are_of_items():
    rows = [
        ("mt", "isl", [3] * 24, ended, lost)
        for ended, lost in [(True, 0), (True, 2), (True, 1), (False, 0), (False, 0)]
    ]
    translations = pd.DataFrame(rows, columns=["benchmark", "language", "counts", "ended", "lost_examples"])
    found = summary(score_rows({"a": [-1.0]}), translations)["mt_isl"]
    assert found["chrf++,none"] == 100
    assert found["ended,none"] == 0.6
    assert found["lost_examples,none"] == 0.4
    alone = summary(score_rows({"a": [-1.0]}), translations[:1])["mt_isl"]
    assert alone["chrf++_stderr,none"] == "N/A", "one item has no deviation"


@pytest.mark.parametrize("unknown", [math.nan, -math.inf])
def test_what_is_no_number_is_not_available_in_the_summary(unknown: float):
    from lm_eval.utils import make_table

    costs = summary(score_rows({"a": [-2.0], "b": [unknown]}))["qa_swe"]
    assert costs["nll,none"] == costs["nll_stderr,none"] == "N/A"
    found = summary(score_rows({"a": [-1, -2], "b": [-1, -2], "c": [math.nan, -1]}))
    names = ("acc", "acc_stderr", "acc_norm", "ties")
    assert {found["qa_swe"][f"{name},none"] for name in names} == {"N/A"}
    assert found["qa_swe"]["cut,none"] == 0
    assert "N/A" in make_table({"results": found, "versions": {}})


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


def test_another_version_of_the_scorer_scores_again(
    model: Model, tmp_path: Path, benchmarks, monkeypatch: pytest.MonkeyPatch
):
    scores = tmp_path / "scores"
    update_scores(scores, model.scored, benchmarks, tokens_per_batch=500)
    assert is_scored(scores, model.scored.digest, benchmarks)
    monkeypatch.setattr("growmerge.evaluation.scores.SCORER_VERSION", SCORER_VERSION + 1)
    assert not is_scored(scores, model.scored.digest, benchmarks)
    assert update_scores(scores, model.scored, benchmarks, tokens_per_batch=500) == len(benchmarks)


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


def test_texts_are_tokenized_again_if_the_benchmark_or_the_tokenizer_is_another(
    model: Model, tmp_path: Path, benchmarks
):
    """Models of a process share what is tokenized; these are scored on the same cells, one after the other."""
    one = {("pairs", "eng"): benchmarks["pairs", "eng"]}
    update_scores(tmp_path / "first", model.scored, one, tokens_per_batch=500)
    with publish(one["pairs", "eng"]) as draft:
        write_items(PAIRS[:3], draft.folder / ITEMS)
    update_scores(tmp_path / "edited", model.scored, one, tokens_per_batch=500)
    assert pd.read_parquet(tmp_path / "edited" / ITEMS)["item"].nunique() == 3
    with publish(tmp_path / "other") as draft:
        shutil.copytree(model.folder, draft.folder, dirs_exist_ok=True)
        save_tokenizer(train_tokenizer(["warm the is cat"] * 9, 300), draft.folder)
    score_model(tmp_path / "scores", tmp_path / "other", one, tokens_per_batch=500)
    tokens = [pd.read_parquet(tmp_path / name / ITEMS)["tokens"].tolist() for name in ("edited", "scores")]
    assert tokens[0] != tokens[1]


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_damaged_model_or_benchmark_is_refused_before_anything_is_scored(model: Model, tmp_path: Path, benchmarks):
    shutil.copytree(model.folder, tmp_path / "model")
    damage(tmp_path / "model/model.safetensors")
    with pytest.raises(GrowmergeError, match=r"model/model\.safetensors: its bytes differ"):
        score_model(tmp_path / "scores", tmp_path / "model", benchmarks, tokens_per_batch=500)
    damage(benchmarks["parity", "isl"] / ITEMS)
    with pytest.raises(GrowmergeError, match=r"parity-isl/items\.parquet: its bytes differ"):
        score_model(tmp_path / "scores", model.folder, benchmarks, tokens_per_batch=500)
    assert not (tmp_path / "scores").exists()


def test_rows_that_can_still_be_read_are_not_kept_if_their_file_was_altered(model: Model, tmp_path: Path, benchmarks):
    scores = tmp_path / "scores"
    update_scores(scores, model.scored, benchmarks, tokens_per_batch=500)
    whole = pd.read_parquet(scores / ITEMS)
    whole.assign(logprob=-1.0).to_parquet(scores / ITEMS)
    assert update_scores(scores, model.scored, benchmarks, tokens_per_batch=500) == len(benchmarks)
    pd.testing.assert_frame_equal(pd.read_parquet(scores / ITEMS), whole)


def test_a_summary_of_altered_scores_is_refused(model: Model, tmp_path: Path, benchmarks):
    scores = tmp_path / "scores"
    update_scores(scores, model.scored, benchmarks, tokens_per_batch=500, summary=False)
    pd.read_parquet(scores / ITEMS).assign(logprob=-1.0).to_parquet(scores / ITEMS)
    with pytest.raises(GrowmergeError, match=r"scores/items\.parquet: "):
        write_results(scores)
    assert not (scores / RESULTS).exists()


def test_scores_or_benchmarks_without_a_whole_manifest_are_no_scores(model: Model, tmp_path: Path, benchmarks):
    scores = tmp_path / "scores"
    update_scores(scores, model.scored, benchmarks, tokens_per_batch=500)
    assert is_scored(scores, model.scored.digest, benchmarks)
    (scores / "manifest.json").write_text("{")
    assert not is_scored(scores, model.scored.digest, benchmarks)
    update_scores(scores, model.scored, benchmarks, tokens_per_batch=500)
    (benchmarks["pairs", "eng"] / "manifest.json").unlink()
    assert not is_scored(scores, model.scored.digest, benchmarks)


def scores_of(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / name).sort_values(["benchmark", "language", "item"], ignore_index=True)


def test_translations_stand_beside_the_items_and_in_the_harness_s_summary(
    model: Model, tmp_path: Path, with_translation
):
    from lm_eval.utils import make_table

    scores = tmp_path / "scores"
    assert update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING) == 5
    table = pd.read_parquet(scores / TRANSLATIONS)
    assert table.groupby("language").size().to_dict() == {"swe": 3, "isl": 2}
    assert table["source"].tolist()[:2] == ["the sun is warm", "a dog"]
    assert table["reference"].tolist()[:2] == ["öl", "þú bók"]
    assert set(pd.read_parquet(scores / ITEMS)["benchmark"]) == {"pairs", "questions", "parity"}
    results = json.loads((scores / RESULTS).read_text())
    assert results["results"]["mt_swe"]["sample_len"] == 3
    assert 0 <= results["results"]["mt_swe"]["chrf++,none"] <= 100
    assert results["higher_is_better"]["mt_swe"]["chrf++"]
    assert results["n-shot"]["mt_swe"] == 1
    assert results["configs"]["mt_swe"]["metadata"]["decoding"]["max_new_tokens"] == 12
    assert "nw:2" in results["configs"]["mt_swe"]["metadata"]["signature"]
    assert "chrf++" in make_table(results)
    assert verify(scores).files.keys() == {ITEMS, TRANSLATIONS, RESULTS}
    assert not (scores / UNFINISHED).exists()


def test_only_what_is_new_or_decoded_otherwise_is_generated(
    model: Model, tmp_path: Path, with_translation, benchmarks, monkeypatch: pytest.MonkeyPatch
):
    scores = tmp_path / "scores"
    some = {cell: path for cell, path in with_translation.items() if cell != ("mt", "isl")}
    assert update_scores(scores, model.scored, some, tokens_per_batch=500, decoding=DECODING) == 4
    items, swedish = scores_of(scores, ITEMS), scores_of(scores, TRANSLATIONS)
    assert update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING) == 1
    asked = model.asked
    assert update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING) == 0
    assert model.asked == asked
    assert is_scored(scores, model.scored.digest, with_translation, DECODING)
    assert not is_scored(scores, model.scored.digest, with_translation, {"mt": Decoding(13)})
    assert not is_scored(scores, "another", benchmarks)
    assert not is_scored(tmp_path / "absent", model.scored.digest, benchmarks)
    both = scores_of(scores, TRANSLATIONS)
    pd.testing.assert_frame_equal(both[both["language"] == "swe"].reset_index(drop=True), swedish)
    with monkeypatch.context() as newer:
        newer.setattr("growmerge.evaluation.scores.GENERATOR_VERSION", GENERATOR_VERSION + 1)
        assert not is_scored(scores, model.scored.digest, with_translation, DECODING)
        assert is_scored(scores, model.scored.digest, benchmarks)
    drawn = {"mt": Decoding(12, temperature=1.0, seed=4)}
    assert update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=drawn) == 2
    assert scores_of(scores, TRANSLATIONS)["hypothesis"].tolist() != both["hypothesis"].tolist()
    assert update_scores(scores, model.scored, benchmarks, tokens_per_batch=500) == 0
    assert not (scores / TRANSLATIONS).exists(), "what is no longer asked for is dropped"
    pd.testing.assert_frame_equal(scores_of(scores, ITEMS), items)


def test_scores_with_the_columns_of_an_older_scorer_are_made_again_and_translations_kept(
    model: Model, tmp_path: Path, with_translation, monkeypatch: pytest.MonkeyPatch
):
    scores = tmp_path / "scores"
    with monkeypatch.context() as older:
        older.setattr("growmerge.evaluation.scores.SCORER_VERSION", SCORER_VERSION - 1)
        update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING)
    whole = pq.read_table(scores / ITEMS)
    pq.write_table(whole.drop_columns(["bytes"]), scores / ITEMS)
    manifest = read_manifest(scores)
    write_manifest(
        scores / "manifest.json", list(manifest.files), inputs=[], config=None, facts=manifest.facts, seconds=0.0
    )
    assert update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING) == 3
    assert pq.read_table(scores / ITEMS).equals(whole)


def test_translations_alone_are_scores_too(model: Model, tmp_path: Path, with_translation):
    cells = {cell: with_translation[cell] for cell in TRANSLATED}
    assert update_scores(tmp_path / "scores", model.scored, cells, tokens_per_batch=500, decoding=DECODING) == 2
    assert pd.read_parquet(tmp_path / "scores" / ITEMS).empty


def test_a_model_that_translates_into_none_of_its_languages_has_an_empty_table(
    model: Model, tmp_path: Path, benchmarks
):
    """Rules have the file as output for every model: whether one has such a cell depends on its languages."""
    update_scores(tmp_path / "scores", model.scored, benchmarks, tokens_per_batch=500, decoding=DECODING)
    assert verify(tmp_path / "scores").files.keys() == {ITEMS, TRANSLATIONS, RESULTS}
    assert pd.read_parquet(tmp_path / "scores" / TRANSLATIONS).empty
    assert update_scores(tmp_path / "scores", model.scored, benchmarks, tokens_per_batch=500, decoding=DECODING) == 0
    update_scores(tmp_path / "scores", model.scored, benchmarks, tokens_per_batch=500)
    assert not (tmp_path / "scores" / TRANSLATIONS).exists()


def test_cells_that_were_finished_before_a_job_failed_are_not_scored_again(
    model: Model, tmp_path: Path, with_translation, benchmarks
):
    scores = tmp_path / "scores"
    one = {("pairs", "eng"): benchmarks["pairs", "eng"]}
    update_scores(scores, model.scored, one, tokens_per_batch=500)
    before = verify(scores).digest
    write_benchmark(tmp_path, ("mt", "isl"), [Item("long", "", (), "x", context="the cat " * 60)])
    with pytest.raises(GrowmergeError, match="mt/isl: prompt long has"):
        update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING)
    assert verify(scores).digest == before, "what stood there stands, which is what Snakemake puts back"
    kept = sorted(path.stem for path in (scores / UNFINISHED).iterdir())
    assert kept == ["mt.swe", "parity.isl", "questions.eng"]
    shutil.copytree(scores, tmp_path / "another model's")
    write_benchmark(tmp_path, ("mt", "isl"), PROMPTS[:2])
    assert update_scores(scores, model.scored, with_translation, tokens_per_batch=500, decoding=DECODING) == 1
    assert not (scores / UNFINISHED).exists()
    update_scores(tmp_path / "at once", model.scored, with_translation, tokens_per_batch=500, decoding=DECODING)
    for name in (ITEMS, TRANSLATIONS):
        pd.testing.assert_frame_equal(scores_of(scores, name), scores_of(tmp_path / "at once", name))
    other = Scored("another digest", model.checkpoint, inputs=[model.folder])
    folder = tmp_path / "another model's"
    assert update_scores(folder, other, with_translation, tokens_per_batch=500, decoding=DECODING) == 5


def test_finished_cells_are_kept_until_the_manifest_has_them(
    model: Model, tmp_path: Path, with_translation, monkeypatch: pytest.MonkeyPatch
):
    cells = {cell: with_translation[cell] for cell in (("pairs", "eng"), ("mt", "isl"))}

    def stopped(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as ending:
        ending.setattr("growmerge.evaluation.scores.write_manifest", stopped)
        with pytest.raises(KeyboardInterrupt):
            update_scores(tmp_path / "scores", model.scored, cells, tokens_per_batch=500, decoding=DECODING)
    assert update_scores(tmp_path / "scores", model.scored, cells, tokens_per_batch=500, decoding=DECODING) == 1


def test_prompts_without_decoding_are_refused_not_scored(model: Model, tmp_path: Path, with_translation):
    with pytest.raises(GrowmergeError, match=r"mt/swe: item t0 has no candidates"):
        update_scores(tmp_path / "scores", model.scored, with_translation, tokens_per_batch=500)


def test_lengths_can_change_which_candidate_wins_and_a_tie_is_not_right():
    rows = pd.DataFrame(
        [
            ("a", 0, -10.0, 2, 20),  # by the sum worse than the shorter one, by length better
            ("a", 1, -6.0, 1, 3),
            ("b", 0, -4.0, 2, 4),
            ("b", 1, -4.0, 4, 2),  # as probable
        ],
        columns=["item", "candidate", "logprob", "tokens", "characters"],
    ).assign(benchmark="facts", language="swe")
    assert normalised(rows, "character").tolist() == [-0.5, -2.0, -1.0, -2.0]
    assert outcomes(rows).to_dict("list") == {"right": [0.0, 0.0], "tie": [False, True], "candidates": [2, 2]}
    assert outcomes(rows, "token")[["right", "tie"]].to_dict("list") == {"right": [1.0, 0.0], "tie": [False, False]}
    assert outcomes(rows, "character")["right"].tolist() == [True, True]
