"""Evaluation on the fixed eval set: token-weighted loss, perplexity and accuracy.

Owns the metrics' definitions. It draws no random number and leaves the model in the mode it found it in, so that a run
with more evaluations trains exactly like one with fewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from ..adapters.contract import Adapter
from ..data.batches import Batch
from .likelihood import score

LOSS = "eval/loss"

# exp(709) is the largest double: a loss beyond has an infinite perplexity, not an error.
_LARGEST_EXPONENT = 709.0


def evaluate(
    model: nn.Module,
    batches: list[Batch],
    device: torch.device,
    adapter: Adapter | None,
    between_batches: Callable[[], None],
) -> dict[str, float]:
    """`eval/loss` (nats per answer token), `eval/perplexity` (its exponential) and `eval/token_accuracy` (share of the
    answer tokens that are the likeliest one). `between_batches` may raise to leave early."""
    was_training = model.training
    model.eval()
    try:
        total, tokens, correct = 0.0, 0, 0
        for batch in batches:
            between_batches()
            placed = {name: value.to(device) for name, value in batch.items()}
            if adapter is None:
                loss, count, right = score(model, placed)
            else:
                with adapter.forward_context(model, placed):
                    loss, count, right = score(model, placed)
            total += loss
            tokens += count
            correct += right
    finally:
        model.train(was_training)
    mean = total / tokens
    perplexity = math.exp(mean) if mean < _LARGEST_EXPONENT else mean if math.isnan(mean) else math.inf
    return {LOSS: mean, "eval/perplexity": perplexity, "eval/token_accuracy": correct / tokens}
