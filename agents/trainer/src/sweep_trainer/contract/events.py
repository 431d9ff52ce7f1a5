"""events.jsonl: what happened, appended one whole line at a time.

Owns sequence numbers, time stamps, how a number that is not finite is written, and that no secret is. It knows which
event ends an attempt and refuses a second one; what the events mean is the contract's.
"""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .redaction import redact, secrets

_LAST = frozenset({"finished", "failed"})


class AttemptUsed(Exception):
    """Thrown when the directory already holds the events of an earlier attempt."""


class EventLog:
    """The events of one attempt. Each line is one write to a file opened for appending, so that a reader never sees
    half a line followed by another."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        if os.fstat(self._file).st_size > 0:
            os.close(self._file)
            raise AttemptUsed(f"{path} already holds an attempt's events; give every attempt a directory of its own")
        self._sequence = 0
        self._secrets = secrets()
        self.ended = False

    def append(self, type_: str, **fields: Any) -> None:
        if self.ended:
            raise RuntimeError(f"event {type_!r} after the attempt's end")
        self._sequence += 1
        event = {"seq": self._sequence, "at": _now(), "type": type_, **_plain(fields, self._secrets)}
        line = (json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")
        while line:
            line = line[os.write(self._file, line) :]
        if type_ in _LAST:
            self.ended = True
            os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any, hidden: tuple[str, ...]) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        return redact(value, hidden)
    if isinstance(value, dict):
        return {_plain(key, hidden): _plain(item, hidden) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, hidden) for item in value]
    return value
