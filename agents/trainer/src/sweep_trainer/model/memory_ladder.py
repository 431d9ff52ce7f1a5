"""What to try when a training step is out of memory: changes that do not change the result, the cheapest first.

Owns the order: half the micro-batch, the rest accumulated, down to one sequence; then gradient checkpointing. The
effective batch and the order of the examples stay. It does not catch anything: that is the attempt's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..contract.trial import Training


@dataclass(frozen=True)
class Rung:
    """How a step is computed."""

    micro_batch_size: int
    gradient_checkpointing: bool

    def applied(self, training: Training) -> Training:
        """`training`, computed like this."""
        return dataclasses.replace(
            training,
            micro_batch_size=self.micro_batch_size,
            gradient_checkpointing=self.gradient_checkpointing,
        )

    def __str__(self) -> str:
        checkpointing = " with gradient checkpointing" if self.gradient_checkpointing else ""
        return f"micro_batch_size {self.micro_batch_size}{checkpointing}"


def below(rung: Rung, batch_size: int) -> Rung | None:
    """The next thing to try after `rung` did not fit; None when there is nothing left."""
    smaller = [size for size in range(1, rung.micro_batch_size // 2 + 1) if batch_size % size == 0]
    if smaller:
        return dataclasses.replace(rung, micro_batch_size=max(smaller))
    return None if rung.gradient_checkpointing else dataclasses.replace(rung, gradient_checkpointing=True)
