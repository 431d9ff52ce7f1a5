"""Supervised fine-tuning: every token of the answer and its end are trained, the prompt is masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract.fields import Fields
from ..data.alpaca import Record
from .contract import Objective, Once

if TYPE_CHECKING:
    from ..data.encoding import Encoder, Example
    from ..model.base_model import BaseModel


@dataclass(frozen=True)
class SupervisedFineTuning(Objective):
    """No options."""

    name = "sft"

    @classmethod
    def parse(cls, fields: Fields) -> SupervisedFineTuning:
        return cls()

    def examples(self, records: list[Record], encoder: Encoder, base: BaseModel, once: Once) -> list[Example]:
        return encoder.examples(records)
