"""What a post promises: a treatment of the trained adapter after the training and before it is exported.

It sees the model with the best checkpoint's weights loaded. The caller evaluates again and exports what it leaves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ..contract.fields import Fields

if TYPE_CHECKING:
    from torch import nn


class Post(ABC):
    """One value of `post.type`, with its options."""

    name: ClassVar[str]
    #: Values of `adapter.type` it can treat; None: all.
    adapters: ClassVar[frozenset[str] | None] = None

    @classmethod
    @abstractmethod
    def parse(cls, fields: Fields) -> Post:
        """Reads the options of this value. Raises DataError."""

    @classmethod
    def unavailable(cls) -> str | None:
        return None

    @abstractmethod
    def apply(self, model: nn.Module) -> dict[str, Any] | None:
        """Changes the adapter in place and says in JSON what it did; None when there was nothing to do and no new
        evaluation is needed. Random numbers come from torch's global generator only, which the caller has seeded."""
