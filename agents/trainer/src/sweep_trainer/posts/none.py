"""No post: the adapter is exported as it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.fields import Fields
from .contract import Post

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class NoPost(Post):
    """No options."""

    name = "none"

    @classmethod
    def parse(cls, fields: Fields) -> NoPost:
        return cls()

    def apply(self, model: nn.Module) -> dict[str, Any] | None:
        return None
