"""What a process keeps from one trial to the next: the base model, encoded examples, and the base model's own score.

Owns the keys under which things may be shared, and how many are kept. Everything it gives out is exactly what a cold
process would have made: that is why keys hold whatever the content depends on.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import torch
from torch import nn

from ..quantization.contract import Quantization
from . import base_model
from .base_model import BaseModel
from .model_files import ModelFiles

Kept = TypeVar("Kept")

_LIMIT = 16  # of the things kept besides the model; the least recently used one goes first


class WarmState:
    """One base model at a time: a second one might not fit. Whatever was made with it stays under its key."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._base: BaseModel | None = None
        self._kept: OrderedDict[Hashable, object] = OrderedDict()

    def base(
        self, files: ModelFiles, quantization: Quantization, precision: str, device: torch.device
    ) -> tuple[BaseModel, Hashable, bool]:
        """The base model, the key it is known by, and whether it was here already."""
        key = (files.name, files.stamp(), quantization, precision, str(device), torch.get_num_threads())
        if self._base is not None and key == self._key:
            return self._base, key, True
        self.drop_base()
        _free()  # what an earlier trial has dropped may have died only after it
        self._base = base_model.load(files, quantization, precision, device)
        self._key = key
        _settle()
        return self._base, key, False

    def give_back(self, model: nn.Module) -> None:
        """Takes the detached model back; one that a trial has changed is dropped, and the next trial loads again."""
        if self._base is not None and not self._base.give_back(model):
            print("the trial changed its base model; the next one loads it again", flush=True)
            self.drop_base()
        _settle()

    def drop_base(self) -> None:
        """Frees the base model."""
        if self._base is None:
            return
        self._base, self._key = None, None
        _free()

    def keep(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """What is kept under `key`, made now if it is not there."""
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > _LIMIT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]  # type: ignore[return-value]


def _free() -> None:
    gc.unfreeze()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _settle() -> None:
    """Frees what the last trial left in reference cycles, its optimiser among them, and sets aside what is alive: the
    next collection need not look at it again, which is the difference between 1 ms and 200 ms a trial."""
    gc.collect()
    gc.freeze()
