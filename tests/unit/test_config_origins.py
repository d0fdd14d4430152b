"""An error blames who set the value: the file that really did, or --config, and says how to write it right."""

from pathlib import Path

import pytest
import yaml

from growmerge.config import validate
from growmerge.config.load import merge_mappings, read_yaml
from growmerge.errors import GrowmergeError

ROOT = Path(__file__).parents[2]
FULL, MINIATURE = ROOT / "config/config.yaml", ROOT / "config/miniature.yaml"


def refused(tmp_path: Path, *layers: str, command_line: dict | None = None) -> str:
    """The first line about layers of YAML over the miniature, the last named last.yaml; then --config."""
    files, data = [FULL, MINIATURE], merge_mappings(read_yaml(FULL), read_yaml(MINIATURE))
    for number, text in enumerate(layers, start=1):
        file = tmp_path / ("last.yaml" if number == len(layers) else f"{number}.yaml")
        file.write_text(text, encoding="utf-8")
        files.append(file)
        data = merge_mappings(data, read_yaml(file))
    with pytest.raises(GrowmergeError) as error:
        validate(merge_mappings(data, command_line or {}), files, command_line)
    return str(error.value).splitlines()[0].replace(f"{tmp_path}/", "").replace(f"{ROOT}/config/", "")


def test_a_list_that_an_overlay_replaces_is_the_overlays(tmp_path):
    # The miniature's list of languages is longer, and has a `name` at this place, too.
    said = refused(tmp_path, "languages: [{code: swe, name: Swedish, corpus: swee}]\n")
    assert said.startswith("last.yaml: languages.0.corpus = 'swee'")
    said = refused(tmp_path, "setups: [{name: 1x}]\n")
    assert said == "last.yaml: setups.0.base: is missing"
    said = refused(tmp_path, "external: [{name: x, from: 'hub:a/b'}, {name: x, from: 'hub:a/c'}]\n", "seed: 3\n")
    assert said.startswith("1.yaml: external.1 = 'x'")


def test_a_value_that_the_base_alone_sets_is_the_bases(tmp_path):
    said = refused(tmp_path, "training: {learning_rate: -1.0}\n", "training: {log_every: 5}\n")
    assert said.startswith("1.yaml: training.learning_rate = -1.0")
    said = refused(tmp_path, "architecture: {head_dim: 8, num_key_value_heads: 3}\n", "training: {log_every: 5}\n")
    assert said.startswith("1.yaml: architecture")


def test_the_last_of_several_is_blamed(tmp_path):
    said = refused(tmp_path, "training: {learning_rate: 0.1}\n", "training: {learning_rate: fast}\n")
    assert said.startswith("last.yaml: training.learning_rate = 'fast'")
    # A mapping upon a value starts afresh: what the layers below have under the same keys no longer counts.
    said = refused(tmp_path, "training: none\n", "training: {learning_rate: fast}\n")
    assert said.startswith("last.yaml: training.sequence_length: is missing")


def test_what_came_from_the_command_line_is_blamed_on_it(tmp_path):
    said = refused(tmp_path, "training: {log_every: 5}\n", command_line={"training": {"learning_rate": -1.0}})
    assert said.startswith("--config: training.learning_rate = -1.0")
    said = refused(tmp_path, "training: {log_every: 0}\n", command_line={"training": {"learning_rate": 0.1}})
    assert said.startswith("last.yaml: training.log_every = 0")
    said = refused(tmp_path, command_line={"trainin": {"log_every": "5"}})
    assert said.startswith("--config: trainin = ") and said.endswith("did you mean 'training'?")


@pytest.mark.parametrize(
    ("command_line", "key", "spelling"),
    [
        ({"merging": {"sizes": ["2"]}}, "merging.sizes.0 = '2'", "merging: {sizes: [...]}"),
        ({"training": {"learning_rate": "0.1"}}, "training.learning_rate = '0.1'", "training: {learning_rate: 0.1}"),
        ({"languages": [{"epochs": "2"}]}, "languages.0.epochs = '2'", "languages: [...]"),
        ({"corpora": [{"heldout": "0.1"}]}, "corpora.0.heldout = '0.1'", "corpora: [...]"),
    ],
)
def test_text_in_brackets_after_config_has_a_cure(tmp_path, command_line, key, spelling):
    files, data = [FULL, MINIATURE], merge_mappings(read_yaml(FULL), read_yaml(MINIATURE))
    with pytest.raises(GrowmergeError) as error:
        validate(merge_mappings(data, command_line), files, command_line)
    (said,) = [line for line in str(error.value).splitlines() if key in line]
    assert said.startswith(f"--config: {key}: Input should be a valid ")
    assert (
        f"Snakemake hands over as text what stands in brackets after --config, in any spelling; write `{spelling}`"
        in said
    )
    yaml.safe_load(spelling)


def test_snakemake_reads_what_stands_in_brackets_as_text_in_any_spelling():
    from snakemake.cli import parse_config

    for text in ("{sizes: [2], keep: true}", '{"sizes": [2], "keep": true}', "{sizes: [!!int 2], keep: !!bool true}"):
        assert parse_config([f"merging={text}"]) == {"merging": {"sizes": ["2"], "keep": "true"}}
    with pytest.raises(ValueError, match="valid identifier"):
        parse_config(["merging.sizes=[2]"])


@pytest.mark.parametrize(
    ("written", "cure"),
    [
        ("3e-3", "YAML reads 3e-3 as text; write 0.003"),
        ("1e-8", "YAML reads 1e-8 as text; write 1.0e-08"),
        ("2E-5", "YAML reads 2E-5 as text; write 2.0e-05"),
        ("'0.003'", "It is in quotation marks, and so text; leave them out"),
    ],
)
def test_a_number_that_yaml_reads_as_text_has_a_cure(tmp_path, written, cure):
    said = refused(tmp_path, f"training: {{learning_rate: {written}}}\n")
    assert said.startswith("last.yaml: training.learning_rate = '")
    assert said.endswith(f": Input should be a valid number. {cure}")
    if "write" in cure:
        number = yaml.safe_load(cure.rpartition(" ")[2])
        assert isinstance(number, float) and number == float(written)


@pytest.mark.parametrize("written", ["fast", "'.nan'", "1e999"])
def test_other_text_has_no_cure(tmp_path, written):
    assert refused(tmp_path, f"training: {{learning_rate: {written}}}\n").endswith("Input should be a valid number")
