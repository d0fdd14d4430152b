"""The learning rate's schedule, and what a model costs."""

from itertools import pairwise

import pytest
import torch
from conftest import ARCHITECTURE, ROOT, VOCABULARY
from torch.utils.flop_counter import FlopCounterMode
from training_runs import RECIPE

from growmerge.config import load_files
from growmerge.config.training import Training
from growmerge.models.initialise import initialise, llama_config
from growmerge.study.flops import forward_flops, parameters
from growmerge.study.schedule import schedule

TRAINING = Training.model_validate(RECIPE["training"])  # its other settings are the paper's


def test_the_schedule_warms_up_holds_and_decays():
    s = schedule(TRAINING, 6279)
    rates = [s.learning_rate(step) for step in range(6279)]
    assert (s.warmup, s.decay) == (13, 1256)
    assert rates[0] == pytest.approx(0.003 / 13)
    assert rates[12] == rates[5000] == 0.003
    assert all(a > b > 0 for a, b in pairwise(rates[5022:]))
    assert rates[-1] < 0.003 / 1000


def test_a_very_short_run_is_not_all_warm_up():
    s = schedule(TRAINING, 20)
    assert (s.warmup, s.decay) == (2, 4)


def test_given_steps_replace_the_rule_and_never_exceed_the_run():
    assert (schedule(TRAINING, 100, 7, 30).warmup, schedule(TRAINING, 100, 7, 30).decay) == (7, 30)
    short = schedule(TRAINING, 10, 8, 30)
    assert (short.warmup, short.decay) == (8, 2)


def test_parameters_of_the_paper():
    study = load_files(ROOT / "config/config.yaml")
    assert parameters(study.architecture, 128256, 1) == 180_078_912
    assert parameters(study.architecture, 128256, 2) == 572_494_464


def test_parameters_and_flops_agree_with_a_model():
    model = initialise(llama_config(ARCHITECTURE, VOCABULARY, 0, 0), 0)
    assert parameters(ARCHITECTURE, VOCABULARY) == sum(p.numel() for p in model.parameters())
    model.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(2, 32, dtype=torch.long))
    rope = 2 * 8 / 2 * 32  # transformers computes the rotary angles by a matrix product
    assert forward_flops(ARCHITECTURE, VOCABULARY, 1, 2, 32) == pytest.approx(counter.get_total_flops(), abs=4 * rope)
