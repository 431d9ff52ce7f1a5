"""Which linear layers an adapter goes onto: `all-linear`, names, or a regular expression.

Owns the syntax of `target_modules`, its meaning where PEFT does not match itself, and the message when nothing matches.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..contract.failures import DataError
from ..contract.fields import Fields

if TYPE_CHECKING:
    from torch import nn

ALL_LINEAR = "all-linear"


def parse(fields: Fields) -> str | list[str]:
    """PEFT's form of the option: `all-linear`, a list of names, or the text between two slashes as a regular
    expression that must match a module's whole path."""
    text = fields.text("target_modules", ALL_LINEAR).strip()
    if text == ALL_LINEAR:
        return text
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        try:
            re.compile(text[1:-1])
        except re.error as error:
            raise DataError(f"{fields.at('target_modules')}: {text} is not a regular expression: {error}") from error
        return text[1:-1]
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise DataError(f"{fields.at('target_modules')}: expected all-linear, module names or /a regular expression/")
    return names


def matches(target: str | list[str], path: str) -> bool:
    """Whether the linear layer at `path` is meant, by PEFT's rules."""
    if isinstance(target, str):
        return target == ALL_LINEAR or re.fullmatch(target, path) is not None
    return any(path == name or path.endswith(f".{name}") for name in target)


def none_matched(target: str | list[str], base: nn.Module) -> DataError:
    """The error for a target that no layer of `base` answers to, naming those there are."""
    from torch import nn

    names = {path.rpartition(".")[2] for path, module in base.named_modules() if isinstance(module, nn.Linear)}
    found = target if isinstance(target, str) else ", ".join(target)
    return DataError(
        f"training.adapter.target_modules: no layer of the model matches {found!r}; "
        f"its linear layers are called {', '.join(sorted(names))}"
    )
