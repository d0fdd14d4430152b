"""Our scores are those of lm-evaluation-harness and of the package information-parity."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ARCHITECTURE, Tiny
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from growmerge.benchmarks.items import Item, with_leading_space
from growmerge.benchmarks.made.word_order import word_order_pairs
from growmerge.data.sources import read_topics
from growmerge.data.tokenizer import load_tokenizer
from growmerge.evaluation.outcomes import outcomes
from growmerge.evaluation.scorer import score_items
from growmerge.models.external import load_model

FEW_SHOT = 2


@dataclass(frozen=True)
class Subject:
    """A model that is scored by us and by others."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    folder: Path

    def scores(self, items: list[Item]) -> pd.DataFrame:
        tokenizer, begin, _ = load_tokenizer(self.folder)
        return score_items(self.model, tokenizer, {("task", "eng"): items}, bos_id=begin).to_pandas()


@pytest.fixture(scope="module", params=["tiny Llama", pytest.param("SmolLM2-135M", marks=pytest.mark.slow)])
def subject(request: pytest.FixtureRequest, tiny: Tiny) -> Iterator[Subject]:
    if request.param == "tiny Llama":
        shape = ARCHITECTURE.model_copy(update={"max_position_embeddings": 2048, "initializer_range": 0.3})
        folder = tiny.checkpoint("agreement", seed=3, architecture=shape)
    else:
        folder = request.getfixturevalue("smollm2")
    yield Subject(load_model(folder), AutoTokenizer.from_pretrained(folder), folder)


def sentences() -> list[str]:
    return sorted({d.text for d in read_topics() if 8 <= len(d.text.split()) <= 20})


def pairs() -> list[Item]:
    return word_order_pairs(list(read_topics()), 8, seed=1)


def questions() -> list[Item]:
    """How sentences of Python's documentation go on, with the ends of three others as wrong answers."""
    split = [(words[:-3], words[-3:]) for words in (text.split() for text in sentences()[:9])]
    ends = [" ".join(end) for _, end in split]
    items = [
        Item(
            str(number),
            "",
            tuple(f" {ends[(number + step) % len(ends)]}" for step in range(4)),
            context=f"Sentence: {' '.join(begin)} …\nIt ends:",
        )
        for number, (begin, _) in enumerate(split)
    ]
    return [item for item in items if len(set(item.candidates)) == 4]


def with_examples(items: list[Item]) -> list[Item]:
    """The rest of the items, after the first of them with their answers."""
    preamble = "".join(f"{item.context}{item.candidates[0]}\n\n" for item in items[:FEW_SHOT])
    return [replace(item, context=preamble + item.context) for item in items[FEW_SHOT:]]


def harness(
    subject: Subject,
    folder: Path,
    items: list[Item],
    examples: list[Item] = [],  # noqa: B006
    delimiter: str | None = None,
) -> dict:
    """What lm-evaluation-harness makes of the items as a task of its own, on the same model."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    files = {}
    for split, some in {"test": items, "train": examples}.items():
        if some:
            files[split] = str(folder / f"{split}.jsonl")
            rows = [
                {"question": item.context, "choices": [text.removeprefix(" ") for text in item.candidates], "gold": 0}
                for item in some
            ]
            Path(files[split]).write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = {
        "task": "ours",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": files, "cache_dir": str(folder / "cache")},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": (" " if items[0].context else "") if delimiter is None else delimiter,
        "metric_list": [{"metric": name} for name in ("acc", "acc_norm")],
    }
    if items[0].context:
        # Ours begins every text with this token; the harness's own switch leaves it to the tokenizer, and these two's
        # add none. Without a context the harness begins with it, too.
        task["description"] = subject.tokenizer.bos_token
    if examples:
        task |= {
            "fewshot_split": "train",
            "num_fewshot": len(examples),
            "fewshot_config": {"sampler": "first_n"},
            "fewshot_delimiter": "\n\n",
        }
    (folder / "ours.yaml").write_text(json.dumps(task))
    return lm_eval.simple_evaluate(
        model=HFLM(pretrained=subject.model, tokenizer=subject.tokenizer, batch_size=8),
        tasks=["ours"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        log_samples=True,
        bootstrap_iters=0,
    )


def logprobs(results: dict) -> list[float]:
    """The harness's log-likelihood of every request, item by item."""
    samples = sorted(results["samples"]["ours"], key=lambda sample: sample["doc_id"])
    return [float(answer[0][0]) for sample in samples for answer in sample["resps"]]


