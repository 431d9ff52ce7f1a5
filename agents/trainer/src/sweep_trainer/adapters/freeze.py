"""Partial fine-tuning: the last layers of the model are trained whole, the rest is frozen.

Owns which layers these are. Embeddings, final norm and output layer stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract.failures import DataError
from ..contract.fields import Fields
from .base_weights import BaseWeights

if TYPE_CHECKING:
    from torch import nn

_LAYERS = 2


@dataclass(frozen=True)
class Freeze(BaseWeights):
    """The last `trainable_layers` decoder layers are trained."""

    name = "freeze"
    file = "trained_layers.safetensors"

    trainable_layers: int

    @classmethod
    def parse(cls, fields: Fields) -> Freeze:
        fields.disregard("rank", "alpha", "dropout", "target_modules")
        return cls(trainable_layers=fields.integer("trainable_layers", 1, _LAYERS))

    def trained(self, base: nn.Module) -> nn.Module:
        from torch import nn

        depth = base.config.get_text_config().num_hidden_layers
        if self.trainable_layers > depth:
            raise DataError(
                f"training.adapter.trainable_layers: {self.trainable_layers} is more than the {depth} layers of the "
                "model"
            )
        lists = (module for module in base.modules() if isinstance(module, nn.ModuleList) and len(module) == depth)
        layers = next(lists, None)
        if layers is None:
            raise DataError(f"adapter freeze cannot find the {depth} layers of a {type(base).__name__}")
        return layers[depth - self.trainable_layers :]
