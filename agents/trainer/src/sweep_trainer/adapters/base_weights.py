"""What full and partial fine-tuning share: the trained weights are the base model's own.

Owns holding them in fp32, storing and restoring them. Which ones are trained is the adapter's.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..contract.failures import DataError
from ..process.installed import missing
from .contract import Adapter

if TYPE_CHECKING:
    from torch import Tensor, nn


class BaseWeights(Adapter):
    """Trains some of the base's own weights, in fp32 whatever the base is held in: a step of AdamW is smaller than
    what bf16 can tell apart. In other precisions the arithmetic stays that of the base, through autocast."""

    alters_base = True
    #: The file of the trained weights.
    file: ClassVar[str]

    @classmethod
    def unavailable(cls) -> str | None:
        return missing("torch", "transformers")

    @abstractmethod
    def trained(self, base: nn.Module) -> nn.Module:
        """The part of `base` to train. Raises DataError when there is no such part."""

    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        import torch

        precision, device = base.dtype, base.device
        base.requires_grad_(False)
        self.trained(base).float().requires_grad_(True)
        if precision != torch.float32:
            base.forward = torch.autocast(device.type, dtype=precision)(base.forward)
        return base

    def save(self, model: nn.Module, directory: Path) -> None:
        from safetensors.torch import save_file

        weights = {name: weight.detach().cpu().contiguous() for name, weight in _trained(model).items()}
        save_file(weights, directory / self.file, metadata={"format": "pt"})

    def load(self, model: nn.Module, directory: Path) -> None:
        import torch
        from safetensors.torch import load_file

        stored, trained = load_file(directory / self.file), _trained(model)
        if {name: weight.shape for name, weight in stored.items()} != {n: w.shape for n, w in trained.items()}:
            raise DataError(f"the weights in {directory} do not fit this configuration")
        with torch.no_grad():
            for name, weight in trained.items():
                weight.copy_(stored[name])

    def detach(self, model: nn.Module) -> nn.Module:
        return model


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
