"""Peak memory of this process and of its device since a trial began, in bytes.

Owns reading and resetting the peaks, and freeing what is not used. On systems without /proc the host's peak is the
process' whole life's.
"""

from __future__ import annotations

import contextlib
import gc
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): resets the peak resident set size to its current value


def reset(device: torch.device) -> None:
    """Starts a new measurement. A kernel that refuses leaves the host's earlier peak standing."""
    with contextlib.suppress(OSError):
        _CLEAR.write_text(_RESET_PEAK)
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def free() -> None:
    """Frees what is only alive in reference cycles, and what torch keeps of the device for later."""
    gc.unfreeze()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def peak_host() -> int:
    """The peak resident set size."""
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_device() -> int:
    """The peak of torch's allocator on the GPU; 0 without one, or before torch has been loaded."""
    torch = sys.modules.get("torch")
    return torch.cuda.max_memory_allocated() if torch is not None and torch.cuda.is_initialized() else 0
