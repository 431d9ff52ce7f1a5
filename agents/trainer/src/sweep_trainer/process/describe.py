"""What this trainer can run on this machine, axis by axis.

Owns what `describe` prints. It does not import torch: whether a CUDA build and a driver are there can be seen without.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import CONTRACT, __version__, adapters, objectives, posts, quantization
from ..contract.registry import Registry
from ..contract.trial import PRECISIONS, SCHEDULES
from ..sharing.population import CHANGEABLE
from ..training import plan

_PACKAGES = ("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy", "bitsandbytes")


def describe() -> dict[str, Any]:
    """Versions (null where a package is missing) and, per axis and value, `ok` with the reason where it is false."""
    no_cuda = _why_no_cuda()
    precision = {name: _verdict(no_cuda if name == "fp16" else None) for name in PRECISIONS}
    return {
        "package": "sweep-trainer",
        "version": __version__,
        "contract": CONTRACT,
        "versions": {name: _version(name) for name in _PACKAGES},
        "devices": {"cpu": _verdict(None), "cuda": _verdict(no_cuda)},
        "axes": {
            "adapter": {
                name: {**_verdict(adapter.unavailable()), "quantization": sorted(adapter.quantizations)}
                for name, adapter in adapters.registry.items()
            },
            "quantization": _axis(quantization.registry),
            "objective": _axis(objectives.registry),
            "post": _axis(posts.registry),
            "precision": precision,
            "schedule": {name: _verdict(None) for name in SCHEDULES},
        },
        "changes_in_training": list(CHANGEABLE),
        "decay_share": plan.DECAY_SHARE,
    }


def _axis(registry: Registry[Any]) -> dict[str, Any]:
    return {name: _verdict(value.unavailable()) for name, value in registry.items()}


def _verdict(reason: str | None) -> dict[str, Any]:
    return {"ok": True} if reason is None else {"ok": False, "reason": reason}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _why_no_cuda() -> str | None:
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return "torch is not installed"
    # The build says which CUDA it was made for in a file of its own: reading it saves seconds of importing.
    build = (Path(torch.origin).parent / "version.py").read_text(encoding="utf-8")
    if not re.search(r"^cuda(?::[^=]*)?\s*=\s*['\"]", build, re.MULTILINE):
        return "this torch is a CPU-only build"
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver (libcuda.so.1) on this machine"
    return None
