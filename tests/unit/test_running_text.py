"""Held-out text: halves, pieces, bits per byte."""

import numpy as np
import pandas as pd
import pytest
import torch
from random_llama import random_llama
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from growmerge.artifacts import publish, read_manifest
from growmerge.benchmarks.build import HeldOutShards, write_tuning_text
from growmerge.benchmarks.items import ITEMS, read_items
from growmerge.benchmarks.made.running_text import of_half, text_items
from growmerge.benchmarks.pieces import document_of, piece_id, pieces
from growmerge.catalogue.entry import Entry, Metric
from growmerge.data.corpus import HELDOUT
from growmerge.data.documents import Document, write_documents
from growmerge.errors import GrowmergeError
from growmerge.evaluation.outcomes import Documents, bits_per_byte
from growmerge.evaluation.scorer import score_items
from growmerge.study.grid import Model
from growmerge.tables.contrasts import Contrast, compare
from growmerge.tables.drops import drops
from growmerge.tables.paired import paired_difference
from growmerge.tables.summary import SCORE_COLUMNS, best, summarise

DOCUMENTS = [Document(f"s{i}", f"sentence number {i} of a text — with some örd") for i in range(400)]
MEASURED = {"text": ("bits_per_byte", "sum")}
NO_REFERENCE = pd.DataFrame(columns=list(SCORE_COLUMNS))


@pytest.mark.parametrize("most", [16, 17, 40, 1000])
@pytest.mark.parametrize(
    "text", ["a b c", "  begins, and ends  \n", "x" * 100, "é" * 50 + " é" * 50, "سلام دنیا " * 9, "one\n\ntwo three"]
)
def test_pieces_are_the_text(text, most):
    parts = pieces(text, most)
    assert "".join(parts) == text
    assert all(part.strip() for part in parts)
    longest_space = max(len(part) - len(part.strip()) for part in parts)
    assert all(len(part.encode()) <= most + longest_space for part in parts)


def test_pieces_end_before_white_space_and_are_as_long_as_they_can_be():
    assert pieces("aaaa bbbb cccc dddd eeee", 16) == ["aaaa bbbb cccc", " dddd eeee"]


def test_a_document_is_found_again_from_the_id_of_its_piece():
    assert document_of(piece_id("fineweb:<urn#7>", 12)) == "fineweb:<urn#7>"


def test_halves_are_disjoint_whole_and_about_equal():
    test, tuning = of_half(DOCUMENTS, "test"), of_half(DOCUMENTS, "tuning")
    assert sorted(d.id for d in [*test, *tuning]) == sorted(d.id for d in DOCUMENTS)
    assert 150 < len(test) < 250


def test_parallel_documents_are_in_the_same_half():
    other = [Document(document.id, "something else") for document in DOCUMENTS]
    assert [d.id for d in of_half(DOCUMENTS, "test")] == [d.id for d in of_half(other, "test")]


def test_the_limit_counts_documents_and_a_larger_one_only_adds():
    few, more = (text_items(DOCUMENTS, "test", limit, 20) for limit in (5, 9))
    assert len({document_of(item.id) for item in few}) == 5
    assert more[: len(few)] == few
    assert len(few) > 5, "long documents have several pieces"


def test_tuning_text_is_the_other_half(tmp_path):
    shard = tmp_path / "documents"
    with publish(shard, inputs=[], config={}) as draft:
        write_documents(DOCUMENTS, draft.folder / HELDOUT)
    write_tuning_text(tmp_path / "tuning", HeldOutShards([shard]), limit=50, piece_bytes=1000)
    items = read_items(tmp_path / "tuning" / ITEMS)
    assert {document_of(item.id) for item in items} <= {d.id for d in of_half(DOCUMENTS, "tuning")}
    assert read_manifest(tmp_path / "tuning").facts == {"pieces": 50, "documents": 50}


@pytest.mark.parametrize(
    ("count", "limit", "advice"),
    [
        (0, 50, "0 held-out texts to tune merges on, fewer than 20; raise `heldout` of the corpus"),
        (30, 50, "fewer than 20; raise `heldout` of the corpus"),
        (len(DOCUMENTS), 19, r"19 held-out texts .*raise `limit` of the benchmark of bits per byte \(19; there are"),
    ],
)
def test_too_little_tuning_text_is_named_with_what_would_help(tmp_path, count, limit, advice):
    shard = tmp_path / "documents"
    with publish(shard, inputs=[], config={}) as draft:
        write_documents(DOCUMENTS[:count], draft.folder / HELDOUT)
    with pytest.raises(GrowmergeError, match=advice):
        write_tuning_text(tmp_path / "tuning", HeldOutShards([shard]), limit=limit, piece_bytes=1000)


