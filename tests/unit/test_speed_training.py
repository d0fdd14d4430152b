"""The benchmarks of training compare what is the same: every engine trains the same model on the same batches."""

import pytest
import torch
from conftest import ROOT

SPEED = ROOT / "speed"


@pytest.fixture
def setting(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SPEED))
    from training import setting

    return setting(tmp_path, steps=6)


def test_the_engines_end_with_the_same_model(setting):
    from engines import bare, ours, trainer

    torch.set_num_threads(1)
    measured = [engine(setting) for engine in (bare, ours, trainer)]
    start = setting.model().state_dict()
    for other in measured[1:]:
        assert len(other.ends) == 6
        assert len(other.seconds(skip=2)) == 4
        for name, expected in measured[0].model.state_dict().items():
            moves = [(end - start[name]).flatten() for end in (expected, other.model.state_dict()[name])]
            assert torch.nn.functional.cosine_similarity(*moves, dim=0) > 0.99, name


def test_the_shapes_of_the_gpu_benchmark_are_the_papers(monkeypatch):
    monkeypatch.syspath_prepend(str(SPEED))
    from shapes import shape

    from growmerge.study.flops import parameters

    assert [parameters(shape(name), 128256) for name in ("180M", "572M")] == [180_078_912, 572_494_464]
