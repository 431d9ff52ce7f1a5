"""In which order an epoch goes through the training examples: a function of seed and epoch, of nothing else.

Owns the shuffle. Since it draws from no shared generator, neither dropout nor a resumed run can change it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

_WINDOW = 50  # batches that are sorted together when batches are grouped by length


class DataOrder(Sampler[int]):
    """A new shuffle each epoch. With `lengths`, examples of similar length share a batch of `batch_size`."""

    def __init__(self, count: int, seed: int, lengths: list[int] | None = None, batch_size: int = 1) -> None:
        self._count = count
        self._seed = seed
        self._lengths = lengths
        self._batch_size = batch_size
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed((self._seed * 1_000_003 + self._epoch) % 2**63)
        order = torch.randperm(self._count, generator=generator).tolist()
        return iter(order if self._lengths is None else self._grouped(order, self._lengths, generator))

    def _grouped(self, order: list[int], lengths: list[int], generator: torch.Generator) -> list[int]:
        size = self._batch_size
        batches: list[list[int]] = []
        for start in range(0, len(order), size * _WINDOW):
            window = sorted(order[start : start + size * _WINDOW], key=lambda index: lengths[index])
            batches += [window[at : at + size] for at in range(0, len(window), size)]
        # A smaller batch must stay the last one, where the plan has it.
        tail = [batches.pop()] if len(batches[-1]) < size else []
        shuffled = torch.randperm(len(batches), generator=generator).tolist()
        return [index for batch in [batches[at] for at in shuffled] + tail for index in batch]
