"""Log-probabilities of minimal pairs of made-up tokens: our engine and lm-evaluation-harness's model, on a GPU if any.

    python speed/scoring_gpu.py [--shape 180M] [--pairs 20000] [--batch 64 256] [--slots 2048 32768] [--json FILE]

Both get the same model (random weights, fp32, as the workflow scores) and the same token ids, so tokenizers play no
part. A pair is a text of 8 to 40 tokens, and the same with one token exchanged. The harness runs in batches of so many
texts, and in its default of 1 on a twentieth of the pairs; our engine in batches of so many slots. `differs` is the
largest distance between the log-probabilities of a way and of our engine's first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from lines import add, why
from made_up import BOS, tokenizer
from numpy.typing import NDArray
from shapes import WIDTHS, shape
from transformers import PreTrainedModel

from growmerge.evaluation.engine import log_likelihoods
from growmerge.evaluation.request import Request
from growmerge.models.initialise import initialise, llama_config

Way = Callable[[list[Request]], NDArray[np.float64]]


def pairs(count: int, vocabulary: int, positions: int) -> list[Request]:
    """The texts of so many pairs, one after another."""
    draw, requests = np.random.default_rng(0), []
    for _ in range(count):
        one = draw.zipf(1.3, draw.integers(8, min(40, positions - 1) + 1)) % vocabulary
        other = one.copy()
        other[draw.integers(len(one))] = draw.integers(vocabulary)
        requests += [Request((BOS,), tuple(text.tolist())) for text in (one, other)]
    return requests


def ours(model: PreTrainedModel, slots: int) -> Way:
    """Our engine, in batches of so many slots."""
    return lambda requests: log_likelihoods(model, requests, tokens_per_batch=slots)


def harness(model: PreTrainedModel, batch: int) -> Way:
    """lm-evaluation-harness's model, in batches of so many texts."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, tokenizer=tokenizer(), batch_size=batch)

    def score(requests: list[Request]) -> NDArray[np.float64]:
        asked = [(("", str(i)), list(r.context), list(r.continuation)) for i, r in enumerate(requests)]
        return np.array([logprob for logprob, _ in lm._loglikelihood_tokens(asked, disable_tqdm=True)])

    return score


def main() -> None:
    """Print a table; FILE gets a line of JSON for each row, at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="180M", choices=WIDTHS)
    parser.add_argument("--vocabulary", type=int, default=128_256)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--batch", type=int, nargs="+", default=[256, 64])
    parser.add_argument("--slots", type=int, nargs="+", default=[32_768, 2048])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    architecture = shape(options.shape)
    model = initialise(llama_config(architecture, options.vocabulary, 0, 0), 1).eval()
    torch.nn.Module.to(model, device)
    requests = pairs(options.pairs, options.vocabulary, architecture.max_position_embeddings)
    few = requests[: 2 * max(1, options.pairs // 20)]
    ways: list[tuple[str, Callable[[], Way], list[Request]]] = [
        (f"growmerge, {slots} slots", partial(ours, model, slots), requests) for slots in options.slots
    ]
    if find_spec("lm_eval"):
        ways += [(f"harness, batches of {n}", partial(harness, model, n), requests) for n in options.batch]
        ways.append(("harness, batches of 1", partial(harness, model, 1), few))
    reference: NDArray[np.float64] | None = None
    print("| way | pairs | seconds | pairs/s | differs |\n|---|---|---|---|---|")
    for name, make, texts in ways:
        row: dict[str, object] = {"way": name, "shape": options.shape, "pairs": len(texts) // 2, "device": device.type}
        try:
            score = make()
            score(few[:64])  # kernels are loaded
            start = time.perf_counter()
            found = score(texts)
            seconds = time.perf_counter() - start
        except Exception as error:
            add(options.json, row | {"failed": why(error)})
            print(f"| {name} | {len(texts) // 2} | failed: {why(error)} | | |", flush=True)
            continue
        reference = found if reference is None else reference
        differs = float(np.abs(found - reference[: len(found)]).max())
        row |= {"seconds": seconds, "pairs_per_second": len(texts) / 2 / seconds, "differs": differs}
        add(options.json, row)
        print(
            f"| {name} | {row['pairs']} | {seconds:.2f} | {row['pairs_per_second']:,.0f} | {differs:.1e} |", flush=True
        )


if __name__ == "__main__":
    main()
