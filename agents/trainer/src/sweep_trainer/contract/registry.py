"""The values of one axis of the training configuration, by name.

Owns the look-up from `{"type": …}` to the module that parses and runs it, and what `describe` says about an axis.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from .fields import Fields


class AxisValue(Protocol):
    """What every value of an axis offers before any model is loaded."""

    name: str

    @classmethod
    def parse(cls, fields: Fields) -> Any:
        """Reads the options of this value. Raises DataError."""

    @classmethod
    def unavailable(cls) -> str | None:
        """Why this machine cannot run it, in one sentence, or None. Must not import torch."""


Value = TypeVar("Value", bound=AxisValue)


class Registry(Generic[Value]):
    """All values of one axis. Adding one is adding its class here."""

    def __init__(self, *values: type[Value]) -> None:
        self._values = {value.name: value for value in values}

    def parse(self, fields: Fields) -> Value:
        """The configured value named by `type`. Raises DataError for an unknown name or option."""
        value = self._values[fields.choice("type", self._values)].parse(fields)
        fields.close()
        return value

    def items(self) -> list[tuple[str, type[Value]]]:
        return sorted(self._values.items())
