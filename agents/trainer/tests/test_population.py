"""A member of a population: it waits at its point, and resumes from the checkpoint of another with other parameters."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from conftest import Train, Uninterrupted
from variants import VARIANTS

from sweep_trainer.model.warm_state import WarmState

# 52 records in batches of 8: 7 steps an epoch, 21 in all, evaluations at 4, 7, 10, 14, 18 and 21.
AT_EPOCH_1 = {"top__pause_at": {"resource": "epoch", "at": 1}}
PARENT = {"trial": 3, "epoch": 5, "step": 7}
CURVES = ("train/loss", "eval/loss", "train/grad_norm", "train/learning_rate")


def given(parent: Path) -> Callable[[Path], None]:
    """What the agent does: the newest checkpoint of the parent's attempt goes into the new attempt's directory."""
    newest = sorted((parent / "checkpoints").iterdir())[-1]
    return lambda directory: shutil.copytree(newest, directory / "checkpoints" / newest.name) and None


def after(curve: dict[int, float], step: int) -> dict[int, float]:
    return {at: value for at, value in curve.items() if at > step}


@pytest.mark.parametrize(("pause", "step"), [(("epoch", 1), 7), (("step", 8), 10), (("epoch", 2.9), None)])
def test_waits_at_the_first_evaluation_at_its_point(whole: Path, train: Train, pause: tuple, step: int | None) -> None:
    wanted = {"resource": pause[0], "at": pause[1]}
    paused = train(status="finished" if step is None else "preempted", top__pause_at=wanted)
    last = tiny.events(paused)[-1]
    if step is None:  # what is left is the end
        assert last["type"] == "finished"
        return
    assert (last["type"], last["step"]) == ("paused", step)
    assert tiny.of_type(paused, "checkpoint")[-1]["step"] == step
    assert max(tiny.curve(paused, "train/loss")) == step
    second = train(prepare=given(paused))
    for name in CURVES:
        assert {**tiny.curve(paused, name), **tiny.curve(second, name)} == tiny.curve(whole, name)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_goes_on_from_another_trial_exactly_where_nothing_changed(
    uninterrupted: Uninterrupted, train: Train, name: str
) -> None:
    changes = VARIANTS[name].changes()
    whole = uninterrupted(**changes)
    warm = WarmState()
    paused = train(status="preempted", warm=warm, **AT_EPOCH_1, **changes)
    child = train(prepare=given(paused), warm=warm, top__parent=PARENT, **changes)
    for curve in CURVES:
        assert after(tiny.curve(child, curve), 7) == after(tiny.curve(whole, curve), 7), curve
    # What it resumes from is evaluated as its own, and is the same.
    assert tiny.curve(child, "eval/loss")[7] == tiny.curve(whole, "eval/loss")[7]
    for file in (whole / "adapter").glob("*.safetensors"):
        assert (child / "adapter" / file.name).read_bytes() == file.read_bytes()


def test_waits_again_where_it_was_interrupted_at_its_point(whole: Path, train: Train) -> None:
    paused = train(status="preempted", **AT_EPOCH_1)
    again = train(status="preempted", prepare=given(paused), **AT_EPOCH_1)
    last = tiny.events(again)[-1]
    assert (last["type"], last["step"]) == ("paused", 7)
    assert not tiny.of_type(again, "metrics")
    second = train(prepare=given(again))
    for name in CURVES:
        assert {**tiny.curve(paused, name), **tiny.curve(second, name)} == tiny.curve(whole, name)


def test_changed_parameters_hold_from_there_on(whole: Path, train: Train) -> None:
    rate = tiny.curve(whole, "train/learning_rate")
    paused = train(status="preempted", **AT_EPOCH_1)
    faster = train(prepare=given(paused), top__parent=PARENT, optimizer__learning_rate=0.02)
    usual = tiny.trial(Path(), Path(), Path())["training"]["optimizer"]["learning_rate"]
    for step, value in after(tiny.curve(faster, "train/learning_rate"), 7).items():
        assert value == pytest.approx(rate[step] * 0.02 / usual, rel=1e-12)
    assert tiny.curve(faster, "eval/loss")[7] == tiny.curve(whole, "eval/loss")[7]
    for change in ({"adapter__dropout": 0.5}, {"optimizer__weight_decay": 0.5}, {"optimizer__max_grad_norm": 0.01}):
        changed = train(prepare=given(paused), top__parent=PARENT, **change)
        assert tiny.curve(changed, "eval/loss")[7] == tiny.curve(whole, "eval/loss")[7]
        assert tiny.curve(changed, "eval/loss")[21] != tiny.curve(whole, "eval/loss")[21], change


def test_goes_on_from_its_own_checkpoint_once_it_has_one(train: Train) -> None:
    changed = {"top__parent": PARENT, "optimizer__learning_rate": 0.004}
    paused = train(status="preempted", **AT_EPOCH_1)
    child = train(prepare=given(paused), **changed)
    again = train(status="preempted", prepare=given(paused), top__pause_at={"resource": "epoch", "at": 2}, **changed)
    last = train(prepare=given(again), **changed)
    assert tiny.events(last)[0]["resumed_from_step"] == 14
    for name in CURVES:
        assert {**tiny.curve(again, name), **tiny.curve(last, name)} == tiny.curve(child, name)


def test_the_best_is_sought_from_there_on(train: Train) -> None:
    paused = train(status="preempted", **AT_EPOCH_1)
    # With an absurd rate it only gets worse: what it resumes from stays the best, and is its own to export.
    child = train(prepare=given(paused), top__parent=PARENT, optimizer__learning_rate=1000.0)
    best = tiny.events(child)[-1]["values"]
    assert (best["eval/best_step"], best["eval/best_loss"]) == (7, tiny.curve(child, "eval/loss")[7])
    assert (child / "adapter").is_dir()


@pytest.mark.parametrize(
    "change", [{"adapter__rank": 2}, {"schedule__epochs": 4}, {"top__seed": 12}, {"batch_size": 4}]
)
def test_what_may_not_change_in_mid_training_is_refused(train: Train, change: dict) -> None:
    paused = train(status="preempted", **AT_EPOCH_1)
    child = train(status="failed", prepare=given(paused), top__parent=PARENT, **change)
    assert tiny.events(child)[-1]["class"] == "data"
    assert "trial 3 at step 7" in tiny.events(child)[-1]["message"]
