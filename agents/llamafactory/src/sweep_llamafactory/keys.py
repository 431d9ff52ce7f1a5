"""The keys of LLaMA-Factory's configurations, from its own dataclasses: what packages/sweepfile checks files against.

Owns the small description of a key: a kind, the words it takes, whether it may be null.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any


def keys() -> dict[str, dict[str, Any]]:
    from llamafactory.hparams import parser

    found: dict[str, dict[str, Any]] = {}
    for section in parser._TRAIN_ARGS:
        hints = typing.get_type_hints(section)
        for field in dataclasses.fields(section):
            if field.init and not field.name.startswith("_"):
                found[field.name] = _described(hints[field.name])
    return dict(sorted(found.items()))


def _described(hint: Any) -> dict[str, Any]:
    parts = _parts(hint)
    nullable = type(None) in parts
    parts = [part for part in parts if part is not type(None)]
    described: dict[str, Any] = {}
    words = sorted({str(word) for part in parts if typing.get_origin(part) is typing.Literal for word in part.__args__})
    enums = [part for part in parts if isinstance(part, type) and issubclass(part, Enum)]
    words += [str(member.value) for part in enums for member in part]
    if words and all(part is str or part in enums or typing.get_origin(part) is typing.Literal for part in parts):
        described["words"] = words
        described["kind"] = "text"
    elif any(part in (dict, list) or typing.get_origin(part) in (dict, list, tuple) for part in parts):
        described["kind"] = "any"
    elif bool in parts and len(parts) == 1:
        described["kind"] = "boolean"
    elif float in parts and str not in parts:
        described["kind"] = "number"
    elif int in parts and len(parts) == 1:
        described["kind"] = "integer"
    elif parts == [str]:
        described["kind"] = "text"
    else:
        described["kind"] = "any"
    if nullable:
        described["null"] = True
    return described


def _parts(hint: Any) -> list[Any]:
    origin = typing.get_origin(hint)
    if origin is typing.Union or origin is types.UnionType:
        return [part for inner in typing.get_args(hint) for part in _parts(inner)]
    if origin is typing.Annotated:
        return _parts(typing.get_args(hint)[0])
    return [hint]
