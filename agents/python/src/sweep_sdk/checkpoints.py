"""Checkpoints of one attempt: folders `checkpoints/step-N`, written beside and renamed when whole, with a manifest by
which the coordinator knows that all of it has arrived."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Callable

_name = re.compile(r"^step-(\d+)$")


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Checkpoints:
    def __init__(self, directory: str | Path):
        self.directory = Path(directory)

    def path(self, step: int) -> Path:
        return self.directory / f"step-{step}"

    def steps(self) -> list[int]:
        """Of those that are whole, ascending."""
        if not self.directory.is_dir():
            return []
        found = (_name.match(entry.name) for entry in self.directory.iterdir())
        return sorted(int(match[1]) for match in found if match and self._is_whole(int(match[1])))

    def _is_whole(self, step: int) -> bool:
        folder = self.path(step)
        try:
            files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
            return all((folder / name).is_file() for name in files)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def newest(self) -> Path | None:
        steps = self.steps()
        return self.path(steps[-1]) if steps else None

    def write(self, step: int, fill: Callable[[Path], None]) -> int:
        """`fill` gets an empty folder. Returns the bytes written; the folder is there whole or not at all."""
        target = self.path(step)
        temporary = self.directory / f".step-{step}.part"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            fill(temporary)
            files = sorted(file for file in temporary.rglob("*") if file.is_file())
            manifest = {"files": {file.relative_to(temporary).as_posix(): _digest(file) for file in files}}
            (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            size = 0
            for file in [*files, temporary / "manifest.json"]:
                size += file.stat().st_size
                _sync(file)
            _sync(temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        shutil.rmtree(target, ignore_errors=True)
        os.rename(temporary, target)
        _sync(self.directory)
        return size

    def keep(self, newest: int) -> None:
        for step in self.steps()[: -newest or None]:
            shutil.rmtree(self.path(step), ignore_errors=True)
