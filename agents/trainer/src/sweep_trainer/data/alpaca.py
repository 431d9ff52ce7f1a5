"""Alpaca-format records: read from a JSON array or from JSON lines, checked one by one.

Owns the format and its error messages. It does no tokenising and needs nothing but the standard library, so that a
sweep can be refused at submission without loading torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.failures import DataError
from ..contract.fields import nearest, shown

FIELDS = ("instruction", "input", "output", "system", "history", "images")


@dataclass(frozen=True)
class Record:
    """One example. `history` holds earlier (question, answer) turns of the same conversation, oldest first; `images`
    stand before the last question."""

    instruction: str
    input: str
    output: str
    system: str
    history: tuple[tuple[str, str], ...]
    images: tuple[Path, ...] = ()

    @property
    def question(self) -> str:
        """What the user says in the last turn: the instruction, then the input on a line of its own."""
        return (
            f"{self.instruction}\n{self.input}" if self.instruction and self.input else self.instruction or self.input
        )


def read_records(path: Path, limit: int | None = None) -> list[Record]:
    """The records of `path`, at most `limit`. Raises DataError naming the file, the record (from 1) and the field."""
    values = _read_values(path)
    if not values:
        raise DataError(f"{path} holds no records; expected a list of Alpaca records")
    return [
        record_from(value, f"{path}: record {number}", number, path.parent)
        for number, value in enumerate(values[:limit], start=1)
    ]


def record_from(value: Any, where: str, number: int | None = None, folder: Path | None = None) -> Record:
    """The record that `value` is; `where` opens the error's sentence, relative paths of images start at `folder`."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object with instruction and output, found {shown(value)}", number)
    record = Record(
        instruction=_text(value, "instruction", where, number, required=True),
        input=_text(value, "input", where, number),
        output=_text(value, "output", where, number, required=True),
        system=_text(value, "system", where, number),
        history=_history(value.get("history"), where, number),
        images=_images(value.get("images"), where, number, folder or Path()),
    )
    if not record.question.strip():
        raise DataError(f"{where}: expected an instruction or an input, found both empty", number)
    return record


def _text(value: dict[str, Any], field: str, where: str, number: int | None, required: bool = False) -> str:
    if required and field not in value:
        unknown = [key for key in value if key not in FIELDS]
        similar = nearest(field, unknown).replace("did you mean", "is it called")
        raise DataError(f"{where}: field '{field}' is missing, expected text{similar}", number)
    found = value.get(field)
    if found is None and not required:
        return ""
    if not isinstance(found, str):
        raise DataError(f"{where}: field '{field}' must be text, found {shown(found)}", number)
    return found


def _history(value: Any, where: str, number: int | None) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    expected = "field 'history' must be a list of [question, answer] pairs of texts"
    if not isinstance(value, list):
        raise DataError(f"{where}: {expected}, found {shown(value)}", number)
    for turn in value:
        if not isinstance(turn, list) or len(turn) != 2 or not all(isinstance(part, str) for part in turn):
            raise DataError(f"{where}: {expected}, found {shown(turn)} in it", number)
    return tuple((question, answer) for question, answer in value)


def _images(value: Any, where: str, number: int | None, folder: Path) -> tuple[Path, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise DataError(f"{where}: field 'images' must be a list of paths, found {shown(value)}", number)
    images = tuple(folder / path for path in value)
    for image in images:
        if not image.is_file():
            raise DataError(f"{where}: the image {image} does not exist; relative paths start at {folder}", number)
    return images


def _read_values(path: Path) -> list[Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"the data file {path} does not exist") from error
    except OSError as error:
        raise DataError(f"the data file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise DataError(f"{path} is empty; expected a list of Alpaca records")
    if path.suffix == ".jsonl":
        return _read_lines(path, text)
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"{path} is nested too deeply; expected a list of Alpaca records") from error
    if not isinstance(values, list):
        raise DataError(f"{path}: expected a list of Alpaca records, found {shown(values)}")
    return values


def _read_lines(path: Path, text: str) -> list[Any]:
    values = []
    for line_number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except json.JSONDecodeError as error:
            number = len(values) + 1
            raise DataError(
                f"{path}:{line_number}:{error.colno}: record {number} is not JSON: {error.msg}", number
            ) from error
    return values
