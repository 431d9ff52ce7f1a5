"""How the libraries behave in this process: silent, offline for local models, deterministic.

Owns environment variables that must be set before transformers is imported, and seeds and threads.
"""

from __future__ import annotations

import logging
import os
import random
import warnings

_SETTINGS = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}


def prepare() -> None:
    """To be called before anything imports transformers."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # The older names, which PEFT uses too, are the ones that every pinned version of transformers knows.
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated")
    # It says at every single multiplication that int8 needs fp16, and on some CPUs that a package is not installed.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def hub_offline(offline: bool) -> None:
    """Whether the hub may be asked at all. A warm host changes its mind from trial to trial."""
    from huggingface_hub import constants

    wanted = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    constants.HF_HUB_OFFLINE = offline or wanted


def seed_everything(seed: int) -> None:
    """Python's, numpy's and torch's generators, as transformers' set_seed does."""
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed)
