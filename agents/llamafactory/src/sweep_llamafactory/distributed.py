"""A run over several GPUs: one process a GPU, started by torchrun.

Owns the start and passing SIGTERM on. The first process writes the events; all of them stop at the same step.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from sweep_trainer.contract.preemption import EXIT_STATUS


def processes(directory: Path) -> int:
    """How many processes the attempt's devices ask for."""
    try:
        devices = json.loads((directory / "trial.json").read_text(encoding="utf-8"))["devices"]
        return max(1, sum(device["kind"] == "cuda" for device in devices))
    except (OSError, ValueError, KeyError, TypeError):
        return 1  # what is wrong with it is said where it is read


def run(directory: Path, count: int) -> int:
    """Returns the exit status of the attempt: 0, 1 or 143."""
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"),
            *("-m", "sweep_llamafactory", "worker", str(directory)),
        ]
    )
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))
    status = child.wait()
    if _left(directory):
        return EXIT_STATUS
    return 0 if status == 0 else 1


def _left(directory: Path) -> bool:
    """Whether the first process left for a preemption: torchrun gives its own status, whatever its processes say."""
    return (directory / "llamafactory" / "preempted").exists()
