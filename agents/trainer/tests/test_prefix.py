"""Trials that differ in their epochs alone: the longer one resumes from the shorter one and equals a run of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
from conftest import Train, Uninterrupted, World
from variants import VARIANTS

from sweep_trainer.contract import attempt
from sweep_trainer.contract.preemption import Preemption
from sweep_trainer.model.warm_state import WarmState

# 52 records in batches of 8: 7 steps an epoch.
ALIKE: dict[str, Any] = {"schedule__type": "constant", "schedule__warmup_ratio": 0}
NAMES = ("train/loss", "eval/loss", "eval/token_accuracy", "train/grad_norm", "train/learning_rate")


def shared_steps(directory: Path) -> int:
    started = tiny.events(directory)[0]
    assert (started["shared_from"] is not None) == (started["shared_steps"] > 0)
    return started["shared_steps"]


def assert_same(whole: Path, made: Path) -> None:
    for name in NAMES:
        assert list(tiny.curve(made, name).items()) == list(tiny.curve(whole, name).items()), name
    for file in (whole / "adapter").glob("*.safetensors"):
        assert (made / "adapter" / file.name).read_bytes() == file.read_bytes()
    ended, expected = tiny.events(made)[-1], tiny.events(whole)[-1]
    assert ended["step"] == expected["step"]
    for name in ("eval/loss", "eval/best_loss", "eval/best_step", "train/loss"):
        assert ended["values"][name] == expected["values"][name]


@pytest.fixture
def chain(train: Train, tmp_path: Path):
    """Trains one trial after the other, with a cache in common."""

    def run(**changes: Any) -> Path:
        return train(top__cache=str(tmp_path / "cache"), top__share_prefix=True, **changes)

    return run


def test_a_chain_of_epochs_equals_separate_runs(chain: Train, uninterrupted: Uninterrupted) -> None:
    for trial, (epochs, shared) in enumerate(((1, 0), (2, 7), (3, 14)), start=1):
        made = chain(top__trial=trial, schedule__epochs=epochs, **ALIKE)
        assert shared_steps(made) == shared
        assert tiny.events(made)[0]["shared_from"] == (trial - 1 or None)
        assert_same(uninterrupted(schedule__epochs=epochs, **ALIKE), made)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_for_every_variant(chain: Train, uninterrupted: Uninterrupted, name: str) -> None:
    changes = {**VARIANTS[name].changes(), **ALIKE}
    chain(schedule__epochs=1, **changes)
    longer = chain(schedule__epochs=2, **changes)
    # AdaLoRA plans over the whole run, and shares nothing.
    assert shared_steps(longer) == (0 if name == "adalora" else 7)
    assert_same(uninterrupted(schedule__epochs=2, **changes), longer)


def test_warmup_stable_decay_shares_all_but_the_decay(chain: Train, uninterrupted: Uninterrupted) -> None:
    changes = {**ALIKE, "schedule__type": "warmup_stable_decay"}
    assert shared_steps(chain(schedule__epochs=2, **changes)) == 0
    longer = chain(schedule__epochs=3, **changes)
    assert shared_steps(longer) == 12
    assert_same(uninterrupted(schedule__epochs=3, **changes), longer)


def test_the_best_of_the_shorter_run_is_the_longer_ones_too(chain: Train, train: Train, world: World) -> None:
    overfitting = {**world.overfitting(), **ALIKE}
    shorter = chain(**{**overfitting, "schedule__epochs": 15})
    longer = chain(**overfitting)
    best = tiny.events(longer)[-1]["values"]["eval/best_step"]
    assert best == tiny.events(shorter)[-1]["values"]["eval/best_step"] < shared_steps(longer) == 15
    assert_same(train(**overfitting), longer)


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule__type": "cosine", "schedule__warmup_ratio": 0},
        {"schedule__type": "constant", "schedule__warmup_ratio": 0.1},
        {**ALIKE, "optimizer__learning_rate": 0.02, "top__seed": 12},
    ],
)
def test_shares_nothing_where_runs_do_not_begin_alike(chain: Train, changes: dict[str, Any]) -> None:
    chain(schedule__epochs=1, **{**ALIKE, "optimizer__learning_rate": 0.02})
    chain(schedule__epochs=1, **{**changes, "top__seed": 11})
    assert shared_steps(chain(schedule__epochs=2, **changes)) == 0


def test_a_step_that_only_one_of_them_evaluates_is_not_shared(chain: Train) -> None:
    # Half an epoch ends with step 4, where a run with one evaluation an epoch has none.
    chain(schedule__epochs=0.5, evals_per_epoch=1, **ALIKE)
    assert shared_steps(chain(schedule__epochs=2, evals_per_epoch=1, **ALIKE)) == 0


def test_only_the_longest_is_kept_and_a_damaged_one_is_not_used(
    chain: Train, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    chain(schedule__epochs=1, **ALIKE)
    chain(schedule__epochs=2, **ALIKE)
    (kept,) = (tmp_path / "cache").glob("prefix-*/*")
    assert kept.name == "step-00000014"
    (kept / "checkpoints" / "step-00000014" / "optimizer.pt").write_bytes(b"torn")
    shutil.rmtree(kept / "checkpoints" / "step-00000011", ignore_errors=True)
    longer = chain(schedule__epochs=3, **ALIKE)
    assert shared_steps(longer) == 0
    assert_same(uninterrupted(schedule__epochs=3, **ALIKE), longer)


def test_the_longest_one_leaves_nothing_behind(chain: Train, uninterrupted: Uninterrupted, tmp_path: Path) -> None:
    chain(schedule__epochs=1, **ALIKE)
    longest = chain(schedule__epochs=2, top__leave_prefix=False, **ALIKE)
    assert shared_steps(longest) == 7
    assert not list((tmp_path / "cache").glob("prefix-*"))
    assert_same(uninterrupted(schedule__epochs=2, **ALIKE), longest)


def test_a_longer_trial_that_is_preempted_goes_on_exactly(
    chain: Train, uninterrupted: Uninterrupted, world: World, tmp_path: Path
) -> None:
    chain(schedule__epochs=1, **ALIKE)
    trial = world.trial(schedule__epochs=3, top__cache=str(tmp_path / "cache"), top__share_prefix=True, **ALIKE)
    first = tiny.write_attempt(tmp_path / "first", trial)
    preemption = Preemption()
    preemption.requested = True
    assert attempt.run(first, WarmState(), preemption) == "preempted"
    second = tiny.write_attempt(tmp_path / "second", trial)
    if (first / "checkpoints").exists():
        shutil.copytree(first / "checkpoints", second / "checkpoints")
    assert attempt.run(second, WarmState(), Preemption()) == "finished"
    whole = uninterrupted(schedule__epochs=3, **ALIKE)
    for name in NAMES:
        assert {**tiny.curve(first, name), **tiny.curve(second, name)} == tiny.curve(whole, name)
