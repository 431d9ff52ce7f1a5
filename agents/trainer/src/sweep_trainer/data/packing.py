"""Short sequences that share rows, so that less of a batch is padding. The loss is that of the same batch unpacked.

Owns which sequences share a row, and that none sees another: positions restart at each one and there is no attention
mask, from which transformers derives masks that keep them apart (for flash attention it derives their lengths). Models
that go another way are refused rather than trained wrongly.
"""

from __future__ import annotations

from itertools import chain

import torch
from torch import nn

from ..contract.failures import DataError
from .batches import IGNORED, LABELS, TOKENS, Batch
from .encoding import Example

# Of the largest logit. Rounding makes up to about 1 % in bf16; another sequence in sight far more.
_TOLERANCE = 0.02


def packed(examples: list[Example], pad: int, multiple: int = 1) -> Batch:
    """`input_ids`, `position_ids` and `labels`, each (rows × longest example rounded up to `multiple`), and `tokens`:
    as wide as unpacked, and no more rows."""
    longest = max(len(example.tokens) for example in examples)
    size = -(-longest // multiple) * multiple
    rows = _rows(examples, size)
    tokens, positions, labels, counts = [], [], [], []
    for row in rows:
        count = sum(len(example.tokens) for example in row)
        padding = size - count
        tokens.append([*chain.from_iterable(example.tokens for example in row), *[pad] * padding])
        # Every padding token is a sequence of its own.
        positions.append([*chain.from_iterable(range(len(example.tokens)) for example in row), *[0] * padding])
        labels.append([*chain.from_iterable(map(_labels, row)), *[IGNORED] * padding])
        counts.append(count)
    return {
        "input_ids": torch.tensor(tokens),
        "position_ids": torch.tensor(positions),
        LABELS: torch.tensor(labels),
        TOKENS: torch.tensor(counts),
    }


def _labels(example: Example) -> list[int]:
    # A sequence's first token is never trained: what stands before it is another sequence.
    masked = max(1, example.prompt_length)
    return [IGNORED] * masked + example.tokens[masked:]


def _rows(examples: list[Example], width: int) -> list[list[Example]]:
    """First fit, longest first: at most 11/9 of the fewest rows possible, and one."""
    rows: list[list[Example]] = []
    room: list[int] = []
    for example in sorted(examples, key=lambda example: -len(example.tokens)):
        length = len(example.tokens)
        at = next((index for index, left in enumerate(room) if length <= left), len(rows))
        if at == len(rows):
            rows.append([])
            room.append(width)
        rows[at].append(example)
        room[at] -= length
    return rows


def refuse_images(examples: list[Example]) -> None:
    """Raises DataError when an example has images: their features would have to be sorted along."""
    if any(example.images is not None for example in examples):
        raise DataError("training.packing: examples with images cannot share rows; set packing to false")


@torch.no_grad()
def refuse_if_mixed(model: nn.Module, first: Example, second: Example, device: torch.device) -> None:
    """Raises DataError when the model computes something else for `second` because `first` is in its row."""
    positions = [*range(len(first.tokens)), *range(len(second.tokens))]
    row = {"input_ids": [first.tokens + second.tokens], "position_ids": [positions]}
    inputs = {name: torch.tensor(value, device=device) for name, value in row.items()}
    found = model(**inputs, use_cache=False).logits[0, len(first.tokens) :].float()
    alone = torch.tensor([second.tokens], device=device)
    expected = model(input_ids=alone, use_cache=False).logits[0].float()
    if (found - expected).abs().max() > _TOLERANCE * expected.abs().max():
        raise DataError("training.packing: this model mixes sequences that share a row; set packing to false")
