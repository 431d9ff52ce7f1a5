"""The parameters of a trial as a script reads them: by attribute, by item, like a dictionary. Owns precedence: the
sweep's values win over a script's defaults."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .notices import notice


def nested(parameters: Mapping[str, Any], groups: list[str], structured: list[str]) -> dict[str, Any]:
    """Parameters with dotted names as the sweep file nests them; lists and maps, which travel as JSON text, decoded."""
    known = set(groups)
    root: dict[str, Any] = {}
    for name, value in parameters.items():
        at = root
        rest = name
        prefix = ""
        while True:
            dots = [index for index, letter in enumerate(rest) if letter == "."]
            dot = next((index for index in dots if prefix + rest[:index] in known), None)
            if dot is None:
                break
            key = rest[:dot]
            at = at.setdefault(key, {})
            prefix = f"{prefix}{key}."
            rest = rest[dot + 1 :]
        if name in structured and isinstance(value, str) and value[:1] in "[{":
            with contextlib.suppress(ValueError):
                value = json.loads(value)
        at[rest] = value
    return root


def as_mapping(values: Any) -> dict[str, Any]:
    """What scripts hand over as configuration: a dictionary, an argparse namespace, anything with items or attributes."""
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return dict(values)
    if hasattr(values, "items"):
        return dict(values.items())
    if hasattr(values, "keys"):
        return {key: values[key] for key in values.keys()}  # noqa: SIM118
    return {key: value for key, value in vars(values).items() if not key.startswith("_")}


class Config:
    """Attribute and item access are the same. What the sweep sets cannot be changed: the attempt is ignored, and said."""

    def __init__(self, defaults: Mapping[str, Any] | None = None, fixed: Mapping[str, Any] | None = None):
        object.__setattr__(self, "_fixed", frozenset(fixed or {}))
        object.__setattr__(self, "_values", {**(defaults or {}), **(fixed or {})})

    def _set(self, name: str, value: Any) -> None:
        if name in self._fixed:
            if self._values[name] != value:
                notice(f"config.{name} is set by the sweep and stays {self._values[name]!r}")
            return
        self._values[name] = value

    def update(self, values: Any = None, allow_val_change: bool | None = None, **more: Any) -> None:
        for name, value in {**as_mapping(values), **more}.items():
            self._set(str(name), value)

    def setdefaults(self, values: Any) -> None:
        for name, value in as_mapping(values).items():
            self._values.setdefault(str(name), value)

    def setdefault(self, name: str, value: Any = None) -> Any:
        return self._values.setdefault(name, value)

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def keys(self) -> Any:
        return self._values.keys()

    def values(self) -> Any:
        return self._values.values()

    def items(self) -> Any:
        return self._values.items()

    def as_dict(self) -> dict[str, Any]:
        return dict(self._values)

    def pop(self, name: str, *default: Any) -> Any:
        return self._values.get(name, *default) if name in self._fixed else self._values.pop(name, *default)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._set(name, value)

    def __delitem__(self, name: str) -> None:
        if name not in self._fixed:
            del self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        known = ", ".join(sorted(map(str, values))) or "none"
        raise AttributeError(f"there is no parameter {name!r}; those of this trial: {known}")

    def __setattr__(self, name: str, value: Any) -> None:
        self._set(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return repr(self._values)
