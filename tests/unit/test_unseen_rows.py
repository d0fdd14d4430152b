"""How much of a language vector lies in rows of tokens that the language's text never holds."""

import math

import numpy as np
import pytest
from conftest import ROOT, VOCABULARY

from growmerge.artifacts import publish
from growmerge.comparing.statistics import Models
from growmerge.comparing.statistics.rows import compute
from growmerge.config.load import merge_mappings, read_yaml, validate
from growmerge.data.token_counts import COUNTS, count_tokens, read_token_counts
from growmerge.errors import GrowmergeError
from growmerge.models.checkpoints import load_checkpoint
from growmerge.study.grid import Grid
from growmerge.study.layout import Layout


@pytest.fixture(scope="module")
def compared(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unseen")
    members = {code: tiny.checkpoint(f"unseen-{code}", seed) for seed, code in enumerate(("swe", "isl"))}
    for seed, code in enumerate(members):
        count_tokens([tiny.shard(f"unseen-{code}", 3, seed)], tiny.folder / "tokenizer", VOCABULARY, folder / code)
    counts = {code: folder / code for code in members}
    return Models(members, tiny.checkpoint("unseen-base", 9), [], "cpu", folder / "work", counts)


def test_the_norms_are_those_of_the_rows(compared):
    found = {(value.first, value.measure, value.kind): value.value for value in compute(compared)}
    assert {kind for _, _, kind in found} == {"embedding"}, "the head is tied to it"
    base = load_checkpoint(compared.base).model.embed_tokens.weight.detach().double().numpy()
    for code, checkpoint in compared.members.items():
        moved = load_checkpoint(checkpoint).model.embed_tokens.weight.detach().double().numpy() - base
        unseen = read_token_counts(compared.token_counts[code]) == 0
        assert 0 < unseen.sum() < VOCABULARY
        norms = [np.linalg.norm(moved[rows]) for rows in (~unseen, unseen)]
        assert found[code, "seen_norm", "embedding"] == pytest.approx(norms[0])
        assert found[code, "unseen_norm", "embedding"] == pytest.approx(norms[1])
        share = norms[1] ** 2 / (norms[0] ** 2 + norms[1] ** 2)
        assert found[code, "unseen_share", "embedding"] == pytest.approx(share)


def test_a_model_that_did_not_move_has_no_share(compared):
    counts = {"swe": compared.token_counts["swe"]}
    still = Models({"swe": compared.base}, compared.base, [], "cpu", compared.work, counts)
    found = {value.measure: value.value for value in compute(still)}
    assert found["seen_norm"] == found["unseen_norm"] == 0
    assert math.isnan(found["unseen_share"])


def test_counts_of_another_vocabulary_are_one_error(compared, tmp_path):
    with publish(tmp_path / "few") as draft:
        np.save(draft.folder / COUNTS, np.ones(VOCABULARY - 1, dtype=np.int64))
    other = Models(compared.members, compared.base, [], "cpu", compared.work, {"swe": tmp_path / "few"})
    with pytest.raises(GrowmergeError, match=f"has {VOCABULARY} rows, but {VOCABULARY - 1} tokens are counted"):
        list(compute(other))


def test_tokens_are_counted_only_if_the_configuration_asks_and_the_text_is_read_here():
    miniature = merge_mappings(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/miniature.yaml"))

    def counted(rows, *taken, **texts):
        setups = [setup | {"from": dict.fromkeys(taken, "folder:/x")} for setup in miniature["setups"]]
        merging = miniature["merging"] | {"statistics_from": texts, "methods": LINEAR}
        merging |= {"over_training": None, "healing": None, "rounds": None}
        comparison = miniature["comparison"] | {"rows": rows}
        study = validate(miniature | {"setups": setups, "sharing": None, "merging": merging, "comparison": comparison})
        return Layout(study, Grid(study)).compared_counts()

    folder = "results/miniature/statistics/token_counts"
    assert counted(False) == {}
    assert counted(True)["swe"] == f"{folder}/swe"
    assert "swe" not in counted(True, "swe", "multi")
    assert counted(True, "swe", "multi", swe="isl")["swe"] == f"{folder}/isl"


LINEAR = [{"name": "linear", "parameters": {"weight": 1.0}}]
