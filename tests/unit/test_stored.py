"""Headers of safetensors files: whoever reads weights says the same of a damaged one, in a line."""

import json
from pathlib import Path

import pytest
from conftest import ARCHITECTURE

from growmerge.comparing.weights import Checkpoints
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import empty_model, load_checkpoint, read_config, save_checkpoint
from growmerge.models.initialise import initialise, llama_config
from growmerge.models.stored import HEAD, own_tensors, stored_tensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(initialise(llama_config(ARCHITECTURE, 64, 0, 0), 0), tmp_path / "model", None)
    return tmp_path / "model"


def stored(folder: Path) -> dict:
    return own_tensors(folder, empty_model(read_config(folder), folder))


READERS = {"load": load_checkpoint, "merge": stored, "compare": lambda folder: Checkpoints([folder])}
DAMAGES = {
    "cut off": lambda data: data[:-10],
    "cut off within the header": lambda data: data[:100],
    "empty": lambda data: b"",
    "no JSON": lambda data: data[:8] + b"?" + data[9:],
    "a header of a length that there cannot be": lambda data: b"\xff" * 8 + data[8:],
    "an offset beyond the end": lambda data: data.replace(b'"data_offsets":[0,', b'"data_offsets":[9,', 1),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_in_one_line_by_whoever_reads_it(folder: Path, reader, damage):
    file = folder / "model.safetensors"
    damaged = DAMAGES[damage](file.read_bytes())
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    with pytest.raises(GrowmergeError) as error:
        READERS[reader](folder)
    assert str(error.value).startswith(f"{file}: unreadable weights (")
    assert "\n" not in str(error.value)


def test_bytes_are_where_the_header_says(folder: Path):
    weights = load_checkpoint(folder).state_dict()
    for name, tensor in stored(folder).items():
        data = tensor.path.read_bytes()[tensor.start : tensor.stop]
        assert data == weights[name].numpy().tobytes()
        assert list(tensor.shape) == list(weights[name].shape)


def test_a_tied_head_is_not_of_a_models_own_tensors(folder: Path):
    config = json.loads((folder / "config.json").read_text())
    assert config["tie_word_embeddings"]
    model = empty_model(read_config(folder), folder)
    assert HEAD not in own_tensors(folder, model)
    assert own_tensors(folder, model).keys() == stored_tensors(folder, model).keys() - {HEAD}
