"""The warm host: imports LLaMA-Factory once, then runs one attempt after another (docs/trainer-contract.md).

Owns which attempts it runs in this process and which in processes of their own. Requests, replies and logs are
sweep_trainer's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sweep_trainer.contract.preemption import EXIT_STATUS, Preemption
from sweep_trainer.process.host import serve_with

from . import attempt, distributed


def serve() -> int:
    return serve_with(_warmed_up, _run)


def _warmed_up() -> None:
    try:
        from .libraries import warm_up

        warm_up()
    except ImportError as error:
        # The first attempt will run into it again and report it.
        print(error, file=sys.stderr, flush=True)


def _run(directory: Path, preemption: Preemption) -> str:
    count = distributed.processes(directory)
    if count > 1:
        return {0: "finished", EXIT_STATUS: "preempted"}.get(distributed.run(directory, count), "failed")
    return attempt.run(directory, preemption, warm=True)
