"""What happens at which optimiser step, worked out before the first one.

Owns the arithmetic of epochs, steps, evaluations and logging. It needs no model and no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..contract.trial import Training

_CURVE_POINTS = 100  # points of a train curve, besides those at evaluations
_EPOCH_POINTS = 50  # of it an epoch, where runs of different length share their beginning
DECAY_SHARE = 0.1  # of all steps, the last phase of warmup-stable-decay (arXiv 2404.06395 finds 10 % enough)


@dataclass(frozen=True)
class Plan:
    """Steps are optimiser steps, counted from 1. The last one is always an eval step."""

    micro_batch_size: int
    accumulation: int
    steps_per_epoch: int
    total_steps: int
    warmup_steps: int
    decay_steps: int
    log_every: int
    eval_steps: frozenset[int]

    def logs_at(self, step: int) -> bool:
        return step == 1 or step % self.log_every == 0 or step in self.eval_steps


def plan(training: Training, examples: int, micro_batch_size: int) -> Plan:
    """The plan for `examples` training examples; the last batch of an epoch may be smaller."""
    per_epoch = steps_per_epoch(training, examples)
    total = total_steps(training, examples)
    return Plan(
        micro_batch_size=micro_batch_size,
        accumulation=training.batch_size // micro_batch_size,
        steps_per_epoch=per_epoch,
        total_steps=total,
        warmup_steps=math.ceil(training.schedule.warmup_ratio * total),
        decay_steps=math.ceil(DECAY_SHARE * total) if training.schedule.type == "warmup_stable_decay" else 0,
        log_every=math.ceil(per_epoch / _EPOCH_POINTS if begins_alike(training) else total / _CURVE_POINTS),
        eval_steps=_eval_steps(per_epoch, total, training.evals_per_epoch),
    )


def begins_alike(training: Training) -> bool:
    """Whether a run of more epochs begins as this one: nothing before the last phase depends on the length."""
    schedule = training.schedule
    return (
        schedule.type in ("constant", "warmup_stable_decay")
        and schedule.warmup_ratio == 0
        and schedule.max_steps is None
        and not training.adapter.plans_ahead
    )


def common_steps(training: Training, plan: Plan) -> int:
    """Steps that longer runs have in common with this one; 0 when none."""
    return plan.total_steps - plan.decay_steps if begins_alike(training) else 0


def steps_per_epoch(training: Training, examples: int) -> int:
    return math.ceil(examples / training.batch_size)


def total_steps(training: Training, examples: int) -> int:
    if training.schedule.max_steps is not None:
        return training.schedule.max_steps
    # The tolerance keeps 0.1 × 30, which is 3.0000000000000004, at 3 steps.
    return max(1, math.ceil(training.schedule.epochs * steps_per_epoch(training, examples) - 1e-9))


def _eval_steps(per_epoch: int, total: int, per_epoch_evals: int) -> frozenset[int]:
    spaced = (
        round(index * per_epoch / per_epoch_evals) for index in range(1, 2 + total * per_epoch_evals // per_epoch)
    )
    return frozenset(step for step in spaced if 1 <= step < total) | {total}
