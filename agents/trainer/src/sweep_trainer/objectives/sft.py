"""Supervised fine-tuning: every token of the answer and its end are trained, the prompt is masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..alpaca import Record
from ..fields import Fields
from .contract import Objective, Once

if TYPE_CHECKING:
    from ..base_model import BaseModel
    from ..encoding import Encoder, Example


@dataclass(frozen=True)
class SupervisedFineTuning(Objective):
    """No options."""

    name = "sft"

    @classmethod
    def parse(cls, fields: Fields) -> SupervisedFineTuning:
        return cls()

    def examples(self, records: list[Record], encoder: Encoder, base: BaseModel, once: Once) -> list[Example]:
        return encoder.examples(records)
