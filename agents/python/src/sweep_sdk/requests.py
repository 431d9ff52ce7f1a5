"""What the agent asks of a running script: lines of control.jsonl, SIGTERM, and `pause_at` of trial.json. Owns reading
them; obeying is the script's."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """`kind`: "stop" (end early, the result counts), "pause" or "preempt" (save a checkpoint and leave; the trial is
    resumed later), "checkpoint" (save one and continue). A stop is always true of `if request:`."""

    kind: str
    reason: str


class Requests:
    def __init__(self, path: str | None, pause_at: dict[str, Any] | None):
        self._path = path
        self._pause_at = pause_at
        self._offset = 0
        self._stop: Request | None = None
        self._terminated = False
        self._listens = False

    def listen(self) -> None:
        """From the first question on SIGTERM asks for a checkpoint instead of ending the process: a script that never
        asks ends at once, as it does without the SDK."""
        if self._listens:
            return
        self._listens = True
        if self._path is None or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, _number: int, _frame: Any) -> None:
        if self._terminated:
            # Asked twice: nobody looked in between.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        self._terminated = True

    def look(self, step: float, epoch: float | None) -> Request | None:
        self.listen()
        if self._terminated:
            return Request("preempt", "asked to leave (SIGTERM)")
        asked = self._read()
        if self._stop is not None:
            return self._stop
        if asked is not None:
            return asked
        pause = self._pause_at
        if pause is not None:
            at = epoch if pause.get("resource") == "epoch" else step
            if at is not None and at >= float(pause.get("at", float("inf"))):
                return Request("pause", f"the trial waits at {pause.get('resource')} {pause.get('at')}")
        return None

    def _read(self) -> Request | None:
        if self._path is None:
            return None
        try:
            if os.stat(self._path).st_size <= self._offset:
                return None
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return None
        end = data.rfind(b"\n") + 1
        self._offset += end
        latest = None
        for line in data[:end].splitlines():
            try:
                message = json.loads(line)
                kind = message["type"]
            except (ValueError, KeyError, TypeError):
                continue
            request = Request(str(kind), str(message.get("reason", "")))
            if kind == "stop":
                self._stop = request
            elif kind in ("pause", "preempt", "checkpoint"):
                latest = request
        return latest
