"""Files that programs write their metrics to, read as they grow: lines of text by patterns, JSON, CSV, TensorBoard's event
files. Each source gives `(step, epoch, numbers)` for what is new; a step that is not written counts from 0."""

from __future__ import annotations

import csv
import glob
import io
import json
import os
import re
import struct
from collections.abc import Iterator
from typing import Any, Optional

from .numbers import Number, number

Point = tuple[float, Optional[float], dict[str, Number]]

_steps = ("step", "_step", "global_step", "iteration", "iter", "train/global_step")
# Longer lines hold no metric, and a pattern may take long on them.
_longest_line = 4096


# Bytes before the place that was read up to, by which a file that was written again is known.
_seam = 256


class Growing:
    """The complete lines that came to a text file since the last look; all of them when the file was written again."""

    def __init__(self, path: str):
        self.path = path
        self._offset = 0
        self._before = b""
        self.anew = False

    def skip(self) -> None:
        self.lines(False)

    def lines(self, last: bool) -> list[str]:
        try:
            with open(self.path, "rb") as file:
                start = max(0, self._offset - _seam)
                file.seek(start)
                data = file.read()
        except OSError:
            return []
        known = self._offset - start
        self.anew = data[:known] != self._before
        if self.anew:
            self._offset, self._before = 0, b""
            return self.lines_anew(last)
        data = data[known:]
        end = len(data) if last else data.rfind(b"\n") + 1
        self._offset += end
        self._before = (self._before + data[:end])[-_seam:]
        return data[:end].decode("utf-8", "replace").splitlines()

    def lines_anew(self, last: bool) -> list[str]:
        found = self.lines(last)
        self.anew = True
        return found


def _parse(text: Any) -> Number | None:
    if not isinstance(text, str):
        return number(text)
    try:
        value = float(text.strip().rstrip("%,;"))
    except ValueError:
        return None
    return int(value) if value.is_integer() and re.fullmatch(r"\s*[-+]?\d+\s*", text) else value


class _Rows:
    """Makes points of rows: finds step and epoch, else counts."""

    def __init__(self) -> None:
        self._next = 0
        self._step: float | None = None

    def point(self, row: dict[str, Any]) -> Point | None:
        flat: dict[str, Number] = {}
        _flatten(row, "", flat)
        step = next((flat.pop(name) for name in _steps if name in flat), None)
        epoch = flat.get("epoch")
        if not {name for name in flat if name != "epoch"}:
            # A line that says where the program is: the next ones are of that step.
            self._step = step if step is not None else epoch
            return None
        if step is None:
            step = self._step if self._step is not None else epoch if epoch is not None else self._next
        self._next = int(step) + 1
        return step, epoch, flat


def _flatten(value: Any, prefix: str, into: dict[str, Number]) -> None:
    for key, item in value.items():
        if isinstance(item, dict):
            _flatten(item, f"{prefix}{key}.", into)
            continue
        read = _parse(item)
        if read is not None:
            into[f"{prefix}{key}"] = read


class Patterns:
    def __init__(self, path: str, patterns: list[str]):
        self._file = Growing(path)
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._rows = _Rows()

    def skip(self) -> None:
        pass

    def read(self, last: bool) -> Iterator[Point]:
        for line in self._file.lines(last):
            if len(line) > _longest_line:
                continue
            for pattern in self._patterns:
                match = pattern.search(line)
                point = match and self._rows.point({k: v for k, v in match.groupdict().items() if v is not None})
                if point:
                    yield point


class Json:
    """A file of one object a line; or one document, an object or a list of them, that is written again."""

    def __init__(self, path: str):
        self._path = path
        self._file = Growing(path)
        self._rows = _Rows()
        self._document: bool | None = None
        self._seen = 0
        self._before = ""

    def skip(self) -> None:
        for _ in self.read(False):
            pass
        # It may be written again in the other form.
        self._document = None
        self._rows = _Rows()

    def read(self, last: bool) -> Iterator[Point]:
        if self._document is None:
            self._document = self._is_document()
        if self._document:
            yield from self._read_document(last)
            return
        for line in self._file.lines(last):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            point = self._rows.point(row) if isinstance(row, dict) else None
            if point:
                yield point

    def _is_document(self) -> bool | None:
        try:
            with open(self._path, encoding="utf-8") as file:
                first = file.readline()
        except (OSError, ValueError):
            return None
        if not first.endswith("\n"):
            return None if first == "" else True
        try:
            return not isinstance(json.loads(first), dict)
        except ValueError:
            return True

    def _read_document(self, last: bool) -> Iterator[Point]:
        try:
            with open(self._path, encoding="utf-8") as file:
                text = file.read()
            content = json.loads(text)
        except (OSError, ValueError):
            return
        if text == self._before:
            return
        self._before = text
        if isinstance(content, dict):
            # transformers' trainer_state.json keeps its rows there.
            rows = content.get("log_history")
            content = rows if isinstance(rows, list) else None if rows is not None else content
        if isinstance(content, list):
            if len(content) < self._seen:
                self._seen = 0
            new, self._seen = content[self._seen :], len(content)
            rows = [row for row in new if isinstance(row, dict)]
        else:
            rows = [content] if isinstance(content, dict) else []
        for row in rows:
            point = self._rows.point(row)
            if point:
                yield point


