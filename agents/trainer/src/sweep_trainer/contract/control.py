"""control.jsonl: what the agent asks of a running trial.

Owns reading the file as it grows, cheaply enough for every step: one `stat`, and a read only when its size changed.
"""

from __future__ import annotations

import json
from pathlib import Path


class Control:
    """`stop_reason` is None until a whole line has asked for a stop. A torn last line waits for its end; a line that
    is no request is skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.stop_reason: str | None = None

    def poll(self) -> str | None:
        """The reason of a stop that has been asked for, or None."""
        try:
            if self._path.stat().st_size > self._read:
                self._take()
        except FileNotFoundError:
            pass
        return self.stop_reason

    def _take(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _torn = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.splitlines():
            try:
                request = json.loads(line)
            except ValueError:
                continue
            if isinstance(request, dict) and request.get("type") == "stop" and self.stop_reason is None:
                self.stop_reason = str(request.get("reason") or "asked to stop")
