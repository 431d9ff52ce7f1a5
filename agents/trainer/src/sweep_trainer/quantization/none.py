"""No quantisation: the base model's weights in the precision of the training itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.fields import Fields
from ..process.installed import missing
from .contract import Quantization

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NoQuantization(Quantization):
    """Weights in fp32, bf16 or fp16."""

    name = "none"

    @classmethod
    def parse(cls, fields: Fields) -> NoQuantization:
        return cls()

    @classmethod
    def unavailable(cls) -> str | None:
        return missing("torch", "transformers", "accelerate")

    def load_options(self, compute: torch.dtype, device: torch.device) -> dict[str, Any]:
        return {"dtype": compute}
