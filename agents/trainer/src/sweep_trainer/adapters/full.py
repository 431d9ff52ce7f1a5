"""Full fine-tuning: every weight of the model is trained. What is stored is a whole transformers model.

Owns the choice of all weights, and the model's configuration beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.fields import Fields
from .base_weights import BaseWeights

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Full(BaseWeights):
    """No options: rank, alpha, dropout and target modules are an adapter's."""

    name = "full"
    file = "model.safetensors"

    @classmethod
    def parse(cls, fields: Fields) -> Full:
        fields.disregard("rank", "alpha", "dropout", "target_modules")
        return cls()

    def trained(self, base: nn.Module) -> nn.Module:
        return base

    def save(self, model: nn.Module, directory: Path) -> None:
        super().save(model, directory)
        model.config.save_pretrained(str(directory))
