"""The warm host: imports once, then runs one attempt after another with what they share kept in memory.

Owns the requests on standard input, the replies on what was standard output, and whose file descriptors 1 and 2 are.
It runs one attempt at a time and ends after the first that fails: the agent starts a fresh one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract import attempt
from ..contract.events import AttemptUsed
from ..contract.preemption import EXIT_STATUS, Preempted, Preemption
from . import environment

if TYPE_CHECKING:
    from ..model.warm_state import WarmState

_USAGE = 2


def serve() -> int:
    """Serves requests until standard input closes. Returns the exit status."""
    environment.prepare()
    warm: list[WarmState | None] = []
    return serve_with(lambda: warm.append(_warmed_up()), lambda at, preemption: attempt.run(at, warm[0], preemption))


def serve_with(warm_up: Callable[[], None], run: Callable[[Path, Preemption], str]) -> int:
    """The same for any trainer: `warm_up` is called once, `run` for every attempt's directory, for its status."""
    # Replies keep the descriptor to themselves: whatever a library prints goes to the log instead.
    replies = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is the agent's to translate
    preemption = Preemption(signal.SIGTERM)
    try:
        warm_up()
        _reply(replies, {"type": "ready", "pid": os.getpid()})
        for line in _lines():
            directory = _directory(line)
            if directory is None:
                return _USAGE
            with _logged_to(directory):
                try:
                    status = run(directory, preemption)
                except (AttemptUsed, OSError) as error:
                    print(f"{directory}: {error}", file=sys.stderr, flush=True)
                    status = "failed"
            _reply(replies, {"type": "done", "directory": str(directory), "status": status})
            if preemption.requested:
                return EXIT_STATUS
            if status == "failed":
                return 1
    except Preempted:
        return EXIT_STATUS
    return 0


def _warmed_up() -> WarmState | None:
    """Imports what the first trial would otherwise import on the way. None when something is missing: the first trial
    will run into it again and report it."""
    try:
        import peft  # noqa: F401
        import torch._dynamo  # noqa: F401  (torch's optimisers import it when they are made)
        from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer  # noqa: F401

        from ..model.warm_state import WarmState
        from ..training import training_run  # noqa: F401
    except ImportError as error:
        print(error, file=sys.stderr, flush=True)
        return None
    return WarmState()


def _lines() -> Iterator[str]:
    # Not `for line in sys.stdin`, which reads ahead: a request must be seen when it is sent.
    while line := sys.stdin.readline():
        if line.strip():
            yield line


def _directory(line: str) -> Path | None:
    try:
        request = json.loads(line)
        if request["type"] == "run" and Path(request["directory"]).is_dir():
            return Path(request["directory"])
    except (ValueError, KeyError, TypeError):
        pass
    print(f'expected {{"type": "run", "directory": an existing folder}}, found {line.strip()[:200]}', file=sys.stderr)
    return None


def _reply(descriptor: int, message: dict[str, Any]) -> None:
    os.write(descriptor, (json.dumps(message) + "\n").encode())


@contextmanager
def _logged_to(directory: Path) -> Iterator[None]:
    """During a run, descriptors 1 and 2 are the attempt's logs; also for what libraries write past Python."""
    saved = os.dup(1), os.dup(2)
    for number, name in ((1, "stdout.log"), (2, "stderr.log")):
        log = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, number)
        os.close(log)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), saved, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
