"""Rank-stabilised LoRA (arXiv 2312.03732): LoRA whose update is scaled by alpha / √rank instead of alpha / rank, so
that its size does not shrink as the rank grows.

Owns that one difference; everything else is LoRA's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .lora import Lora


@dataclass(frozen=True)
class RsLora(Lora):
    """LoRA's options; the update is scaled by `alpha` / √r."""

    name = "rslora"

    def peft_options(self) -> dict[str, Any]:
        return {**super().peft_options(), "use_rslora": True}
