"""The linear algebra of noise reduction: a randomised SVD of a low-rank update and how much of it lies in the base
weight's main subspace.

Owns the formulas. Which modules they are applied to, and what becomes of the result, is norm's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_POWER_ITERATIONS = 4  # of the base weight's low-rank SVD (arXiv 0909.4061, section 4.5)
_OVERSAMPLING = 10


@dataclass(frozen=True)
class Reduced:
    """An update of rank c: `b` (outputs × c) times `a` (c × inputs), and `left` (outputs × c), its orthonormal left
    singular vectors."""

    a: Tensor
    b: Tensor
    left: Tensor


def reduce(a: Tensor, b: Tensor, rank: int) -> Reduced:
    """`b` · `a` at rank `rank` by a randomised SVD without power iterations: P = BA, Q = qr(PΩ), SVD(QᵀP). P itself is
    never made. Ω is Gaussian (inputs × rank), from torch's global generator."""
    omega = torch.randn(a.shape[1], rank, dtype=a.dtype, device=a.device)
    q, _ = torch.linalg.qr(b @ (a @ omega))
    u, s, v = torch.linalg.svd((q.T @ b) @ a, full_matrices=False)
    left = q @ u
    return Reduced(a=v, b=left * s, left=left)


def main_subspace(weight: Tensor, rank: int) -> Tensor:
    """The `rank` first left singular vectors of `weight`, as columns; exact when the weight is small."""
    width = min(rank + _OVERSAMPLING, *weight.shape)
    u, _, _ = torch.svd_lowrank(weight, q=width, niter=_POWER_ITERATIONS)
    return u[:, :rank]


def similarity(left: Tensor, base: Tensor) -> float:
    """φ = ‖Uᵀ·V‖²_F / r, between 0 and 1, for V = `base` (outputs × r) and U the first r left singular vectors of an
    update, of which only c ≤ r exist: `left` (outputs × c). The missing r - c are anything orthogonal to them; what
    stands for them is what a random choice gives on average, (r - c)·(r - ‖leftᵀ·V‖²_F) / (outputs - c). So a
    direction of the update is worth keeping when it lies in V more than a random one."""
    outputs, count = left.shape
    rank = base.shape[1]
    shared = float((left.T @ base).square().sum())
    if count < rank:
        shared += (rank - count) * (rank - shared) / (outputs - count)
    return shared / rank
