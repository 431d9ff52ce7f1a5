"""What the trials of one sweep on one machine make once and share: JSON files in a folder the agent names.

Owns that a file is whole or not there, that two trials at a time make it once, and that all of them use what is
stored. Keys hold whatever the content depends on. Removing the folder is the agent's.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any


class SweepCache:
    """Without a `folder` nothing is shared: everything is made again."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def once(self, kind: str, key: Hashable, make: Callable[[], Any]) -> Any:
        """The JSON value stored as `kind` under `key`; made and stored if it is not there. While another trial makes
        it, this waits. `key` must have the same repr in every process. Raises OSError when the folder cannot be
        written."""
        if self._folder is None:
            return make()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{kind}-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}"
        file = self._folder / f"{name}.json"
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # given back with the file, also by a process that dies
            if not file.exists():
                _write(file, {"key": repr(key), "value": make()})
        return json.loads(file.read_text(encoding="utf-8"))["value"]


def _write(file: Path, content: dict[str, Any]) -> None:
    temporary = file.with_suffix(".incomplete")
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
