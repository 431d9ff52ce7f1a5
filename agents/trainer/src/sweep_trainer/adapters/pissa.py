"""PiSSA (arXiv 2404.02948): LoRA that begins with the base weight's largest singular values, W = W' + s·B₀·A₀, and
trains them while the rest W' is frozen; s is alpha / rank.

Owns the beginning and the export. Training changes the base model's weights to W'. What is stored is nevertheless a
plain LoRA for the untouched base, of twice the rank: s·(B·A - B₀·A₀) = s·[B, -B₀]·[A; A₀].
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.failures import DataError
from . import peft_model
from .lora import Lora

if TYPE_CHECKING:
    from torch import nn

# Beyond this width an exact decomposition takes seconds a layer. The paper's fast one is randomised; 16 subspace
# iterations are what LLaMA-Factory takes.
_EXACT_WIDTH = 1024
_ITERATIONS = 16


@dataclass(frozen=True)
class Pissa(Lora):
    """LoRA's options. `rank` can be no more than the smaller dimension of a target layer."""

    name = "pissa"
    quantizations = frozenset({"none"})
    alters_base = True

    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        from peft import LoraConfig

        exact = base.config.get_text_config().hidden_size <= _EXACT_WIDTH
        config = LoraConfig(**self.peft_options(), init_lora_weights="pissa" if exact else f"pissa_niter_{_ITERATIONS}")
        model = peft_model.attach(base, config, self.targets)
        for name, layer in _layers(model):
            a, b = layer.lora_A.default.weight, layer.lora_B.default.weight
            if len(a) < self.rank:
                raise DataError(
                    f"training.adapter.rank: {self.rank} is more than the {len(a)} singular values of "
                    f"{name.removeprefix('base_model.model.')}"
                )
            layer.beginning = a.detach().clone(), b.detach().clone()
        return model

    def save(self, model: nn.Module, directory: Path) -> None:
        import torch

        weights = peft_model.weights_of(model)
        for name, layer in _layers(model):
            a, b = f"{name}.lora_A.weight", f"{name}.lora_B.weight"
            first_a, first_b = layer.beginning
            weights[a] = torch.cat([weights[a], first_a])
            weights[b] = torch.cat([weights[b], -first_b], dim=1)
        config = copy(model.active_peft_config)
        config.r, config.lora_alpha, config.init_lora_weights = 2 * config.r, 2 * config.lora_alpha, True
        peft_model.write(weights, config, directory)

    def load(self, model: nn.Module, directory: Path) -> None:
        """Takes the trained half. The other one is what `attach` has made of the same base."""
        weights = peft_model.read(directory)
        for name, weight in weights.items():
            weights[name] = weight[: self.rank] if ".lora_A." in name else weight[:, : self.rank]
        peft_model.put(weights, model, directory)


def _layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Name and module of each adapted layer."""
    from peft.tuners.lora import LoraLayer

    return ((name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer))
