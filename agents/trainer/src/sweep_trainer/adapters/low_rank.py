"""The options that the low-rank adapters have in common. Owns their ranges."""

from __future__ import annotations

from typing import Any

from ..contract.fields import Fields
from . import target_modules


def parse(fields: Fields) -> dict[str, Any]:
    """`rank`, `alpha`, `dropout` and `targets`, by name. Raises DataError."""
    return {
        "rank": fields.integer("rank", 1),
        "alpha": fields.number("alpha", 0, above=True),
        "dropout": fields.number("dropout", 0, 1, default=0.0),
        "targets": target_modules.parse(fields),
    }
