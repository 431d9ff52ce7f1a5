"""What the tests share: one tiny model and its data for the whole session, and attempts trained in this process."""

from __future__ import annotations

import os

from sweep_trainer.process import environment

os.environ.setdefault("OMP_NUM_THREADS", "1")
environment.prepare()

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from sweep_trainer.contract import attempt
from sweep_trainer.contract.preemption import Preemption
from sweep_trainer.model.warm_state import WarmState

torch.set_num_threads(1)


@dataclass(frozen=True)
class World:
    """Paths of the model (with a chat template), the same without one, and data files; the answers of `contrary` are
    not those of `train`, so that whoever learns more of `train` does worse on it in the end."""

    model: Path
    plain_model: Path
    train: Path
    held_out: Path
    contrary: Path

    def trial(self, **changes: Any) -> dict[str, Any]:
        return tiny.trial(self.model, self.train, self.held_out, **changes)

    def overfitting(self) -> dict[str, Any]:
        """Changes that make a trial whose eval loss is best in the middle: 20 steps over the same 8 records."""
        return {
            "data__eval": str(self.contrary),
            "data__max_samples": 8,
            "evals_per_epoch": 1,
            "schedule__epochs": 20,
            "schedule__type": "constant",
            "optimizer__learning_rate": 0.02,
            "adapter__rank": 16,
            "adapter__dropout": 0.0,
        }


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    made = World(
        tiny.make_model(folder / "model"),
        tiny.make_model(folder / "plain-model", chat=False),
        folder / "train.json",
        folder / "eval.json",
        folder / "contrary.json",
    )
    made.train.write_text(json.dumps(tiny.records(52, 1)), encoding="utf-8")
    made.held_out.write_text(json.dumps(tiny.records(20, 2)), encoding="utf-8")
    made.contrary.write_text(json.dumps(tiny.records(20, 2, answer=6)), encoding="utf-8")
    return made


Train = Callable[..., Path]
Uninterrupted = Callable[..., Path]

#: Changes that make a trial of 105 steps, long enough to be interrupted from outside.
LONG: dict[str, Any] = {"schedule__epochs": 15, "evals_per_epoch": 1}


@pytest.fixture(scope="session")
def uninterrupted(world: World, tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    """The uninterrupted cold run of the trial with the given changes; trained once, for all tests that ask for it."""
    made: dict[str, Path] = {}

    def run(**changes: Any) -> Path:
        trial = world.trial(**changes)
        key = json.dumps(trial)
        if key not in made:
            directory = tiny.write_attempt(tmp_path_factory.mktemp("uninterrupted") / "attempt", trial)
            assert attempt.run(directory, None, Preemption()) == "finished", tiny.events(directory)[-1:]
            made[key] = directory
        return made[key]

    return run


@pytest.fixture(scope="session")
def whole(uninterrupted: Uninterrupted) -> Path:
    """The uninterrupted run of the trial without changes."""
    return uninterrupted()


@pytest.fixture(scope="session")
def long_run(uninterrupted: Uninterrupted) -> Path:
    """The uninterrupted run of LONG."""
    return uninterrupted(**LONG)


@pytest.fixture
def train(world: World, tmp_path: Path) -> Train:
    """Trains one attempt in this process and returns its directory; `changes` are tiny.trial's."""
    count = 0

    def run(
        status: str = "finished",
        warm: WarmState | None = None,
        preemption: Preemption | None = None,
        prepare: Callable[[Path], None] | None = None,
        **changes: Any,
    ) -> Path:
        nonlocal count
        count += 1
        directory = tiny.write_attempt(tmp_path / f"attempt-{count}", world.trial(**changes))
        if prepare is not None:
            prepare(directory)
        assert attempt.run(directory, warm, preemption or Preemption()) == status, tiny.events(directory)[-1:]
        return directory

    return run
