"""What a quantisation promises: how the base model's weights are held while an adapter trains on them.

One module per value; importing it must not import torch or bitsandbytes. Loading itself is base_model's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ..contract.fields import Fields

if TYPE_CHECKING:
    import torch
    from torch import nn


class Quantization(ABC):
    """One value of `quantization.type`, with its options. Equal values give equal base models."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def parse(cls, fields: Fields) -> Quantization:
        """Reads the options of this value. Raises DataError."""

    @classmethod
    def unavailable(cls) -> str | None:
        return None

    @abstractmethod
    def load_options(self, compute: torch.dtype, device: torch.device) -> dict[str, Any]:
        """Arguments for `from_pretrained`, for arithmetic in `compute` on `device`."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """What a freshly loaded base still needs before it is first used."""
        return model
