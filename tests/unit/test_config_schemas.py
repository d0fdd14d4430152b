"""Editors are told what the files of a configuration may hold: the schemas take what the workflow takes."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from growmerge.config import describe

CONFIG = Path(__file__).parents[2] / "config"
FILES = sorted(CONFIG.glob("*.yaml"))
OVERLAY = json.loads(describe.overlay_schema())


def errors(data, schema):
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(data)]


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_every_file_names_a_schema_that_takes_it(file):
    text = file.read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named, "the first line is the modeline of YAML language servers"
    schema = json.loads((CONFIG / named[1]).read_text(encoding="utf-8"))
    assert errors(yaml.safe_load(text), schema) == []


def test_the_overlay_schema_is_the_one_of_the_models():
    assert (CONFIG / "overlay.schema.json").read_text(encoding="utf-8") == describe.overlay_schema(), (
        "run `make config-docs`"
    )


@pytest.mark.parametrize(
    "overlay",
    [
        "add: {languages: [dan, {code: nob, epochs: 1, shards: 4}], methods: [{name: linear}]}",
        "languages: [{code: fao, text: [a.txt], heldout: 0.1}]",
        "training: {learning_rate: 0.1}\nmerging: {ensemble: {}}",
    ],
)
def test_an_overlay_needs_no_key(overlay):
    assert errors(yaml.safe_load(overlay), OVERLAY) == []


@pytest.mark.parametrize(
    ("overlay", "place"),
    [
        ("training: {learning_rat: 0.1}", "training"),
        ("languages: [{text: a.txt}]", "languages.0"),
        ("languages: [danish]", "languages.0"),
        ("add: {langages: [dan]}", "add"),
        ("corpora: [{name: eng}]", "corpora.0"),
    ],
)
def test_slips_are_still_underlined(overlay, place):
    assert errors(yaml.safe_load(overlay), OVERLAY)[0].startswith(f"{place}: ")


def test_a_whole_configuration_still_needs_its_sections():
    whole = json.loads(describe.schema())
    data = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    del (less := copy.deepcopy(data))["training"]
    assert errors(data, whole) == []
    assert errors(less, whole) == [": 'training' is a required property"]
