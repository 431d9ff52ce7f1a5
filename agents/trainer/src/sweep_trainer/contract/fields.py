"""Reads a JSON object field by field and says where it is wrong.

Owns positions in messages (`training.adapter.rank`), type and range checks, and the refusal of keys nobody read.
It knows no configuration by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from .failures import DataError

_MISSING = object()


class Fields:
    """One JSON object under a dotted `path`. Every reader marks its key as known; `close` refuses the others."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise DataError(f"{path or 'trial.json'}: expected an object, found {shown(value)}")
        self._value: dict[str, Any] = value
        self._path = path
        self._known: set[str] = set()

    def at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def raw(self, key: str, default: Any = _MISSING) -> Any:
        self._known.add(key)
        value = self._value.get(key, default)
        if value is _MISSING:
            raise DataError(f"{self.at(key)}: missing")
        return value

    def has(self, key: str) -> bool:
        return self._value.get(key) is not None

    def section(self, key: str) -> Fields:
        return Fields(self.raw(key), self.at(key))

    def text(self, key: str, default: Any = _MISSING) -> str:
        value = self.raw(key, default)
        if not isinstance(value, str):
            raise DataError(f"{self.at(key)}: expected text, found {shown(value)}")
        return value

    def choice(self, key: str, allowed: Iterable[str], default: Any = _MISSING) -> str:
        value = self.text(key, default)
        names = sorted(allowed)
        if value not in names:
            raise DataError(
                f"{self.at(key)}: {value!r} is not known here{nearest(value, names)}; known: {', '.join(names)}"
            )
        return value

    def flag(self, key: str, default: Any = _MISSING) -> bool:
        value = self.raw(key, default)
        if not isinstance(value, bool):
            raise DataError(f"{self.at(key)}: expected true or false, found {shown(value)}")
        return value

    def integer(self, key: str, minimum: int, default: Any = _MISSING) -> int:
        value = self.raw(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise DataError(f"{self.at(key)}: expected a whole number of at least {minimum}, found {shown(value)}")
        return value

    def optional_integer(self, key: str, minimum: int) -> int | None:
        return None if self.raw(key, None) is None else self.integer(key, minimum)

    def number(
        self,
        key: str,
        minimum: float = 0.0,
        maximum: float = float("inf"),
        above: bool = False,
        default: Any = _MISSING,
    ) -> float:
        """A finite number in [minimum, maximum]; with `above`, minimum itself is excluded."""
        value = self.raw(key, default)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        inside = is_number and minimum <= value <= maximum and abs(value) != float("inf")
        if not inside or (above and value == minimum):
            low = f"above {minimum:g}" if above else f"of at least {minimum:g}"
            high = "" if maximum == float("inf") else f" and at most {maximum:g}"
            raise DataError(f"{self.at(key)}: expected a number {low}{high}, found {shown(value)}")
        return float(value)

    def disregard(self, *keys: str) -> None:
        """Keys that are there in every trial, whether they mean anything to it or not."""
        self._known.update(keys)

    def close(self) -> None:
        """Refuses a key nobody read, unless it is null or false: an option we would ignore must not look obeyed."""
        for key in sorted(self._value.keys() - self._known):
            if self._value[key] is not None and self._value[key] is not False:
                raise DataError(
                    f"{self.at(key)}: unknown option{nearest(key, self._known)}; this trainer would ignore it"
                )


def nearest(word: str, words: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the closest of `words`, or nothing."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def shown(value: Any) -> str:
    """A short, safe picture of a JSON value for an error message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return str(value)
