"""checkpoints/: folders from which a run continues exactly, written whole or not at all.

Owns atomic writing (temporary folder, fsync, rename), checksums, finding the newest intact one and keeping the best
and the two newest. What is inside is the training loop's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

_MANIFEST = "manifest.json"
_TEMPORARY = ".incomplete-"
_NAME = "step-"
# What a trainer reads of a checkpoint, which may have come from another host: tensors and JSON, nothing that runs.
_READ = re.compile(
    r"(adapter/)?[A-Za-z0-9._-]+\.(safetensors|json)|optimizer\.pt|scheduler\.pt|scaler\.pt|rng_state\.pth", re.ASCII
)
_DISK_FULL = 1 << 20  # bytes: with less free, a write that failed failed for want of room
_KEPT_NEWEST = 2  # so that a newest one damaged on disk still leaves one to go back to


class Checkpoints:
    """The checkpoints of one attempt. `fingerprint` names the run: one written for another run is not taken up, unless
    it is adopted, for which it has to be of the same `kind`."""

    def __init__(self, directory: Path, fingerprint: str, kind: str) -> None:
        self._directory = directory
        self._fingerprint = fingerprint
        self._kind = kind
        directory.mkdir(parents=True, exist_ok=True)
        for leftover in directory.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def path(self, step: int) -> Path:
        return self._directory / f"{_NAME}{step:08d}"

    def write(self, step: int, fill: Callable[[Path], None]) -> tuple[Path, int]:
        """Lets `fill` write the files of the checkpoint at `step`; returns its folder and size in bytes."""
        size = write_folder(self.path(step), fill, self._manifest)
        return self.path(step), size

    def newest_intact(self) -> tuple[int, Path] | None:
        """Step and folder of the newest checkpoint of this run whose files are all there and unchanged."""
        for step in sorted(self._steps(), reverse=True):
            if self.is_intact(step):
                return step, self.path(step)
        return None

    def adopt(self, step: int, change: Callable[[Path], None]) -> bool:
        """Makes the checkpoint of another run of this kind at `step` this run's own, after `change` has had its files.
        False when there is none that is intact."""
        if not self._is_whole(step, "kind", self._kind):
            return False

        def fill(folder: Path) -> None:
            shutil.copytree(self.path(step), folder, dirs_exist_ok=True)
            (folder / _MANIFEST).unlink()
            change(folder)

        self.write(step, fill)
        return True

    def discard_after(self, step: int) -> None:
        """Removes those of later steps: they are damaged or another run's, and must not pass for this run's newest."""
        for later in list(self._steps()):
            if later > step:
                shutil.rmtree(self.path(later), ignore_errors=True)

    def any(self) -> bool:
        """Whether there is a checkpoint at all, intact or not."""
        return any(True for _ in self._steps())

    def is_intact(self, step: int) -> bool:
        return self._is_whole(step, "run", self._fingerprint)

    def _is_whole(self, step: int, key: str, name: str) -> bool:
        folder = self.path(step)
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            if manifest[key] != name:
                return False
            read = {name: digest for name, digest in manifest["files"].items() if _READ.fullmatch(name)}
            return all(
                not (folder / name).is_symlink() and _digest(folder / name) == digest for name, digest in read.items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def keep(self, best_step: int) -> None:
        """Removes all but the best and the two newest."""
        steps = sorted(self._steps(), reverse=True)
        for step in steps[_KEPT_NEWEST:]:
            if step != best_step:
                shutil.rmtree(self.path(step), ignore_errors=True)

    def _steps(self) -> Iterable[int]:
        for folder in self._directory.glob(f"{_NAME}*"):
            number = folder.name.removeprefix(_NAME)
            if number.isdigit() and folder.is_dir():
                yield int(number)

    def _manifest(self, folder: Path) -> None:
        files = {str(file.relative_to(folder)): _digest(file) for file in _files(folder)}
        content = {"run": self._fingerprint, "kind": self._kind, "files": files}
        (folder / _MANIFEST).write_text(json.dumps(content, indent=1), encoding="utf-8")


def write_folder(target: Path, fill: Callable[[Path], None], seal: Callable[[Path], None] | None = None) -> int:
    """Writes a folder atomically: after a crash `target` is what it was or what `fill` made, never in between.
    Returns the bytes written. Raises OSError(ENOSPC) when the disk is full: some writers do not say why they failed."""
    temporary = target.with_name(f"{_TEMPORARY}{target.name}")
    replaced = target.with_name(f"{_TEMPORARY}replaced-{target.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        fill(temporary)
        if seal is not None:
            seal(temporary)
        size = 0
        for file in _files(temporary):
            size += file.stat().st_size
            _sync(file)
        for folder in (*(path for path in temporary.rglob("*") if path.is_dir()), temporary):
            _sync(folder)
    except BaseException as error:
        full = shutil.disk_usage(temporary).free < _DISK_FULL
        shutil.rmtree(temporary, ignore_errors=True)
        if full and isinstance(error, Exception):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        raise
    if target.exists():
        os.rename(target, replaced)
    os.rename(temporary, target)
    _sync(target.parent)
    shutil.rmtree(replaced, ignore_errors=True)
    return size


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
