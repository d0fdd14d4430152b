"""Rows of the embedding after the embeddings of all languages have got the same centre."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_merging_rows import CODES, tensors

from growmerge.errors import GrowmergeError
from growmerge.merging.methods import Tensors
from growmerge.merging.methods.centred_rows import centred_rows
from growmerge.merging.methods.rows import rows

COUNTS = [[90, 0, 5, 0, 0], [30, 20, 0, 0, 4], [1, 2, 0, 0, 0]]


def test_the_rows_are_those_of_the_formula():
    given = tensors(COUNTS)
    members, base = given.members.double().numpy(), given.base.double().numpy()
    centres = members.sum(1) / 5
    frequencies = np.array(COUNTS) / np.array([95, 54, 3])[:, None] * 100_000
    for centring, prior, rest in ((1.0, 1.0, 1.0), (0.25, 700.0, 0.5)):
        found = centred_rows(given, centring=centring, prior=prior, rest=rest).numpy()
        for token in range(5):
            differences = members[:, token] + centring * (centres.mean(0) - centres) - base[token]
            weights = frequencies[:, token] / (frequencies[:, token].sum() + prior)
            expected = base[token] + weights @ differences + rest * (1 - weights.sum()) * differences.mean(0)
            np.testing.assert_allclose(found[token], expected, rtol=1e-5, atol=1e-5)


def test_without_centring_it_is_rows():
    given = tensors(COUNTS)
    assert torch.equal(centred_rows(given, centring=0.0, prior=3.0), rows(given, prior=3.0))
    assert not torch.allclose(centred_rows(given), rows(given))


def test_members_of_one_centre_are_left_alone():
    given = tensors(COUNTS)
    members = given.members - given.members.mean(1, keepdim=True) + torch.arange(6.0)
    torch.testing.assert_close(centred_rows(replace(given, members=members)), rows(replace(given, members=members)))


def test_a_vector_that_is_added_to_all_rows_of_one_member_spreads_evenly():
    """Under `rows` it would stay in the rows of the member's tokens alone."""
    given = tensors(COUNTS)
    members = given.members.clone()
    members[1] += torch.arange(6.0)
    moved = centred_rows(replace(given, members=members)) - centred_rows(given)
    torch.testing.assert_close(moved, (torch.arange(6.0) / 3).expand(5, 6))


def test_equal_frequencies_give_the_mean_and_one_language_itself():
    given = tensors([[3, 1, 0, 7], [6, 2, 0, 14]])
    torch.testing.assert_close(centred_rows(given), given.members.mean(0))
    alone = tensors([[3, 1, 0, 7]])
    torch.testing.assert_close(centred_rows(alone), alone.members[0])


def test_a_tensor_without_a_row_for_each_token_is_refused():
    statistics = {"token_counts": [torch.ones(5)]}
    wrong = Tensors("x", (4, 6), CODES[:1], torch.ones(1, 4, 6), torch.ones(4, 6), statistics, str)
    with pytest.raises(GrowmergeError, match=r"tensor x of shape \[4, 6\] does not have one row for each of the 5"):
        centred_rows(wrong)
