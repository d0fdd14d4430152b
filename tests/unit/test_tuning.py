"""Coefficients are fitted by the true gradient, lower what they are fitted to, and merge by their formula."""

import json
import logging
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import sentences
from random_llama import random_llama
from safetensors.torch import load_file

from growmerge.artifacts import publish, read_manifest, verify
from growmerge.benchmarks.items import ITEMS, Item, read_items, write_items
from growmerge.catalogue.merge_registry import merge_methods
from growmerge.config import load_files
from growmerge.config.merging import Method
from growmerge.data.token_counts import count_tokens
from growmerge.data.tokenizer import load_tokenizer
from growmerge.errors import GrowmergeError
from growmerge.evaluation.engine import log_likelihoods
from growmerge.evaluation.request import Request as Asked
from growmerge.evaluation.scorer import score_items
from growmerge.merging.coefficients import COEFFICIENTS, tune_coefficients
from growmerge.merging.fit_state import STATE
from growmerge.merging.merge import merge_models
from growmerge.merging.recipe import Recipe
from growmerge.merging.request import Request, recipe_to_tune
from growmerge.merging.tuning import Fit, Text, Tunable, fit
from growmerge.models.checkpoints import load_checkpoint, save_checkpoint
from growmerge.study.costs import Costs, stated_counts
from growmerge.study.flops import forward_flops
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout
from growmerge.study.merge_params import method_params
from growmerge.study.plan_rows import plan_rows
from growmerge.study.resources import inference_memory, tuning_memory
from growmerge.study.tuning import TEXT_TOKENS

CONFIG = Path(__file__).parents[2] / "config"
VOCABULARY = 60
CODES = ("isl", "swe")
FEW = Fit(steps=8, learning_rate=0.05, texts=5, seed=3)


# --- the fit --------------------------------------------------------------------------------------------------------


