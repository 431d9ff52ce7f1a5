"""What every PEFT method shares: wrapping a base model, storing the adapter in PEFT's format, unwrapping.

Owns PeftMethod, the adapter that PEFT carries out, and the two files `adapter_config.json` and
`adapter_model.safetensors`. It writes them itself rather than through `save_pretrained`, which also renders a model
card and may ask the hub about the base model.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.failures import DataError
from ..process.installed import missing
from .contract import Adapter
from .target_modules import none_matched

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import Tensor, nn

WEIGHTS = "adapter_model.safetensors"


def attach(base: nn.Module, config: PeftConfig, targets: str | list[str]) -> nn.Module:
    """`base` under a PEFT model with one fresh adapter. Raises DataError when `targets` match no layer."""
    from peft import get_peft_model

    try:
        return get_peft_model(base, config)
    except ValueError as error:
        text = str(error)
        if "is not supported" in text:
            raise DataError(f"training.adapter.target_modules: {text.split('.')[0]}") from error
        if "target modules" in text.lower():
            raise none_matched(targets, base) from error
        raise


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The active adapter's weights under the names that PEFT stores them by."""
    from peft import get_peft_model_state_dict

    return get_peft_model_state_dict(model, save_embedding_layers=False)


def write(weights: dict[str, Tensor], config: PeftConfig, directory: Path) -> None:
    """Writes the two files; `PeftModel.from_pretrained` reads them."""
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    save_file(tensors, directory / WEIGHTS, metadata={"format": "pt"})
    stored = copy(config)
    stored.inference_mode = True
    stored.save_pretrained(str(directory))


def read(directory: Path) -> dict[str, Tensor]:
    """The weights that `write` wrote into `directory`."""
    from safetensors.torch import load_file

    return load_file(directory / WEIGHTS)


def put(weights: dict[str, Tensor], model: nn.Module, directory: Path) -> None:
    """Copies `weights`, which were read from `directory`, into the attached adapter. Raises DataError when they belong
    to another shape."""
    from peft import set_peft_model_state_dict

    try:
        result = set_peft_model_state_dict(model, weights)
    except RuntimeError as error:
        raise DataError(f"the adapter in {directory} does not fit this configuration") from error
    if result.unexpected_keys:
        raise DataError(f"the adapter in {directory} holds weights this model lacks: {result.unexpected_keys[0]}")


class PeftMethod(Adapter):
    """An adapter that PEFT carries out. What is left to a method is its configuration."""

    @classmethod
    def unavailable(cls) -> str | None:
        return missing("peft")

    def save(self, model: nn.Module, directory: Path) -> None:
        write(weights_of(model), model.active_peft_config, directory)

    def load(self, model: nn.Module, directory: Path) -> None:
        put(read(directory), model, directory)

    def detach(self, model: nn.Module) -> nn.Module:
        return model.unload()
