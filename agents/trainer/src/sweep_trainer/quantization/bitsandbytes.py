"""What both quantisations by bitsandbytes share: they quantise the linear layers, all but the output layer, while the
model is read.

Owns the arguments that are the same for both, and what bitsandbytes would change in a base model when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "transformers", "accelerate", "bitsandbytes")


def load_options(compute: torch.dtype, device: torch.device, **config: Any) -> dict[str, Any]:
    """Arguments for `from_pretrained`. Whatever is not quantised is held in `compute`, as without quantisation."""
    from transformers import BitsAndBytesConfig

    # Without a place bitsandbytes takes the first GPU it finds, also for a trial that is to run on the CPU.
    return {"dtype": compute, "device_map": {"": device}, "quantization_config": BitsAndBytesConfig(**config)}
