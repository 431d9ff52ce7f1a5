"""How LLaMA-Factory and what is below it behave in this process.

Owns environment variables that count when they are imported, and settings that each run makes again. Importing this
module imports torch.
"""

from __future__ import annotations

import os

import torch

from .trial import Trial

__all__ = ["prepare_run", "torch", "warm_up"]


def prepare_run(trial: Trial) -> None:
    torch.set_num_threads(trial.threads)
    model = str(trial.arguments.get("model_name_or_path", ""))
    from huggingface_hub import constants

    asked = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    constants.HF_HUB_OFFLINE = os.path.isdir(model) or asked
    if trial.arguments.get("quantization_bit") and trial.gpus == 0:
        _without_repacking()


def _without_repacking() -> None:
    """On a CPU with AVX512-BF16 bitsandbytes repacks 4-bit weights at the first evaluation, for a kernel that the
    training after it cannot use."""
    try:
        import bitsandbytes.nn.modules as modules
    except ImportError:
        return
    if hasattr(modules, "has_avx512bf16"):
        modules.has_avx512bf16 = lambda: False


def warm_up() -> None:
    """Imports what the first run would otherwise import."""
    import llamafactory.train.tuner  # noqa: F401
