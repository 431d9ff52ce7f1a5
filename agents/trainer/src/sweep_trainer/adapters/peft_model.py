"""What every PEFT method shares: wrapping a base model, storing the adapter in PEFT's format, unwrapping.

Owns the two files `adapter_config.json` and `adapter_model.safetensors`. It writes them itself rather than through
`save_pretrained`, which also renders a model card and may ask the hub about the base model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..failures import DataError
from .target_modules import none_matched

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn

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


def save(model: nn.Module, directory: Path) -> None:
    """Writes the active adapter's weights and configuration; `PeftModel.from_pretrained` reads both."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    save_file(tensors, directory / WEIGHTS, metadata={"format": "pt"})
    config = model.active_peft_config
    was_training = config.inference_mode
    config.inference_mode = True
    try:
        config.save_pretrained(str(directory))
    finally:
        config.inference_mode = was_training


def load(model: nn.Module, directory: Path) -> None:
    """Copies stored weights into the attached adapter. Raises DataError when they belong to another shape."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    try:
        result = set_peft_model_state_dict(model, load_file(directory / WEIGHTS))
    except RuntimeError as error:
        raise DataError(f"the adapter in {directory} does not fit this configuration") from error
    if result.unexpected_keys:
        raise DataError(f"the adapter in {directory} holds weights this model lacks: {result.unexpected_keys[0]}")


def detach(model: nn.Module) -> nn.Module:
    """Puts the original layers back and returns the base model."""
    return model.unload()
