"""Measures of how alike two models are, from their weights and from their hidden states."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh
from torch import Tensor

ROWS = 2**22  # elements of a matrix that are held in fp64 at once
DENSE = 128  # rows of a Gram matrix up to which all of its eigenvalues cost nothing

Matrix = NDArray[np.float64]


# --- representations ----------------------------------------------------------------------------------------------


def centred_gram(states: NDArray[np.floating], standardise: bool = False) -> Matrix:
    """The linear kernel of `states` [n, features], centred: HXX'H, fp64 [n, n].

    With `standardise` every feature is first divided by its standard deviation over the n rows, so that no few features
    of large variance decide alone; features that do not vary count nothing.
    """
    centred = np.asarray(states, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    if standardise:
        deviation = centred.std(axis=0)
        # Beside the largest one, what is left of a constant feature after centring is rounding.
        varies = deviation > 1e-10 * deviation.max(initial=0.0)
        centred = centred[:, varies] / deviation[varies]
    return centred @ centred.T


def cka_matrix(grams: list[Matrix]) -> Matrix:
    """Linear CKA of all pairs, [m, m], from m centred Gram matrices of the same n rows (Kornblith et al. 2019).

    CKA(K, L) = <K, L> / (|K| |L|): with K = XX', L = YY' it is |Y'X|² / (|X'X| |Y'Y|) of the centred X, Y, and 1/(n-1)²
    of HSIC cancels. NaN for a Gram matrix of zeros.
    """
    flat = np.stack([gram.ravel() for gram in grams])
    return cosines(flat @ flat.T)


# --- weights --------------------------------------------------------------------------------------------------------


def cosines(products: Matrix) -> Matrix:
    """Cosines of m vectors, [m, m], from their inner products; NaN for a vector of zeros."""
    norms = np.sqrt(np.diag(products))
    scale = np.outer(norms, norms)
    return np.divide(products, scale, out=np.full_like(scale, np.nan), where=scale > 0)


def distances(products: Matrix) -> Matrix:
    """Euclidean distances between m vectors, [m, m], from their inner products in fp64.

    A distance is exact to some 1e-8 of the norms, no more: it is a difference of squares.
    """
    squares = np.diag(products)
    return np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0.0))


def stable_rank(matrix: Tensor) -> float:
    """|W|_F² / sigma_max² of `matrix` [rows, columns]: at least 1, at most the rank; NaN for zeros.

    sigma_max² is the largest eigenvalue of W'W (of WW', if that is smaller) in fp64, by Lanczos iterations (ARPACK) to
    machine precision: at 2048 columns a small part of the cost of all singular values.
    """
    wide = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    step = max(1, ROWS // wide.shape[1])
    total = torch.zeros(wide.shape[1], wide.shape[1], dtype=torch.float64, device=matrix.device)
    for rows in wide.split(step):
        rows = rows.double()
        total += rows.T @ rows
    gram = total.cpu().numpy()
    size = len(gram)
    if size <= DENSE:
        largest = np.linalg.eigvalsh(gram)[-1]
    else:
        # A start that is the same every time, and at right angles to no eigenvector.
        start = np.random.default_rng(0).standard_normal(size)
        largest = eigsh(gram, k=1, which="LA", v0=start, return_eigenvectors=False)[0] if gram.any() else 0.0
    return float(gram.trace() / largest) if largest > 0 else float("nan")