def random_texts(count: int, seed: int) -> list[Text]:
    rng = np.random.default_rng(seed)
    drawn = [tuple(rng.integers(1, VOCABULARY // 2, rng.integers(2, 15)).tolist()) for _ in range(count)]
    return [Text(Asked((0,), tokens), 3 * len(tokens)) for tokens in drawn]


TEXTS = {"isl": random_texts(12, 1), "swe": random_texts(9, 2)}


def state(seed: int, **config):
    model = random_llama(seed, 0.2, vocab_size=VOCABULARY, **config)
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def tunable(experts=None, fixed=None, **config) -> Tunable:
    experts = experts or {code: state(seed, **config) for seed, code in enumerate(CODES, 1)}
    return Tunable(random_llama(9, 0.2, vocab_size=VOCABULARY, **config), state(0, **config), experts, fixed or {})


def mean(bits: dict[str, float]) -> float:
    return sum(bits.values()) / len(bits)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_the_gradient_is_that_of_differentiating_through_the_merge(tied):
    """torch.func differentiates the whole: coefficients -> weights -> logits -> bits, of padded texts one by one."""
    ours = tunable(tie_word_embeddings=tied)
    base = state(0, tie_word_embeddings=tied)
    experts = [state(seed, tie_word_embeddings=tied) for seed in (1, 2)]
    coefficients = torch.rand(len(ours.names), 2, generator=torch.Generator().manual_seed(4))
    model = random_llama(9, 0.2, vocab_size=VOCABULARY, tie_word_embeddings=tied)

    def bits(c: torch.Tensor) -> torch.Tensor:
        weights = {
            name: base[name] + sum(c[row, i] * (expert[name] - base[name]) for i, expert in enumerate(experts))
            for row, name in enumerate(ours.names)
        }
        total = torch.zeros(())
        for texts in TEXTS.values():
            nats = torch.zeros(())
            for text in texts:
                tokens = torch.tensor([(*text.request.context, *text.request.continuation)])
                logits = torch.func.functional_call(model, weights, (tokens[:, :-1],)).logits[0]
                nats = nats - logits.log_softmax(-1).gather(1, tokens[0, 1:, None]).sum()
            total = total + nats / np.log(2) / sum(text.bytes for text in texts) / len(TEXTS)
        return total

    expected = torch.func.grad(bits)(coefficients)
    ours.merge(coefficients)
    assert mean(ours.bits_per_byte(TEXTS)) == pytest.approx(bits(coefficients).item(), rel=1e-5)
    found = ours.gradient(TEXTS)
    assert found.shape == expected.shape
    assert expected.abs().min() > 0
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_bits_per_byte_are_those_of_scoring():
    ours = tunable()
    ours.merge(ours.equal())
    for code, texts in TEXTS.items():
        nats = -log_likelihoods(ours.model, [text.request for text in texts]).sum()
        expected = nats / np.log(2) / sum(text.bytes for text in texts)
        assert ours.bits_per_byte(TEXTS)[code] == pytest.approx(expected, rel=1e-5)


def test_logits_are_held_a_few_at_a_time_and_that_changes_nothing(monkeypatch):
    ours = tunable()
    coefficients = fit(ours, TEXTS, FEW)
    sizes = []
    ours.model.lm_head.register_forward_hook(lambda module, given, logits: sizes.append(logits.numel()))
    monkeypatch.setattr("growmerge.models.logits.ON_CPU", 20 * VOCABULARY)
    torch.testing.assert_close(fit(ours, TEXTS, FEW), coefficients, rtol=1e-3, atol=1e-4)
    assert max(sizes) <= 20 * VOCABULARY


def test_fitting_lowers_what_it_is_fitted_to():
    ours = tunable()
    ours.merge(ours.equal())
    before = ours.bits_per_byte(TEXTS)
    fit(ours, TEXTS, Fit(steps=40, learning_rate=0.05, texts=12, seed=3))
    assert mean(ours.bits_per_byte(TEXTS)) < mean(before) - 0.05


def test_no_steps_are_the_mean_of_the_experts():
    ours = tunable()
    assert torch.equal(fit(ours, TEXTS, Fit(steps=0, learning_rate=1.0, texts=4, seed=3)), ours.equal())
    experts = [state(seed) for seed in (1, 2)]
    for name, weight in ours.model.named_parameters():
        torch.testing.assert_close(weight.detach(), (experts[0][name] + experts[1][name]) / 2)


def test_equal_experts_get_equal_coefficients_and_the_mean_of_them_is_the_expert():
    expert = state(1)
    ours = tunable({code: expert for code in CODES})
    ours.merge(ours.equal())
    for name, weight in ours.model.named_parameters():
        torch.testing.assert_close(weight.detach(), expert[name])
    coefficients = fit(ours, TEXTS, FEW)
    assert torch.equal(coefficients[:, 0], coefficients[:, 1])
    assert (coefficients != 0.5).any()


def test_the_seed_and_the_texts_decide_and_nothing_else():
    one, again = (fit(tunable(), TEXTS, FEW) for _ in range(2))
    assert torch.equal(one, again)
    assert not torch.equal(one, fit(tunable(), TEXTS, Fit(**vars(FEW) | {"seed": 4})))
    assert torch.equal(one, fit(tunable(), dict(reversed(TEXTS.items())), FEW)), (
        "the order of languages does not matter"
    )


def test_every_text_has_its_turn_before_any_comes_again(monkeypatch):
    seen: list[list[Text]] = []
    ours = tunable()
    gradient = ours.gradient
    monkeypatch.setattr(ours, "gradient", lambda texts: seen.append(texts["isl"]) or gradient(texts))
    fit(ours, TEXTS, Fit(steps=5, learning_rate=0.01, texts=4, seed=3))
    assert [len(texts) for texts in seen] == [4] * 5
    for begin in (0, 3):
        drawn = {text.request for texts in seen[begin : begin + 3] for text in texts}
        assert begin or drawn == {text.request for text in TEXTS["isl"]}
    fit(ours, TEXTS, Fit(steps=1, learning_rate=0.01, texts=50, seed=3))
    assert len(seen[-1]) == 12, "all, if there are fewer"


def test_languages_with_the_same_texts_draw_their_own(monkeypatch):
    seen = []
    ours = tunable()
    gradient = ours.gradient
    monkeypatch.setattr(ours, "gradient", lambda texts: seen.append(texts) or gradient(texts))
    fit(ours, dict.fromkeys(CODES, TEXTS["isl"]), Fit(steps=3, learning_rate=0.01, texts=4, seed=3))
    assert [texts["isl"] for texts in seen] != [texts["swe"] for texts in seen]


def test_the_rate_falls_linearly_to_zero(monkeypatch):
    """With the same gradient at every step, Adam moves by the rate: 0.1 times 1, 3/4, 1/2 and 1/4."""
    ours = tunable()
    monkeypatch.setattr(ours, "gradient", lambda texts: torch.ones_like(ours.equal()))
    found = fit(ours, TEXTS, Fit(steps=4, learning_rate=0.1, texts=4, seed=3))
    torch.testing.assert_close(found, ours.equal() - 0.25)


def test_a_tensor_that_is_merged_already_stays_as_it_is():
    embedding = "model.embed_tokens.weight"
    fixed = {embedding: state(7)[embedding]}
    ours = tunable(fixed=fixed, tie_word_embeddings=True)
    assert embedding not in ours.names
    before = None
    for how in (Fit(0, 0.05, 5, 3), FEW):
        coefficients = fit(ours, TEXTS, how)
        assert coefficients.shape == (len(ours.names), 2)
        assert torch.equal(ours.model.get_input_embeddings().weight, fixed[embedding])
        after = mean(ours.bits_per_byte(TEXTS))
        assert before is None or after < before
        before = after
    bits = ours.bits_per_byte(TEXTS)
    with torch.no_grad():
        ours.model.get_input_embeddings().weight.mul_(2)
    assert ours.bits_per_byte(TEXTS) != bits, "the fit sees this tensor"


# --- artifacts ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory, tiny):
    """A base and two experts near it, with a tokenizer."""
    folder = tmp_path_factory.mktemp("tuned")
    base = random_llama(0, 0.2, vocab_size=320, tie_word_embeddings=True)
    for name, seed in {"base": None, "isl": 1, "swe": 2}.items():
        model = random_llama(0, 0.2, vocab_size=320, tie_word_embeddings=True)
        if seed:
            other = random_llama(seed, 0.05, vocab_size=320, tie_word_embeddings=True)
            with torch.no_grad():
                for weight, more, origin in zip(model.parameters(), other.parameters(), base.parameters(), strict=True):
                    weight.copy_(origin + more - int(origin.ndim == 1))
        with publish(folder / name) as draft:
            save_checkpoint(model, draft.folder, tiny.folder / "tokenizer")
    return folder


def texts_in(folder: Path, counts: dict[str, int], text: str | None = None) -> dict[str, Path]:
    for number, (code, count) in enumerate(counts.items()):
        items = [Item(f"{i}#0", "tuning", (line,)) for i, line in enumerate(sentences(count, number))]
        with publish(folder / code) as draft:
            write_items([*items, *([Item("long#0", "tuning", (text,))] if text else [])], draft.folder / ITEMS)
    return {code: folder / code for code in counts}


@pytest.fixture
def texts(tmp_path):
    return texts_in(tmp_path / "tuning", {"isl": 30, "swe": 25})


def recipe(models: Path, method: dict | None = None, **more) -> Recipe:
    given = {"name": "tuned", "parameters": {"steps": 5, "texts": 8}} | (method or {})
    members = {code: models / code for code in CODES}
    return Recipe(members, models / "base", Method(**given), "float32", 7, **more)


def test_the_artifact_says_what_was_fitted_how_and_what_it_brought(models, texts, tmp_path):
    tune_coefficients(recipe(models), texts, tmp_path / "c", tmp_path / "work")
    manifest = verify(tmp_path / "c")
    found = json.loads((tmp_path / "c" / COEFFICIENTS).read_text())
    assert found.keys() == load_file(models / "isl/model.safetensors").keys()
    assert all(of_tensor.keys() == set(CODES) for of_tensor in found.values())
    assert manifest.config["method"]["name"] == "tuned"
    how = {key: value for key, value in manifest.config.items() if key != "method"}
    assert how == {"steps": 5, "learning_rate": 0.05, "texts": 8, "seed": 7}
    bits = manifest.facts["bits_per_byte"]
    assert mean(bits["after"]) < mean(bits["before"])
    assert manifest.facts["texts"] == {"isl": 30, "swe": 25}
    assert 5 * 2 * 8 * 5 < manifest.facts["tokens"] < 5 * 2 * 8 * 64
    assert set(manifest.inputs) == {str(models / x) for x in ("base", *CODES)} | set(map(str, texts.values()))
    tune_coefficients(recipe(models), texts, tmp_path / "again", tmp_path / "work")
    assert verify(tmp_path / "again").digest == manifest.digest, "the same bytes"


def test_the_merge_is_the_base_and_the_weighted_task_vectors(models, texts, tmp_path):
    tune_coefficients(recipe(models), texts, tmp_path / "c", tmp_path / "work")
    made = recipe(models, statistics={"coefficients": {code: tmp_path / "c" for code in CODES}})
    merge_models({tmp_path / "m": made, tmp_path / "again": made})
    assert read_manifest(tmp_path / "m").digest == read_manifest(tmp_path / "again").digest
    assert str(tmp_path / "c") in read_manifest(tmp_path / "m").inputs
    merged, base, isl, swe = (
        load_file(folder / "model.safetensors")
        for folder in (tmp_path / "m", models / "base", models / "isl", models / "swe")
    )
    by_tensor = json.loads((tmp_path / "c" / COEFFICIENTS).read_text())
    for name, tensor in merged.items():
        c = by_tensor[name]
        expected = base[name].double().numpy()
        expected = (
            expected
            + c["isl"] * (isl[name].double().numpy() - expected)
            + c["swe"] * (swe[name].double().numpy() - expected)
        )
        np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-5, atol=1e-6)


def measured(model: Path, texts: dict[str, Path]) -> dict[str, float]:
    """The bits per byte of texts by the engine that scores models."""
    tokenizer, begin, _ = load_tokenizer(model)
    found = {}
    for code, folder in texts.items():
        items = read_items(folder / ITEMS)
        scores = score_items(load_checkpoint(model), tokenizer, {("t", code): items}, bos_id=begin)
        size = sum(len(item.candidates[0].encode()) for item in items)
        found[code] = -sum(scores["logprob"].to_pylist()) / np.log(2) / size
    return found


def test_the_merge_is_the_model_that_was_fitted(models, texts, tmp_path):
    tune_coefficients(recipe(models), texts, tmp_path / "c", tmp_path / "work")
    statistics = {"coefficients": {code: tmp_path / "c" for code in CODES}}
    merge_models({tmp_path / "m": recipe(models, statistics=statistics)})
    after = read_manifest(tmp_path / "c").facts["bits_per_byte"]["after"]
    assert measured(tmp_path / "m", texts) == pytest.approx(after, rel=1e-5)


ROWS = {"embedding": {"method": "rows", "parameters": {"prior": 2.0}}}
EMBEDDING = "model.embed_tokens.weight"


def test_an_embedding_that_another_method_merges_is_seen_and_not_fitted(models, texts, tmp_path, tiny):
    counts = {}
    for number, code in enumerate(CODES):
        counts[code] = tiny.folder / "statistics/token_counts" / f"tuned-{code}"
        shards = [tiny.shard(f"tuned-{code}", 20 + number, 30 + number)]
        count_tokens(shards, tiny.folder / "tokenizer", 320, counts[code])
    registry = merge_methods()
    chosen = recipe_to_tune(
        "isl+swe",
        holders=[models / code for code in CODES],
        params=method_params(recipe(models, ROWS).method, registry),
        base=models / "base",
        modules=[],
        statistics=list(counts.values()),
        seed=7,
    )
    tune_coefficients(chosen, texts, tmp_path / "c", tmp_path / "work")
    assert EMBEDDING not in json.loads((tmp_path / "c" / COEFFICIENTS).read_text())
    assert set(map(str, counts.values())) < set(verify(tmp_path / "c").inputs)

    folders = {code: tmp_path / "c" for code in CODES}
    made = recipe(models, ROWS, statistics={"coefficients": folders, "token_counts": counts})
    linear = {"name": "linear", "parameters": {"weight": 1.0}} | ROWS
    plain = recipe(models, linear, statistics={"token_counts": counts})
    merge_models({tmp_path / "m": made, tmp_path / "rows": plain})
    merged, rows = (load_file(tmp_path / name / "model.safetensors")[EMBEDDING] for name in ("m", "rows"))
    assert torch.equal(merged, rows)
    assert measured(tmp_path / "m", texts) == pytest.approx(
        read_manifest(tmp_path / "c").facts["bits_per_byte"]["after"], rel=1e-5
    ), "the fit saw the embedding of the merge"


def test_other_coefficients_are_another_merge_and_damaged_ones_none(models, texts, tmp_path):
    digests = []
    for steps in (0, 5):
        chosen = {"parameters": {"steps": steps, "texts": 8}}
        tune_coefficients(recipe(models, chosen), texts, tmp_path / f"c{steps}", tmp_path / "work")
        statistics = {"coefficients": {code: tmp_path / f"c{steps}" for code in CODES}}
        digests.append(recipe(models, statistics=statistics).digest)
    assert len(set(digests)) == 2
    bits = read_manifest(tmp_path / "c0").facts["bits_per_byte"]
    assert bits["before"] == bits["after"], "before the fit it is the mean of the experts"
    (tmp_path / "c5" / COEFFICIENTS).write_text("{}")
    with pytest.raises(GrowmergeError, match=r"c5/coefficients.json: has 2 bytes"):
        merge_models({tmp_path / "m": recipe(models, statistics=statistics)})


# --- a fit that was killed ------------------------------------------------------------------------------------------

LONG = {"parameters": {"steps": 60, "texts": 8}}
FIT = """
import pickle, sys, torch
from growmerge.merging.coefficients import tune_coefficients
torch.set_num_threads(int(sys.argv[1]))
tune_coefficients(*pickle.load(sys.stdin.buffer))
"""


def step_of(work: Path) -> int:
    """The last step that is saved in a work folder; 0 without any."""
    state = work / STATE
    return json.loads(state.read_text())["state"]["step"] if state.exists() else 0


@pytest.fixture
def killed(models, texts, tmp_path):
    """The work folder of a fit that was killed with signal 9 after some steps of 60."""
    command = [sys.executable, "-c", FIT, str(torch.get_num_threads())]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        pickle.dump((recipe(models, LONG), texts, tmp_path / "c", tmp_path / "work"), process.stdin)
        process.stdin.close()
        while step_of(tmp_path / "work") < 3:
            assert process.poll() is None, "it ended before it had saved three steps"
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "c").exists()
    return tmp_path / "work"


@pytest.fixture
def steps(monkeypatch):
    """The steps whose gradient is computed, one entry each."""
    found = []
    gradient = Tunable.gradient
    monkeypatch.setattr(Tunable, "gradient", lambda self, texts: found.append(1) or gradient(self, texts))
    return found


@pytest.mark.slow
def test_killed_with_9_it_goes_on_and_ends_with_the_same_bytes(models, texts, tmp_path, killed, steps, caplog):
    done = step_of(killed)
    caplog.set_level(logging.INFO, "growmerge")
    tune_coefficients(recipe(models, LONG), texts, tmp_path / "c", killed)
    assert len(steps) == 60 - done, "no step is done twice"
    assert f"going on after step {done} of 60" in caplog.text
    assert not killed.exists()
    tune_coefficients(recipe(models, LONG), texts, tmp_path / "whole", tmp_path / "other")
    assert len(steps) == 60 - done + 60
    files = [(tmp_path / name / COEFFICIENTS).read_bytes() for name in ("c", "whole")]
    assert files[0] == files[1]
    assert verify(tmp_path / "c").facts == verify(tmp_path / "whole").facts


@pytest.mark.slow
def test_what_another_fit_left_behind_is_not_gone_on_from(models, texts, tmp_path, killed, steps):
    """Neither another configuration nor other text, and nothing damaged."""
    left = (killed / STATE).read_text()
    other = {"parameters": {**LONG["parameters"], "learning_rate": 0.01}}
    fewer = texts_in(tmp_path / "fewer", {"isl": 29, "swe": 25})
    one_digit = re.sub(r"\d(?=])", lambda digit: str((int(digit[0]) + 1) % 10), left, count=1)
    for method, tuned_on, state in (
        (other, texts, left),
        (LONG, fewer, left),
        (LONG, texts, one_digit),
        (LONG, texts, left[:-20]),
        (LONG, texts, "{}"),
    ):
        killed.mkdir(exist_ok=True)
        (killed / STATE).write_text(state)
        steps.clear()
        tune_coefficients(recipe(models, method), tuned_on, tmp_path / "c", killed)
        assert len(steps) == 60
        assert not killed.exists()


def test_the_log_says_how_far_a_fit_is(models, texts, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "growmerge")
    line = re.compile(r"step (\d+) of 5: bits per byte of the texts it drew (\d+\.\d{4})")
    tune_coefficients(recipe(models), texts, tmp_path / "c", tmp_path / "work")
    assert [found[0] for found in line.findall(caplog.text)] == ["1"], "the next line would come ten seconds later"
    caplog.clear()
    monkeypatch.setattr("growmerge.merging.tuning.LOG_EVERY", 0.0)
    tune_coefficients(recipe(models), texts, tmp_path / "c", tmp_path / "work")
    assert [found[0] for found in line.findall(caplog.text)] == ["1", "2", "3", "4", "5"]


def test_the_bits_per_byte_of_a_step_are_those_of_its_texts():
    ours = tunable()
    ours.merge(ours.equal())
    ours.gradient(TEXTS)
    assert ours.bits == pytest.approx(mean(ours.bits_per_byte(TEXTS)), rel=1e-5)


def test_damaged_text_is_refused(models, texts, tmp_path):
    path = texts["swe"] / ITEMS
    write_items(read_items(path)[:-1], path)
    with pytest.raises(GrowmergeError, match=r"tuning/swe/items\.parquet: has \d+ bytes, its manifest says"):
        tune_coefficients(recipe(models), texts, tmp_path / "c", tmp_path / "work")


def test_text_that_is_too_long_is_refused_in_one_line(models, tmp_path):
    long = texts_in(tmp_path / "long", {"isl": 30, "swe": 30}, text="öl " * 200)
    with pytest.raises(GrowmergeError, match=r"text 'long#0' is \d+ tokens longer than the models' 64 positions"):
        tune_coefficients(recipe(models), long, tmp_path / "c", tmp_path / "work")
    assert not (tmp_path / "c").exists()


# --- rules and configuration ----------------------------------------------------------------------------------------


def study(tmp_path: Path, methods: str, more: str = ""):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(f"merging:\n  healing: null\n  rounds: null\n  methods: {methods}\n{more}")
    return load_files(CONFIG / "config.yaml", CONFIG / "miniature.yaml", overlay)


LINEAR = "{name: linear, parameters: {weight: 1.0}}"
TWO = f"[{LINEAR}, {{name: tuned}}, {{name: longer, method: tuned, parameters: {{steps: 200}}}}]"


def test_each_configured_method_has_coefficients_of_its_own(tmp_path, models, texts):
    found = study(tmp_path, TWO)
    layout = Layout(found, Grid(found))
    assert layout.tuned_methods == ["tuned", "longer"]
    paths = layout.merge_statistics("1x", "isl+swe@40", found.merging.methods)
    stem = "results/miniature/statistics/coefficients/1x/isl+swe@40"
    assert paths == [f"{stem}/tuned", f"{stem}/tuned", f"{stem}/longer", f"{stem}/longer"]
    assert layout.merge_statistics("1x", "isl+swe", found.merging.methods[:1]) == []
    assert layout.tuning_texts("isl+swe@40") == ["results/miniature/tuning/isl", "results/miniature/tuning/swe"]

    registry = merge_methods()
    recipes = Request(
        combination="isl+swe",
        holders=[models / code for code in CODES],
        methods=[method_params(method, registry) for method in found.merging.methods],
        bases={method.name: models / "base" for method in found.merging.methods},
        modules=[],
        statistics=[Path(path) for path in paths],
        dtype="float32",
        seed=1,
        device="cpu",
        mixed_dtypes=False,
    ).recipes()
    for name in ("tuned", "longer"):
        assert recipes[name].of_statistics == {"coefficients": {code: Path(stem) / name for code in CODES}}
    assert recipes["linear"].of_statistics == {}


def test_a_fit_is_planned_as_training_on_its_texts_and_beside_its_merge(tmp_path):
    found = study(tmp_path, TWO)
    grid = Grid(found)
    layout = Layout(found, grid)
    rows = plan_rows(grid, layout, Costs(grid, stated_counts(found)), [])
    fits = {row.id: row for row in rows if row.kind == "coefficients"}
    tuned = [merge for merge in grid.merges if merge.method in ("tuned", "longer")]
    assert len(tuned) == len(fits)
    for merge in tuned:
        (path,) = set(layout.merge_statistics(merge.setup, merge.combination, [grid.method(merge.method)]))
        assert fits[merge.id].path == path
    two, four, longer = (fits[f"1x/{name}"] for name in ("isl+swe/tuned", "ekk+fas+isl+swe/tuned", "isl+swe/longer"))
    assert two.tokens == 60 * 16 * 2 * TEXT_TOKENS
    assert (four.tokens, longer.tokens) == (2 * two.tokens, 200 * two.tokens / 60)
    forward = forward_flops(found.architecture, found.tokenizer.vocab_size, 1, 60 * 16 * 2, TEXT_TOKENS)
    assert two.flops == 3 * forward
    assert fits["2x/isl+swe/tuned"].flops > two.flops


def test_the_fit_reads_what_the_method_of_the_embedding_asks_for(tmp_path):
    found = study(tmp_path, f"[{LINEAR}, {{name: tuned}}, {{name: both, method: tuned, embedding: {{method: rows}}}}]")
    layout = Layout(found, Grid(found))
    assert layout.embedding_statistics("1x", "isl+swe", "tuned") == []
    counts = [f"results/miniature/statistics/token_counts/{code}" for code in ("isl", "swe")]
    assert layout.embedding_statistics("1x", "isl+swe", "both") == counts


def test_its_job_gets_memory_for_every_model(tmp_path):
    found = study(tmp_path, TWO)
    assert tuning_memory(found, 1, "isl+swe", 1) == inference_memory(found, 1, 10, 1)
    assert tuning_memory(found, 1, "ekk+isl+swe@40", 2) == inference_memory(found, 1, 12, 2)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("steps: -1", "merging.methods.0.parameters.steps = -1: must be at least 0"),
        ("texts: 0", "merging.methods.0.parameters.texts = 0: must be at least 1"),
        ("learning_rate: -0.1", "merging.methods.0.parameters.learning_rate = -0.1: must be at least 0"),
        ("learning_rate: [0.1, 0.2]", "merging.methods.0.parameters.learning_rate = [0.1, 0.2]: must be one number"),
        ("steps: 1.5", "merging.methods.0.parameters.steps = 1.5: must be a whole number"),
        ("rate: 1", "merging.methods.0.parameters.rate"),
        ("steps: 1}, embedding: {method: tuned", "merging.methods.0.embedding.method = 'tuned': fits all tensors"),
    ],
)
def test_a_mistake_in_a_parameter_is_told_in_one_line(tmp_path, parameters, expected):
    with pytest.raises(GrowmergeError, match=re.escape(expected)) as error:
        study(tmp_path, f"[{{name: tuned, parameters: {{{parameters}}}}}]", "analysis: {pairwise_method: tuned}\n")
    assert len(str(error.value).splitlines()) == 1


