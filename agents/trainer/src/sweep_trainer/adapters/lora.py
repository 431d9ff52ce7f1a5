"""LoRA (arXiv 2106.09685): W + (alpha / rank) · B·A on each target layer, A random, B zero, through PEFT.

Owns LoRA's options and their PEFT configuration. Storing and unloading are the same for every PEFT method: peft_model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.fields import Fields
from . import low_rank, peft_model

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Lora(peft_model.PeftMethod):
    """`rank` r; the update is scaled by `alpha` / r; `dropout` acts on the input of A; `targets` in PEFT's form."""

    name = "lora"
    quantizations = frozenset({"none", "nf4", "int8"})

    rank: int
    alpha: float
    dropout: float
    targets: str | list[str]

    @classmethod
    def parse(cls, fields: Fields) -> Lora:
        return cls(**low_rank.parse(fields))

    def peft_options(self) -> dict[str, Any]:
        """The keyword arguments of PEFT's LoraConfig."""
        return {
            "r": self.rank,
            "lora_alpha": int(self.alpha) if self.alpha.is_integer() else self.alpha,
            "lora_dropout": self.dropout,
            "target_modules": self.targets,
            "task_type": "CAUSAL_LM",
        }

    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        from peft import LoraConfig

        return peft_model.attach(base, LoraConfig(**self.peft_options()), self.targets)
