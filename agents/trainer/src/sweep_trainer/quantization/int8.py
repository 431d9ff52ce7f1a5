"""LLM.int8() (arXiv 2208.07339): eight bits a weight with a scale per output; inputs beyond 6 are multiplied apart, in
16 bits.

Owns the option of bitsandbytes that makes it so. On a GPU, and in evaluations on a CPU, inputs are rounded to eight
bits too; on a CPU the training itself multiplies with unpacked weights.
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


@dataclass(frozen=True)
class Int8(Quantization):
    """No options."""

    name = "int8"

    @classmethod
    def parse(cls, fields: Fields) -> Int8:
        return cls()

    @classmethod
    def unavailable(cls) -> str | None:
        return missing(*bitsandbytes.PACKAGES)

    def load_options(self, compute: torch.dtype, device: torch.device) -> dict[str, Any]:
        return bitsandbytes.load_options(compute, device, load_in_8bit=True)