def test_text_to_tune_on_must_be_cut_by_a_benchmark(tmp_path):
    overlay = "benchmarks: [{name: facts, limit: 40}]\n"
    with pytest.raises(
        GrowmergeError, match=r"methods.1.name = 'tuned': is fitted to .* bits_per_byte says; add it to"
    ):
        study(tmp_path, f"[{LINEAR}, {{name: tuned}}]", overlay)
    overlay = "benchmarks: [{name: bits_per_byte, languages: [eng, swe, isl, ekk], limit: 9}]\n"
    with pytest.raises(GrowmergeError, match=r"methods.1.name = 'tuned': .*, but 'bits_per_byte' leaves 'fas' out"):
        study(tmp_path, f"[{LINEAR}, {{name: tuned}}]", overlay)


def test_text_to_tune_on_holds_no_sentences_that_a_benchmark_scores(tmp_path):
    """The devtest sentences of FLORES+ are the held-out text of the paper's study, and what parity is measured on."""
    overlay = tmp_path / "mine.yaml"
    method = "{methods: [{name: tuned_rows, method: tuned, embedding: {method: rows}, sizes: all}]"
    overlay.write_text(f"add: {method}, benchmarks: [{{name: bits_per_byte, limit: 200}}]}}\n")
    told = (
        "mine.yaml: add.methods.0.method = 'tuned': is fitted to held-out text, and that of 'swe', 'flores-swe', "
        "holds the sentences that the benchmark 'parity' scores; give 'swe' another `evaluation` corpus, or leave the"
    )
    with pytest.raises(GrowmergeError, match=told):
        load_files(CONFIG / "config.yaml", overlay)
    load_files(CONFIG / "config.yaml", CONFIG / "one-gpu.yaml")  # the same sentences, but not as held-out text


def test_a_method_of_the_users_that_asks_for_coefficients_says_how_they_are_fitted(tmp_path):
    (tmp_path / "own.py").write_text(
        "from growmerge.merging.methods import Tensors, merge_method\n\n\n"
        "@merge_method(base='required', statistics=['coefficients'])\n"
        "def own(tensors: Tensors, steps: int = 3):\n    ...\n"
    )
    with pytest.raises(GrowmergeError, match=r"'own': asks for coefficients, .* parameters learning_rate, texts"):
        study(tmp_path, f"[{LINEAR}, {{name: own}}]\n  modules: [own.py]")
