"""Language vectors: what training on a language added to the ancestor's weights, compared in one pass over all models.

A language vector is a model minus its ancestor, as a task vector is (Ilharco et al. 2023). Nearly everything here
follows from sums over elements: inner products of the vectors, of their magnitudes and of their signs. So all models
are read together, tensor by tensor; what holds for a layer, a kind of tensor or the whole model adds up over tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from growmerge.comparing.places import Place, place_of
from growmerge.comparing.similarity import cosines, distances, stable_rank
from growmerge.comparing.statistics import Value
from growmerge.comparing.weights import Checkpoints
from growmerge.ids import ALL

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Products:
    """Sums over the elements of some tensors of m models; they add up over tensors.

    `weights` [m + 1, m + 1]: inner products of the weights, the base's last. `vectors` [m, m]: of the language vectors,
    `magnitudes` of their absolute values, `signs` of their signs, `moved` of whether they differ from zero.
    """

    weights: Matrix
    vectors: Matrix
    magnitudes: Matrix
    signs: Matrix
    moved: Matrix

    def __add__(self, other: Products) -> Products:
        return Products(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))


def compare_weights(members: Mapping[str, Path], base: Path, device: str | torch.device = "cpu") -> list[Value]:
    """Compare the weights of `members` (name -> checkpoint) with each other and with their ancestor `base`.

    Over all weights, by layer, by kind of tensor, and by both. Measures of one model:

    - norm: of its language vector; relative_norm: the same over the norm of the base's weights there.
    - stable_rank: mean over the weight matrices there.

    Measures of two models, `first` before `second` in the order of `members`:

    - cosine: of their language vectors.
    - sign_conflicts: share of opposite signs among the elements in which both language vectors differ from zero;
      weighted_sign_conflicts: the same, each element with the weight |v1 v2|.
    - weight_cosine: of their weights; l2_difference: norm of the difference of their weights;
      mean_l2_difference: the mean of this over the tensors there.
    - stable_rank_difference: mean over the weight matrices there of the absolute difference.

    Raises GrowmergeError for models of other shapes, or with weights that are not finite.
    """
    names = list(members)
    products: dict[Place, Products] = {}
    tensors: list[tuple[Place, Matrix]] = []
    ranks: list[tuple[Place, Matrix]] = []
    checkpoints = Checkpoints([*members.values(), base], device)
    for name, shape in checkpoints.shapes.items():
        place = place_of(name)
        of_tensor = _products(checkpoints, name)
        products[place] = products[place] + of_tensor if place in products else of_tensor
        tensors.append((place, distances(of_tensor.weights)[:-1, :-1]))
        if len(shape) == 2:
            found = [stable_rank(checkpoints.tensor(name, index)) for index in range(len(names))]
            ranks.append((place, np.array(found)))
    values: list[Value] = []
    for place in _places(list(products)):
        inside = [part for at, part in products.items() if _within(at, place)]
        values += _values(names, place, _of_products(sum(inside[1:], start=inside[0])))
        of_tensors = [distance for at, distance in tensors if _within(at, place)]
        values += _values(names, place, {"mean_l2_difference": np.mean(of_tensors, axis=0)})
        of_matrices = [rank for at, rank in ranks if _within(at, place)]
        if of_matrices:
            values += _values(names, place, _of_ranks(of_matrices))
    return values


def _products(checkpoints: Checkpoints, name: str) -> Products:
    sums: list[Any] = [0.0] * 5
    for block in checkpoints.blocks(name):
        vectors = block[:-1] - block[-1]
        signs = vectors.sign()
        for index, part in enumerate((block, vectors, vectors.abs(), signs, signs.abs())):
            sums[index] = sums[index] + part @ part.T
    return Products(*(total.cpu().numpy() for total in sums))


def _of_products(total: Products) -> dict[str, Matrix]:
    """The measures of some tensors: of one model [m], of two [m, m]."""
    norms = np.sqrt(np.diag(total.vectors))
    base = np.sqrt(total.weights[-1, -1])
    weights = total.weights[:-1, :-1]
    return {
        "norm": norms,
        "relative_norm": norms / base if base > 0 else np.full_like(norms, np.nan),
        "cosine": cosines(total.vectors),
        # Of a sum of products, agreement minus conflict; of the sum of their magnitudes, agreement plus conflict.
        "sign_conflicts": _half_of_rest(total.signs, total.moved),
        "weighted_sign_conflicts": _half_of_rest(total.vectors, total.magnitudes),
        "weight_cosine": cosines(weights),
        "l2_difference": distances(weights),
    }


def _half_of_rest(difference: Matrix, total: Matrix) -> Matrix:
    return np.divide(total - difference, 2 * total, out=np.full_like(total, np.nan), where=total > 0)


def _of_ranks(ranks: Sequence[Matrix]) -> dict[str, Matrix]:
    """Means over matrices, from the stable ranks of m models in each of them, [m]."""
    stacked = np.stack(ranks)
    return {
        "stable_rank": stacked.mean(axis=0),
        "stable_rank_difference": np.abs(stacked[:, :, None] - stacked[:, None, :]).mean(axis=0),
    }


def _places(found: Sequence[Place]) -> Iterator[Place]:
    """What is reported: everything, each layer, each kind, and each kind of each layer."""
    yield Place(None, ALL)
    yield from (Place(layer, ALL) for layer in sorted({x.layer for x in found if x.layer is not None}))
    yield from (Place(None, kind) for kind in dict.fromkeys(x.kind for x in found))
    yield from sorted(x for x in found if x.layer is not None)


def _within(tensor: Place, place: Place) -> bool:
    return place.layer in (None, tensor.layer) and place.kind in (ALL, tensor.kind)


def _values(names: Sequence[str], place: Place, measures: Mapping[str, Matrix]) -> Iterator[Value]:
    for measure, values in measures.items():
        for i, first in enumerate(names):
            if values.ndim == 1:
                yield Value(first, "", measure, float(values[i]), *place)
                continue
            for j in range(i + 1, len(names)):
                yield Value(first, names[j], measure, float(values[i, j]), *place)
