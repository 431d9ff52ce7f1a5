"""LoRA+ (arXiv 2402.12354): LoRA whose B learns faster than its A, by a fixed ratio of their learning rates.

Owns the ratio and the two optimiser groups. The model, and so what is stored, is plain LoRA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.fields import Fields
from .lora import Lora

if TYPE_CHECKING:
    from torch import nn

_RATIO = 16.0  # what the authors' experiments settle on


@dataclass(frozen=True)
class LoraPlus(Lora):
    """LoRA's options, and `lr_ratio`: B's learning rate as a multiple of A's, which is the trial's."""

    name = "lora+"

    lr_ratio: float

    @classmethod
    def parse(cls, fields: Fields) -> LoraPlus:
        plain = Lora.parse(fields)
        return cls(**vars(plain), lr_ratio=fields.number("lr_ratio", 0, above=True, default=_RATIO))

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """A's group comes first: its rate is the one that is reported."""
        trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        slow = [parameter for name, parameter in trainable if ".lora_B." not in name]
        fast = [parameter for name, parameter in trainable if ".lora_B." in name]
        return [
            {"params": slow, "lr": learning_rate, "weight_decay": weight_decay},
            {"params": fast, "lr": learning_rate * self.lr_ratio, "weight_decay": weight_decay},
        ]
