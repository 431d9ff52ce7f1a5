"""The one loss of this package: negative log-likelihood, in nats, of the labelled tokens.

Owns the arithmetic between a model's hidden states and a loss, for training and evaluation alike. Logits are computed
for labelled positions only: with a large vocabulary the logits of masked prompts would be most of the memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.batches import IGNORED, LABELS, Batch, model_inputs


def answer_logits(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits (n × vocabulary, fp32) and targets (n) of the batch's n labelled tokens, row by row."""
    labels = batch[LABELS][:, 1:]
    labelled = labels != IGNORED
    positions = batch["input_ids"].shape
    head = model.get_output_embeddings()

    def keep_labelled(_module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        hidden = arguments[0]
        if hidden.shape[:2] != positions:
            return None
        return (hidden[:, :-1][labelled].unsqueeze(0), *arguments[1:])

    hook = head.register_forward_pre_hook(keep_labelled) if head is not None else None
    try:
        logits = model(**model_inputs(batch), use_cache=False).logits
    finally:
        if hook is not None:
            hook.remove()
    # A model that does not send its hidden states through that layer as they are gives the logits of every position.
    logits = logits[:, :-1][labelled] if logits.shape[:2] == positions else logits.squeeze(0)
    return logits.float(), labels[labelled]


def summed_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The batch's loss, summed over its labelled tokens."""
    logits, targets = answer_logits(model, batch)
    return functional.cross_entropy(logits, targets, reduction="sum")


@torch.no_grad()
def score(model: nn.Module, batch: Batch) -> tuple[float, int, int]:
    """Summed loss, number of labelled tokens, and how many of them greedy decoding would have got right."""
    logits, targets = answer_logits(model, batch)
    loss = functional.cross_entropy(logits, targets, reduction="sum")
    correct = (logits.argmax(dim=-1) == targets).sum()
    return float(loss), targets.numel(), int(correct)
