"""Runs a program and writes after every optimiser step, whoever makes it, a line to TARGET: the wall clock and the CPU
time of this process, in seconds, and its peak resident memory, in bytes.

Usage: measured.py TARGET (-m MODULE | SCRIPT) [ARGUMENTS]"""

import json
import runpy
import sys
import time
from pathlib import Path

from torch.optim.optimizer import register_optimizer_step_post_hook

target, program, *arguments = sys.argv[1:]
lines = Path(target).open("w", buffering=1)  # noqa: SIM115 - open as long as the process is


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return next(
        int(line.split()[1]) * 1024
        for line in status.splitlines()
        if line.startswith("VmHWM:")
    )


def measure(*_: object) -> None:
    lines.write(
        json.dumps(
            {"wall": time.perf_counter(), "cpu": time.process_time(), "peak": peak()}
        )
        + "\n"
    )


register_optimizer_step_post_hook(measure)
if program == "-m":
    module, *arguments = arguments
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
else:
    sys.argv = [program, *arguments]
    runpy.run_path(program, run_name="__main__")
