"""How far a run is: everything besides weights, optimiser, schedule and random numbers that continuing exactly needs.

Owns the train-loss window (the steps since the last log), the best evaluation so far and the last value of each
metric, and their JSON form in a checkpoint. Floats survive JSON bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch


@dataclass
class Window:
    """Sums since the last log. Loss and tokens are kept on the device, so that adding costs no synchronisation."""

    loss: torch.Tensor
    tokens: torch.Tensor
    steps: int = 0
    seconds: float = 0.0

    @classmethod
    def empty(cls, device: torch.device) -> Window:
        return cls(
            torch.zeros((), dtype=torch.float64, device=device), torch.zeros((), dtype=torch.int64, device=device)
        )

    def add(self, loss: torch.Tensor, tokens: torch.Tensor) -> None:
        """One micro-batch: its share of the step's mean loss, and how many tokens it had."""
        self.loss += loss.double()
        self.tokens += tokens


@dataclass
class Progress:
    """`pending_eval`: an evaluation is due at step `step` and has not been made, because a preemption came first."""

    step: int = 0
    best_step: int = 0
    best_loss: float = math.inf
    best_score: float = math.inf
    pending_eval: bool = False
    last_values: dict[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0
    eval_seconds: float = 0.0

    def consider(self, loss: float, score: float) -> None:
        """Takes the evaluation at `step` as the best one when its `score`, less being better, is; the earlier of two
        equals stays."""
        if score < self.best_score:
            self.best_step, self.best_loss, self.best_score = self.step, loss, score

    def forget_best(self) -> None:
        self.best_step, self.best_loss, self.best_score = 0, math.inf, math.inf

    def to_json(self, window: Window) -> dict[str, Any]:
        return {
            **asdict(self),
            "best_loss": None if math.isinf(self.best_loss) else self.best_loss,
            "best_score": None if math.isinf(self.best_score) else self.best_score,
            "window": {
                "loss": float(window.loss),
                "tokens": int(window.tokens),
                "steps": window.steps,
                "seconds": window.seconds,
            },
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], device: torch.device) -> tuple[Progress, Window]:
        fields = dict(value)
        saved = fields.pop("window")
        window = Window.empty(device)
        window.loss += saved["loss"]
        window.tokens += saved["tokens"]
        window.steps, window.seconds = saved["steps"], saved["seconds"]
        fields.setdefault("best_score", fields["best_loss"])  # of a trainer that knew no other score
        for name in ("best_loss", "best_score"):
            if fields[name] is None:
                fields[name] = math.inf
        return cls(**fields), window
