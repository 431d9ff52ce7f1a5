"""AdaLoRA (arXiv 2303.10512): W + (alpha / rank₀) · B·Λ·A with Λ diagonal. The ranks begin at one and a half times the
target and are taken, step by step, from the layers where they matter least, until their mean is the target.

Owns the schedule of that, the orthogonality term of the loss, and what going on in the middle of it needs. Importance
and allocation are PEFT's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.failures import DataError
from ..contract.fields import Fields
from . import low_rank, peft_model

if TYPE_CHECKING:
    from torch import Tensor, nn

_BEGINNING = 1.5  # ranks in the beginning, per target rank: PEFT's 12 for 8
_ORTHOGONALITY = 0.5  # weight of the orthogonality term, PEFT's
_WARMUP, _FINAL = 0.1, 0.5  # our shares of the steps before ranks are taken away, and after the last one has been
_ALLOCATIONS = 100  # at most, in a run

_STATE = "adalora_state.safetensors"
_IMPORTANCE = ("ipt", "exp_avg_ipt", "exp_avg_unc")  # PEFT's sensitivity of each weight, its mean and its spread


@dataclass(frozen=True)
class AdaLora(peft_model.PeftMethod):
    """`rank` is the mean rank in the end; the update is scaled by `alpha` / (1.5 · `rank`) throughout."""

    name = "adalora"
    plans_ahead = True

    rank: int
    alpha: float
    dropout: float
    targets: str | list[str]

    @classmethod
    def parse(cls, fields: Fields) -> AdaLora:
        return cls(**low_rank.parse(fields))

    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        from peft import AdaLoraConfig

        final = min(int(_FINAL * total_steps), max(0, total_steps - 2))  # nothing can be ranked before a step is made
        config = AdaLoraConfig(
            init_r=max(self.rank + 1, round(_BEGINNING * self.rank)),
            target_r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=self.targets,
            orth_reg_weight=_ORTHOGONALITY,
            total_step=total_steps,
            tinit=min(int(_WARMUP * total_steps), total_steps - final - 1),
            tfinal=final,
            deltaT=max(1, total_steps // _ALLOCATIONS),
            task_type="CAUSAL_LM",
        )
        return peft_model.attach(base, config, self.targets)

    def penalty(self, model: nn.Module) -> Tensor:
        """How far A·Aᵀ and Bᵀ·B are from the identity, in the mean over all of them. PEFT adds this only to a loss that
        the model computes itself; like there it is the norm of the difference, which the paper squares."""
        import torch

        distances = []
        for name, weight in model.named_parameters():
            if ".lora_A." in name or ".lora_B." in name:
                product = weight @ weight.T if ".lora_A." in name else weight.T @ weight
                distances.append(torch.linalg.norm(product - torch.eye(len(product), device=product.device)))
        return _ORTHOGONALITY * torch.stack(distances).mean()

    def after_step(self, model: nn.Module, step: int) -> None:
        if model.active_peft_config.total_step > 1:  # a run of a single step keeps all its ranks
            model.base_model.update_and_allocate(step)

    def load(self, model: nn.Module, directory: Path) -> None:
        """Puts the ranks that were kept where they were; those that were not contribute nothing. PEFT's own loading
        would replace the parameters by smaller ones, which the optimiser does not know."""
        import torch

        stored, pattern = peft_model.read(directory), _read_pattern(directory)
        trained = _trained(model)
        with torch.no_grad():
            for name, weight in trained.items():
                stored_name = name.removesuffix(".default")
                layer, kind = stored_name.removeprefix("base_model.model.").rsplit(".", 1)
                kept = slice(None) if pattern is None else torch.tensor(pattern[f"{layer}.lora_E"])
                place = (slice(None), kept) if kind == "lora_B" else (kept,)
                if stored_name not in stored or weight[place].shape != stored[stored_name].shape:
                    raise DataError(f"the adapter in {directory} does not fit this configuration")
                if kind == "lora_E":
                    weight.zero_()
                weight[place] = stored[stored_name].to(weight)
        model.active_peft_config.rank_pattern = pattern

    def save_state(self, model: nn.Module, directory: Path) -> None:
        from safetensors.torch import save_file

        allocator = model.base_model.rankallocator
        state = {f"weight/{name}": weight.detach() for name, weight in _trained(model).items()}
        for kind in _IMPORTANCE:
            state |= {f"{kind}/{name}": value for name, value in getattr(allocator, kind).items()}
        save_file({name: tensor.cpu().contiguous() for name, tensor in state.items()}, directory / _STATE)

    def load_state(self, model: nn.Module, directory: Path) -> None:
        import torch
        from safetensors.torch import load_file

        trained, allocator = _trained(model), model.base_model.rankallocator
        device = next(iter(trained.values())).device
        with torch.no_grad():
            for key, tensor in load_file(directory / _STATE, device=str(device)).items():
                kind, name = key.split("/", 1)
                if kind == "weight":
                    trained[name].copy_(tensor)
                else:
                    getattr(allocator, kind)[name] = tensor


def _trained(model: nn.Module) -> dict[str, Any]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def _read_pattern(directory: Path) -> dict[str, list[bool]] | None:
    config = json.loads((directory / "adapter_config.json").read_text(encoding="utf-8"))
    return config["rank_pattern"]
