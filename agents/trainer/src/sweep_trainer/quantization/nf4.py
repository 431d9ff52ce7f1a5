"""NF4 with double quantisation (QLoRA, arXiv 2305.14314, section 3): 64 weights share a scale, each is one of 16
quantiles of the normal distribution; 256 scales share one again and take 8 bits. 4.127 bits a weight.

Owns the options of bitsandbytes that make it so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.fields import Fields
from ..process.installed import missing
from . import bitsandbytes
from .contract import Quantization

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Nf4(Quantization):
    """No options. The arithmetic is in the training's own precision, on weights unpacked for each use."""

    name = "nf4"

    @classmethod
    def parse(cls, fields: Fields) -> Nf4:
        return cls()

    @classmethod
    def unavailable(cls) -> str | None:
        return missing(*bitsandbytes.PACKAGES)

    def load_options(self, compute: torch.dtype, device: torch.device) -> dict[str, Any]:
        return bitsandbytes.load_options(
            compute,
            device,
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
        )

    def prepare(self, model: nn.Module) -> nn.Module:
        from bitsandbytes.nn import Linear4bit

        for module in model.modules():
            if isinstance(module, Linear4bit):
                # On a CPU with AVX512-BF16 an evaluation would repack the weights in place, for a kernel that rounds
                # to bf16 and through which no gradient flows: the training after it would be wrong without a word.
                module.support_avx512bf16_for_cpu = False
        return model
