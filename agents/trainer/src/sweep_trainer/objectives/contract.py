"""What an objective promises: which tokens of which examples are trained.

The loss is always the mean negative log-likelihood of the labelled tokens (likelihood), and the evaluation always uses
the whole answers of the eval file, so that objectives compare. An objective only makes the training examples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from ..contract.fields import Fields
from ..data.alpaca import Record

if TYPE_CHECKING:
    from ..data.encoding import Encoder, Example
    from ..model.base_model import BaseModel


#: `once(kind, make)`: a JSON value that the trials of a sweep with equal model, data and objective make once and share.
Once = Callable[[str, Callable[[], Any]], Any]


class Objective(ABC):
    """One value of `objective.type`, with its options. Equal values make equal examples of equal records, whatever
    the trial's seed: the caller keeps them from trial to trial."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def parse(cls, fields: Fields) -> Objective:
        """Reads the options of this value. Raises DataError."""

    @classmethod
    def unavailable(cls) -> str | None:
        return None

    @abstractmethod
    def examples(self, records: list[Record], encoder: Encoder, base: BaseModel, once: Once) -> list[Example]:
        """The training examples. `base` is the untouched base model, for objectives that sample from it; what is costly
        to sample goes through `once`."""