# --- bits per byte --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scored():
    """Scores of a random model that reads bytes, and the items."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({"<s>": 0} | {sign: 1 + i for i, sign in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    model = random_llama(3, 0.3, vocab_size=257)
    items = text_items(DOCUMENTS, "test", 30, 24)
    table = score_items(model, tokenizer, {("text", "swe"): items}, bos_id=0)
    return model, tokenizer, items, table.to_pandas()


def test_bits_per_byte_are_an_independent_sum(scored):
    model, tokenizer, items, rows = scored
    bits = count = 0
    with torch.no_grad():
        for item in items:
            ids = torch.tensor([[0, *tokenizer.encode(item.candidates[0]).ids]])
            logprobs = model(ids).logits[0, :-1].double().log_softmax(-1)
            bits -= logprobs.gather(1, ids[0, 1:, None]).sum().item() / np.log(2)
            count += len(item.candidates[0].encode())
    assert count == sum(len(d.text.encode()) for d in DOCUMENTS if d.id in {document_of(item.id) for item in items})
    assert rows["bytes"].sum() == count
    assert bits_per_byte(rows) == pytest.approx(bits / count, rel=1e-6)
    documents = Documents.of(rows)
    assert len(documents.index) == 30, "one for each document, not for each piece"
    summed = documents.bits(rows["logprob"].to_numpy()).sum()
    assert summed / documents.bytes.sum() == pytest.approx(bits / count, rel=1e-6)


def test_the_summary_has_bits_per_byte_with_an_interval_over_documents(scored):
    *_, rows = scored
    model = Model("base", "base", (), 1)
    table = summarise({"base": rows}, [model], NO_REFERENCE, 500, 1, measured=MEASURED)
    (cell,) = table.itertuples()
    assert (cell.measure, cell.language, cell.subset, cell.n) == ("bits_per_byte", "swe", "all", 30)
    assert cell.value == pytest.approx(bits_per_byte(rows))
    assert cell.low < cell.value < cell.high
    assert np.isnan(cell.chance)


def test_a_log_probability_that_is_no_number_makes_no_score(scored):
    *_, rows = scored
    rows = rows.assign(logprob=rows["logprob"].where(rows.index != 3))
    assert np.isnan(bits_per_byte(rows))
    table = summarise({"base": rows}, [Model("base", "base", (), 1)], NO_REFERENCE, 50, 1, measured=MEASURED)
    assert table["value"].isna().all()


def test_contrasts_of_bits_per_byte_are_the_difference_and_fewer_bits_are_better(scored):
    *_, rows = scored
    better = rows.assign(logprob=0.9 * rows["logprob"])
    table = compare({"a": better, "b": rows}, [Contrast("method", "a", "b", ("swe",))], NO_REFERENCE, 500, 1, MEASURED)
    (row,) = table.itertuples()
    assert row.difference == pytest.approx(bits_per_byte(better) - bits_per_byte(rows))
    assert row.low < row.difference < row.high < 0
    assert (row.better, row.worse, row.n) == (30, 0, 30)


def test_paired_differences_know_which_direction_is_better():
    up = np.array([1.0] * 30 + [-1.0] * 5)
    assert paired_difference(up, 10, 0)[2:4] == (30, 5)
    assert paired_difference(up, 10, 0, lower_is_better=True)[2:4] == (5, 30)


def test_the_best_of_bits_per_byte_is_the_lowest():
    assert best("bits_per_byte", pd.Series([2.0, 1.0])) == 1.0
    assert best("parity", pd.Series([2.0, 1.0])) == 2.0


def test_a_merge_that_needs_more_bits_has_a_negative_delta():
    cells = [
        *(("isl", "", "isl", 2.0), ("swe", "", "swe", 1.0)),
        *(("isl+swe", "linear", "isl", 2.5), ("isl+swe", "linear", "swe", 1.5)),
    ]
    summary = pd.DataFrame(cells, columns=["target", "method", "language", "value"])
    summary = summary.assign(measure="bits_per_byte", setup="1x", subset="all")
    delta = drops(summary, ["1x"], ["isl", "swe"], "linear").set_index("measure")["delta"]
    assert delta["bits_per_byte"] == pytest.approx(-0.5)
    assert np.isnan(delta["mean"]), "no share among the measures, so no mean of shares"


def test_metric_and_measure_go_together():
    with pytest.raises(ValueError, match="in bits per byte is of the measure 'bits_per_byte'"):
        Entry("x", "y", Metric("bits_per_byte"), "acceptability")
