"""Steps, evaluations, micro-batches and the order of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny

from sweep_trainer.contract import trial
from sweep_trainer.data.data_order import DataOrder
from sweep_trainer.training.plan import Plan, plan

PLACE = Path("/nowhere")


def planned(examples: int, **changes: Any) -> Plan:
    return plan(trial.parse(tiny.trial(PLACE, PLACE, PLACE, **changes)).training, examples, 4)


@pytest.mark.parametrize(
    ("examples", "changes", "steps", "evals"),
    [
        (80, {"schedule__epochs": 2}, 20, {5, 10, 15, 20}),
        (81, {"schedule__epochs": 1}, 11, {6, 11}),  # the last batch has one example
        (80, {"schedule__epochs": 0.5}, 5, {5}),
        (240, {"schedule__epochs": 0.1}, 3, {3}),
        (80, {"schedule__epochs": 1.25, "evals_per_epoch": 1}, 13, {10, 13}),
        (80, {"schedule__max_steps": 7}, 7, {5, 7}),
        (80, {"schedule__max_steps": 25, "schedule__epochs": 1}, 25, {5, 10, 15, 20, 25}),
        (3, {"schedule__epochs": 2, "evals_per_epoch": 5}, 2, {1, 2}),
    ],
)
def test_steps_and_evaluations(examples: int, changes: dict[str, Any], steps: int, evals: set[int]) -> None:
    made = planned(examples, **changes)
    assert made.total_steps == steps
    assert made.eval_steps == evals
    assert made.logs_at(1)
    assert all(made.logs_at(step) for step in evals)


def test_warmup_accumulation_and_curve_length() -> None:
    made = planned(8000, schedule__epochs=3, schedule__warmup_ratio=0.03)
    assert made.warmup_steps == 90
    assert made.accumulation == 2
    assert sum(made.logs_at(step) for step in range(1, made.total_steps + 1)) <= 110


def order(data: DataOrder, epoch: int) -> list[int]:
    data.set_epoch(epoch)
    return list(data)


def test_order_depends_on_seed_and_epoch_only() -> None:
    first = DataOrder(50, seed=3)
    assert sorted(order(first, 0)) == list(range(50))
    assert order(first, 1) != order(first, 0)
    assert order(DataOrder(50, seed=3), 1) == order(first, 1)
    assert order(DataOrder(50, seed=4), 1) != order(first, 1)


def test_grouping_by_length_keeps_all_and_pads_less() -> None:
    lengths = [1 + (index * 37) % 101 for index in range(203)]
    grouped, plain = DataOrder(203, 3, lengths, 8), DataOrder(203, 3)
    assert sorted(order(grouped, 0)) == list(range(203))
    assert order(grouped, 1) != order(grouped, 0)

    def padded(indices: list[int]) -> int:
        batches = [indices[at : at + 8] for at in range(0, len(indices), 8)]
        return sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)

    assert padded(order(grouped, 0)) < 0.7 * padded(order(plain, 0))
