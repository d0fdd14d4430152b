"""Cards say what manifests say, and their metadata are what the hub reads."""

import shutil

import pytest
import small_study
from conftest import ROOT
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from growmerge.artifacts import read_manifest, verify, write_manifest
from growmerge.cards.cards import Cards
from growmerge.cards.text import datasets, section
from growmerge.config import load_files
from growmerge.study.publication import Branch, folder_of


@pytest.fixture
def results(small_results, tmp_path):
    shutil.copytree(small_results, tmp_path / "results")
    return tmp_path / "results/small"


def card_of(name, repositories=None, **overlay):
    _, layout = small_study.load(**overlay)
    return Cards(layout, repositories).card(Branch(name, folder_of(layout, name)))


def test_every_model_that_is_there_gets_a_card_and_keeps_its_digest(results):
    _, layout = small_study.load()
    names = ["init", "base-1x", "base-2x", "2x/swe", "2x/isl", small_study.MERGE]
    before = {name: read_manifest(folder_of(layout, name)).digest for name in names}
    assert Cards(layout).write_all() == len(names)
    for name in names:
        folder = folder_of(layout, name)
        assert verify(folder).digest == before[name]
        data = ModelCard.load(folder / "README.md").data
        assert data.library_name == "transformers"
        assert data.base_model is None, "a path is no model of the hub, which refuses a card that names one"
        assert data.license is None, "none is known"


@pytest.mark.parametrize(
    "names", [("config.yaml",), ("config.yaml", "miniature.yaml"), ("config.yaml", "one-gpu.yaml")]
)
def test_every_source_of_every_text_can_be_named(names):
    study = load_files(*(ROOT / "config" / name for name in names))
    tokens = {corpus.name: 1 for corpus in study.corpora}
    table = section(study, tokens)
    assert all(f"| {name} |" in table for name in tokens)


def test_files_of_an_archive_are_told_with_the_list_that_names_them():
    study = load_files(ROOT / "config/config.yaml")
    (row,) = [line for line in section(study, {"code": 1}).splitlines() if line.startswith("| code |")]
    (source,) = study.corpus("code").sources
    assert f"files of the Software Heritage archive, listed by [{source.ids.dataset}](https://huggingface.co/" in row
    assert datasets(study, {"code": 1}) == [source.ids.dataset]


def test_a_trained_model_says_what_it_was_trained_on_and_what_it_cost(results):
    text = card_of("2x/swe").text()
    swedish, base = (read_manifest(results / "models" / name).facts for name in ("2x/swe", "base-1x"))
    assert "trained on Swedish (swe) in the setup `2x`" in text
    assert f"| `2x/swe` | trained | {swedish['tokens']:,} | {swedish['flops']:.3g} |" in text
    assert "| `base-2x` | cloned | - | - |" in text
    assert f"All together {swedish['flops'] + base['flops']:.3g} FLOPs" in text
    assert f"| swe | swe | {swedish['sequences']['swe'] * 32:,} | messages (sv) in the Python packages" in text
    assert "django: BSD-3-Clause, " in text
    assert ModelCard(text).data.language == ["swe", "eng"]
    (shown,) = [line for line in text.splitlines() if "parameters" in line]
    weights = results / "models/2x/swe/model.safetensors"
    assert shown.startswith(f"A Llama of {parameters(weights):,} parameters")


def parameters(path):
    from safetensors.torch import load_file

    return sum(tensor.numel() for tensor in load_file(path).values())


def test_the_hub_reads_the_scores_with_their_intervals(results):
    text = card_of("2x/swe").text()
    name, found = model_index_to_eval_results(ModelCard(text).data.to_dict()["model-index"])
    assert name == "small: 2x/swe"
    assert sorted((r.dataset_config, r.metric_type, r.metric_value) for r in found) == [
        ("eng", "accuracy", 0.8),
        ("swe", "accuracy", 0.8),
    ]
    for result in found:
        assert result.metric_args["low"] < 0.8 < result.metric_args["high"]
        assert result.metric_args["items"] == 30
    assert "| Linguistic acceptability | Swedish (swe) | 0.800 | [0." in text


def test_scores_of_other_weights_are_left_out(results, caplog):
    study, layout = small_study.load()
    small_study.score(study, layout, ["2x/swe"], {"2x/swe": "another"})
    text = card_of("2x/swe").text()
    assert "Not scored yet." in text
    assert "model-index" not in text
    assert "2x/swe: its scores in the table are of other weights" in caplog.text


def test_scores_that_were_made_again_since_the_table_are_left_out(results):
    assert "Not scored yet." not in card_of("2x/swe").text()
    items = results / "scores/2x/swe/items.parquet"
    items.write_bytes(items.read_bytes() + b" ")
    facts = {"model": read_manifest(results / "models/2x/swe").digest}
    write_manifest(items.with_name("manifest.json"), [items.name], facts=facts)
    assert "Not scored yet." in card_of("2x/swe").text()


def test_a_merge_names_members_method_and_what_all_of_them_cost(results):
    text = card_of(small_study.MERGE).text()
    spent = sum(read_manifest(results / "models" / name).facts["flops"] for name in ("base-1x", "2x/swe", "2x/isl"))
    assert "merged by `linear` from models of Icelandic (isl) and Swedish (swe)" in text
    assert f"All together {spent:.3g} FLOPs" in text
    assert "mergekit-yaml" in text
    assert ModelCard(text).data.tags == ["merge", "mergekit", "growmerge"]


def test_what_is_published_is_named_as_the_hub_does(results):
    ours = {"2x/swe": "me/small-2x-swe", "2x/isl": "me/small-2x-isl"}
    data = ModelCard(card_of(small_study.MERGE, ours).text()).data
    assert data.base_model == ["me/small-2x-isl", "me/small-2x-swe"]
    assert data.base_model_relation == "merge"
    nearest = ModelCard(card_of("2x/swe", {"init": "me/small-init"}).text()).data
    assert nearest.base_model == ["me/small-init"], "through a base and a clone that are not published"


def test_the_licence_is_the_one_that_the_configuration_gives(results):
    publish = {"account": "me", "models": ["*"], "licence": "apache-2.0"}
    assert ModelCard(card_of("2x/swe", publish=publish).text()).data.license == "apache-2.0"


def test_a_checkpoint_costs_its_share_of_the_training(results):
    _, layout = small_study.load()
    folder = results / "checkpoints/2x/swe/step-000010"
    facts = read_manifest(results / "models/2x/swe").facts
    text = Cards(layout, {"2x/swe": "me/small-2x-swe"}).card(Branch("2x/swe@10", folder, "step-000010")).text()
    assert f"as it was after 10 of {facts['steps']} steps, trained on Swedish (swe)" in text
    assert f"| {10 * 4 * 32:,} | {facts['flops'] * 10 / facts['steps']:.3g} |" in text
    assert 'from_pretrained("me/small-2x-swe", revision="step-000010")' in text


def test_a_model_without_its_ancestors_keeps_its_card(results, caplog):
    _, layout = small_study.load()
    (results / "models/2x/swe/README.md").write_text("by hand")
    shutil.rmtree(results / "models/base-1x")
    Cards(layout).write_all()
    assert (results / "models/2x/swe/README.md").read_text() == "by hand"
    assert "2x/swe: its card stays as it is: " in caplog.text


def test_the_model_of_a_card_loads_as_it_says(results):
    text = card_of("2x/swe").text()
    code = text.split("```python\n")[1].split("```")[0]
    found = {}
    exec(code, found)
    assert found["model"].config.hidden_size == 64