class Csv:
    def __init__(self, path: str):
        self._file = Growing(path)
        self._rows = _Rows()
        self._header: list[str] | None = None

    def skip(self) -> None:
        for _ in self.read(False):
            pass
        self._rows = _Rows()

    def read(self, last: bool) -> Iterator[Point]:
        lines = self._file.lines(last)
        if self._file.anew:
            self._header = None
        for cells in csv.reader(io.StringIO("\n".join(lines))):
            if not cells:
                continue
            if self._header is None or cells == self._header:
                self._header = [cell.strip() for cell in cells]
                continue
            point = self._rows.point(dict(zip(self._header, cells)))
            if point:
                yield point


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer's message: varints as numbers, the rest as bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at : at + size], at + size
        elif kind == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise ValueError("a group")
        yield key >> 3, value


def _scalar(message: bytes) -> tuple[str, float] | None:
    tag, value = "", None
    for field, content in _fields(message):
        if field == 1:
            tag = content.decode("utf-8", "replace")
        elif field == 2:
            value = struct.unpack("<f", content)[0]
        elif field == 8:
            # A tensor of one 32-bit number: in its own field, or as bytes.
            parts = dict(_fields(content))
            held = parts.get(5) or parts.get(4)
            if isinstance(held, bytes) and len(held) == 4 and parts.get(1, 1) == 1:
                value = struct.unpack("<f", held)[0]
    return None if value is None else (tag, value)


def events_of(data: bytes) -> tuple[list[tuple[float, dict[str, Number]]], int]:
    """The scalars of the complete records of an event file, and how many bytes those records take."""
    points: list[tuple[float, dict[str, Number]]] = []
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        if at + 16 + length > len(data):
            break
        record = data[at + 12 : at + 12 + length]
        at += 16 + length
        step, numbers = 0, {}
        try:
            for field, content in _fields(record):
                if field == 2:
                    step = content
                elif field == 5:
                    found = (_scalar(value) for number, value in _fields(content) if number == 1)
                    numbers.update(pair for pair in found if pair)
        except (ValueError, IndexError, struct.error):
            continue
        if numbers:
            points.append((step, numbers))
    return points, at


class TensorBoard:
    def __init__(self, folder: str, nested: bool = True):
        self._folder = folder
        self._pattern = "**/*tfevents*" if nested else "*tfevents*"
        self._offsets: dict[str, int] = {}
        self._old: set[str] = set()

    def skip(self) -> None:
        for _ in self.read(False):
            pass
        self._old = set(self._offsets)

    def read(self, last: bool) -> Iterator[Point]:
        for path in sorted(glob.glob(os.path.join(glob.escape(self._folder), self._pattern), recursive=True)):
            begin = self._offsets.setdefault(path, 0)
            try:
                with open(path, "rb") as file:
                    file.seek(begin)
                    points, size = events_of(file.read())
            except OSError:
                continue
            self._offsets[path] = begin + size
            # Sub-folders are how the writer keeps several curves of one name; one alone is that of this run.
            inside = os.path.relpath(os.path.dirname(path), self._folder)
            folders = {os.path.dirname(known) for known in self._offsets if known not in self._old}
            prefix = "" if inside == "." or len(folders) <= 1 else f"{inside}/"
            for step, numbers in points:
                yield step, None, {f"{prefix}{name}": value for name, value in numbers.items()}


class _FirstOf:
    """The source below the first of several folders that has it."""

    def __init__(self, candidates: list[Any]):
        self._candidates = candidates

    def skip(self) -> None:
        for source in self._candidates:
            source.skip()

    def read(self, last: bool) -> Iterator[Point]:
        for source in self._candidates:
            found = list(source.read(last))
            if found:
                self._candidates = [source]
                yield from found
                return


def sources_of(wanted: dict[str, Any], directories: list[str], stdout: str) -> list[Any]:
    """What `metrics_from` of trial.json names; paths start at one of the directories."""
    found: list[Any] = []
    if wanted.get("stdout"):
        found.append(Patterns(stdout, wanted["stdout"]))
    for key, kind in (("json", Json), ("csv", Csv), ("tensorboard", TensorBoard)):
        if wanted.get(key):
            found.append(_FirstOf([kind(os.path.join(directory, wanted[key])) for directory in directories]))
    return found
