"""DoRA (arXiv 2402.09353, equation 5): m · (W + (alpha / rank) · B·A) / ‖W + (alpha / rank) · B·A‖, the norm taken of
each output's weights. LoRA turns the direction, the magnitude m is trained beside it and begins as ‖W‖.

Owns that one difference; everything else is LoRA's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .lora import Lora


@dataclass(frozen=True)
class Dora(Lora):
    """LoRA's options; one more trainable number per output of each layer."""

    name = "dora"
    quantizations = frozenset({"none", "nf4"})  # on int8 PEFT loses the base's scales when it measures ‖W‖

    def peft_options(self) -> dict[str, Any]:
        return {**super().peft_options(), "use_dora": True}
