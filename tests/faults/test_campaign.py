"""Six faults of the campaign, in CI; `python tests/faults/campaign.py` has more."""

import pytest

from faults.campaign import campaign

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_a_grid_recovers_from_random_faults(tmp_path):
    outcomes = campaign(tmp_path, faults=6, seed=4)  # which begins with text that is there
    assert len(outcomes) == 6
    assert [str(outcome) for outcome in outcomes if outcome.problems] == []