@pytest.mark.parametrize("kind", ["minimal pairs", "questions", "questions after examples"])
def test_every_log_likelihood_and_the_accuracies_are_the_harness_s(subject: Subject, tmp_path: Path, kind: str):
    items = {"minimal pairs": pairs, "questions": questions, "questions after examples": questions}[kind]()
    if kind == "questions after examples":
        theirs = harness(subject, tmp_path, items[FEW_SHOT:], items[:FEW_SHOT])
        items = with_examples(items)
    else:
        theirs = harness(subject, tmp_path, items)
    ours = subject.scores(items)
    found, expected = ours["logprob"].to_numpy(), np.array(logprobs(theirs))
    assert found.std() > 5, "or nearly anything would agree"
    assert np.abs(found - expected).max() < 1e-4
    metrics = theirs["results"]["ours"]
    assert outcomes(ours)["right"].mean() == metrics["acc,none"]
    assert outcomes(ours, "character")["right"].mean() == metrics["acc_norm,none"]


def test_a_leading_space_is_the_delimiter_that_the_harness_puts_before_sentences(subject: Subject, tmp_path: Path):
    spaced = list(map(with_leading_space, pairs()))
    theirs = harness(subject, tmp_path, spaced, delimiter=" ")
    ours = subject.scores(spaced)
    assert np.abs(ours["logprob"].to_numpy() - np.array(logprobs(theirs))).max() < 1e-4
    assert np.abs(ours["logprob"].to_numpy() - subject.scores(pairs())["logprob"].to_numpy()).max() > 0.1
    assert outcomes(ours)["right"].mean() == theirs["results"]["ours"]["acc,none"]
    assert outcomes(ours, "character")["right"].mean() == theirs["results"]["ours"]["acc_norm,none"]


def test_spaces_at_the_end_of_a_context_are_scored_with_the_candidate_as_in_the_harness(subject: Subject):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    bos = subject.tokenizer.bos_token
    texts = [
        ("The cat ", "sees the dog"),
        ("The cat\n\n", "is warm"),
        ("The", "re is"),
        (" ", "a"),
    ]
    items = [Item(str(n), "", (continuation,), context=context) for n, (context, continuation) in enumerate(texts)]
    lm = HFLM(pretrained=subject.model, tokenizer=subject.tokenizer, batch_size=1)
    requests = [
        Instance("loglikelihood", {}, (bos + context, continuation), n)
        for n, (context, continuation) in enumerate(texts)
    ]
    expected = [logprob for logprob, _ in lm.loglikelihood(requests)]
    assert subject.scores(items)["logprob"].tolist() == pytest.approx(expected, abs=1e-4)


def test_information_parity_is_that_of_its_package(subject: Subject):
    from information_parity import InformationParity

    english = sentences()[:8]
    # Any other sentences do: the package does not ask whether they are translations.
    other = [text.replace("the", "þe").replace("is", "ist").upper() for text in english]
    begin_in_tokenizer = subject.tokenizer("a").input_ids[0] == subject.tokenizer.bos_token_id
    package = InformationParity(
        subject.model, subject.tokenizer, is_sentence_piece_tokenizer=begin_in_tokenizer, device=torch.device("cpu")
    )
    items = [Item(str(number), "", (text,)) for number, text in enumerate([*english, *other])]
    costs = -subject.scores(items)["logprob"].to_numpy()
    ratios = costs[: len(english)] / costs[len(english) :]
    expected, _ = package.compute_information_parity(english, other)
    assert ratios.mean() == pytest.approx(expected, rel=1e-5)
    assert not 0.99 < expected < 1.01
