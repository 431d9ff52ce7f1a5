"""From what scripts log to finite or named numbers. Knows plain numbers, numpy and torch scalars (by their `item`
method, without importing either) and nested dictionaries, whose names are joined with a dot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Union

Number = Union[int, float]

# JSON readers hold numbers as 64-bit floating point.
_exact = 2**53


def number(value: Any) -> Number | None:
    """The number that a value is, or None when it is none: text, a table, an array of several numbers."""
    kind = type(value)
    if kind is float:
        return value
    if kind is int:
        return value if -_exact <= value <= _exact else float(value)
    if kind is bool:
        return int(value)
    if value is None or isinstance(value, (str, bytes)):
        return None
    if isinstance(value, Real) or (hasattr(value, "__float__") and not hasattr(value, "item")):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            return None
    item = getattr(value, "item", None)
    if not callable(item) or getattr(value, "size", 1) == 0:
        return None
    try:
        inner = item()
    except Exception:
        # An array or tensor of several numbers.
        return None
    return number(inner) if isinstance(inner, (int, float)) else None


def text(value: Number) -> str:
    """As it stands in a line of JSON; JSON has no NaN, which travels as its name."""
    if type(value) is int or math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else ('"Infinity"' if value > 0 else '"-Infinity"')


def flatten(values: Mapping[Any, Any], prefix: str = "") -> tuple[dict[str, Number], list[str]]:
    """The numbers among the values by their dotted names, and the names of what is no number."""
    numbers: dict[str, Number] = {}
    others: list[str] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            inner, rest = flatten(value, f"{name}.")
            numbers.update(inner)
            others.extend(rest)
            continue
        read = number(value)
        if read is None:
            others.append(name)
        else:
            numbers[name] = read
    return numbers, others
