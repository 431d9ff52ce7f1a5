"""Environment variables that LLaMA-Factory, transformers and datasets read when they are imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sweep_trainer.process import environment

_SETTINGS = {
    # Warnings only: its progress goes into the events.
    "LLAMAFACTORY_VERBOSITY": "WARN",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "DISABLE_VERSION_CHECK": "1",
    "WANDB_DISABLED": "true",
}


# Last on the path: an installed package is taken before its stand-in.
_STUBS = str(Path(__file__).parents[2] / "stubs")


def prepare() -> None:
    environment.prepare()
    if _STUBS not in sys.path:
        sys.path.append(_STUBS)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # Tables that datasets makes of the data files; beside the attempts rather than in the home directory.
    os.environ.setdefault("HF_DATASETS_CACHE", os.path.join(os.getcwd(), "cache", "datasets"))
