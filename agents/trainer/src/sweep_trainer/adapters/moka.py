"""MokA (arXiv 2506.05191): low-rank adaptation of a multimodal model with one A for each modality, which lets images
look at the question, and one B for all. On text alone it is LoRA.

Owns which layers get it (linear layers of the language model), the token types of each batch, and storing. The
arithmetic is in moka_layers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.failures import DataError
from ..contract.fields import Fields
from ..process.installed import missing
from . import low_rank, target_modules
from .contract import Adapter

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .moka_layers import MokaLinear, TokenTypes

WEIGHTS = "moka_model.safetensors"
CONFIG = "moka_config.json"


@dataclass(frozen=True)
class Moka(Adapter):
    """`rank` r of each A; the update is scaled by `alpha` / r; `cross_modal_weight` λ of what images see of the
    question; `dropout` acts on the input of every A."""

    name = "moka"

    rank: int
    alpha: float
    dropout: float
    targets: str | list[str]
    cross_modal_weight: float

    @classmethod
    def parse(cls, fields: Fields) -> Moka:
        return cls(
            **low_rank.parse(fields),
            cross_modal_weight=fields.number("cross_modal_weight", 0, default=1.0),
        )

    @classmethod
    def unavailable(cls) -> str | None:
        return missing("PIL")

    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        from .moka_layers import MokaLinear, TokenTypes

        types = TokenTypes()
        replaced = list(self._targeted(base))
        if not replaced:
            raise target_modules.none_matched(self.targets, base)
        for parent, name, layer in replaced:
            setattr(
                parent,
                name,
                MokaLinear(
                    layer, self.rank, self.alpha, self.dropout, _modalities(base), self.cross_modal_weight, types
                ),
            )
        return base

    def _targeted(self, base: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
        from torch import nn

        decoder = base.get_decoder()
        prefix = next(path for path, module in base.named_modules() if module is decoder)
        for path, module in decoder.named_modules():
            if isinstance(module, nn.Linear) and target_modules.matches(self.targets, f"{prefix}.{path}"):
                parent, _, name = path.rpartition(".")
                yield decoder.get_submodule(parent), name, module

    @contextmanager
    def forward_context(self, model: nn.Module, batch: dict[str, Tensor]) -> Iterator[None]:
        from ..data.batches import IGNORED, LABELS, MODALITY
        from ..data.images import TEXT

        types = _types(model)
        types.clear()
        if MODALITY in batch:
            asked = (batch[LABELS] == IGNORED) & batch["attention_mask"].bool()
            types.modality, types.training = batch[MODALITY], model.training
            types.question = asked & (batch[MODALITY] == TEXT)
        yield
        # With gradient checkpointing the backward pass comes here once more.
        if not model.training:
            types.clear()

    def save(self, model: nn.Module, directory: Path) -> None:
        from safetensors.torch import save_file

        tensors = {name: parameter.detach().cpu().contiguous() for name, parameter in _weights(model).items()}
        save_file(tensors, directory / WEIGHTS, metadata={"format": "pt"})
        config: dict[str, Any] = {
            "method": "moka",
            "rank": self.rank,
            "alpha": self.alpha,
            "dropout": self.dropout,
            "target_modules": self.targets,
            "cross_modal_weight": self.cross_modal_weight,
        }
        (directory / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")

    def load(self, model: nn.Module, directory: Path) -> None:
        import torch
        from safetensors.torch import load_file

        own, stored = _weights(model), load_file(directory / WEIGHTS)
        if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in stored.items()}:
            raise DataError(f"the adapter in {directory} does not fit this configuration")
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(stored[name])

    def detach(self, model: nn.Module) -> nn.Module:
        for path, layer in list(_layers(model)):
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, layer.base_layer)
        return model


def load_adapter(base: nn.Module, directory: Path) -> nn.Module:
    """The model that was exported to `directory`, on its base model: for use outside of a trial. Token types are given
    in a `forward_context`, as in training; without one every token is text."""
    config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    adapter = Moka(
        config["rank"], config["alpha"], config["dropout"], config["target_modules"], config["cross_modal_weight"]
    )
    model = adapter.attach(base, 0)
    adapter.load(model, directory)
    return model.eval()


def _modalities(base: nn.Module) -> tuple[int, ...]:
    """What the model reads besides text."""
    from ..data.images import IMAGE

    return (IMAGE,) if hasattr(base.config, "vision_config") else ()


def _layers(model: nn.Module) -> Iterator[tuple[str, MokaLinear]]:
    from .moka_layers import MokaLinear

    return ((path, module) for path, module in model.named_modules() if isinstance(module, MokaLinear))


def _types(model: nn.Module) -> TokenTypes:
    return next(_layers(model))[1].types


def _weights(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if ".moka_" in name}
