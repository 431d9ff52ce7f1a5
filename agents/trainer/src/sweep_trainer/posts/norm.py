"""NoRM (noise reduction with reserved majority, ICLR 2025): of each trained layer's update only as many directions are
kept as make it most similar to the base weight; the rest counts as noise of the training.

Owns the search for that rank layer by layer, and putting the smaller adapter in the larger one's place. The linear
algebra is in subspaces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.fields import Fields
from .contract import Post

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer
    from torch import Tensor, nn

    from .subspaces import Reduced


@dataclass(frozen=True)
class NoiseReduction(Post):
    """Ranks tried are `min_ratio`, `min_ratio` + `step` … of the trained one, and the trained one itself, which leaves
    a layer as it is. `scale` is what a reduced update is multiplied with; None: by alpha / rank, as it was trained."""

    name = "norm"
    adapters = frozenset({"lora", "lora+"})

    step: float
    min_ratio: float
    scale: float | None

    @classmethod
    def parse(cls, fields: Fields) -> NoiseReduction:
        return cls(
            step=fields.number("step", 0, 1, above=True, default=0.1),
            min_ratio=fields.number("min_ratio", 0, 1, above=True, default=0.1),
            scale=fields.number("scale", 0, above=True) if fields.has("scale") else fields.raw("scale", None),
        )

    def ranks(self, rank: int) -> list[int]:
        """The ranks to try below the trained one, smallest first."""
        count = math.ceil((1 - self.min_ratio) / self.step - 1e-9)
        # The tolerance keeps 0.29 × 100, which is 28.999999999999996, at 29.
        tried = (math.floor(rank * (self.min_ratio + index * self.step) + 1e-9) for index in range(count))
        return sorted({max(1, one) for one in tried} - {rank})

    def apply(self, model: nn.Module) -> dict[str, Any] | None:
        """`layers`: per layer its `module`, `rank`, `kept` and the `similarity` of what was kept."""
        import torch
        from peft.tuners.lora import LoraLayer

        layers = []
        with torch.no_grad():
            for path, module in model.named_modules():
                if not isinstance(module, LoraLayer):
                    continue
                for adapter in module.lora_A:
                    name = path.removeprefix("base_model.model.")
                    layers.append({"module": name, **self._reduce(model, module, adapter, name)})
        return {"layers": layers}

    def _reduce(self, model: nn.Module, module: LoraLayer, adapter: str, name: str) -> dict[str, Any]:
        from . import subspaces

        a, b = module.lora_A[adapter].weight.float(), module.lora_B[adapter].weight.float()
        rank = a.shape[0]
        if not b.any():
            return {"rank": rank, "kept": rank, "similarity": None}  # no update, and so no directions
        weight = _base_weight(module)
        base = subspaces.main_subspace(weight, min(rank, *weight.shape))
        # The trained rank comes first: of equals it stays.
        best, similarity = None, subspaces.similarity(subspaces.reduce(a, b, base.shape[1]).left, base)
        for count in self.ranks(base.shape[1]):
            reduced = subspaces.reduce(a, b, count)
            found = subspaces.similarity(reduced.left, base)
            if found > similarity:
                best, similarity = reduced, found
        if best is None:
            return {"rank": rank, "kept": rank, "similarity": similarity}
        kept = self._replace(model, module, adapter, name, best)
        return {"rank": rank, "kept": kept, "similarity": similarity}

    def _replace(self, model: nn.Module, module: LoraLayer, adapter: str, name: str, reduced: Reduced) -> int:
        """Puts the smaller matrices in; the export says so in PEFT's own words, rank_pattern and alpha_pattern."""
        rank = reduced.a.shape[0]
        scale = module.scaling[adapter] if self.scale is None else self.scale
        _set_weight(module.lora_A[adapter], reduced.a)
        _set_weight(module.lora_B[adapter], reduced.b)
        module.r[adapter], module.lora_alpha[adapter], module.scaling[adapter] = rank, scale * rank, scale
        config = model.peft_config[adapter]
        config.rank_pattern[name] = rank
        config.alpha_pattern[name] = scale * rank
        return rank


def _base_weight(module: LoraLayer) -> Tensor:
    """outputs × inputs, unpacked when it is quantised."""
    from peft.utils.integrations import dequantize_module_weight

    weight = dequantize_module_weight(module.get_base_layer()).float()
    return weight.T if getattr(module, "fan_in_fan_out", False) else weight


def _set_weight(layer: nn.Linear, weight: Tensor) -> None:
    from torch import nn

    layer.weight = nn.Parameter(weight.to(layer.weight.dtype).contiguous(), requires_grad=layer.weight.requires_grad)
    layer.out_features, layer.in_features = weight.shape
