"""Leaving in the middle and continuing: the curves and the adapter are those of an uninterrupted run, bit for bit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from conftest import LONG, Train, Uninterrupted, World
from variants import VARIANTS

from sweep_trainer.contract.control import Control
from sweep_trainer.contract.preemption import Preemption
from sweep_trainer.training import training_run
from sweep_trainer.training.evaluation import evaluate

# 52 records in batches of 8: 7 steps an epoch, 21 in all, evaluations at 4, 7, 10, 14, 18 and 21.
WEIGHTS = Path("adapter") / "adapter_model.safetensors"


def take_over(old: Path) -> Callable[[Path], None]:
    """What the agent does: the old attempt's checkpoints go into the new attempt's directory."""
    return lambda directory: shutil.copytree(old / "checkpoints", directory / "checkpoints") and None


def preempt_at_step(monkeypatch: pytest.MonkeyPatch, preemption: Preemption, step: int) -> None:
    steps = 0

    def poll(control: Control) -> str | None:
        nonlocal steps
        steps += 1
        preemption.requested = preemption.requested or steps == step
        return None

    monkeypatch.setattr(Control, "poll", poll)


def preempt_in_evaluation(monkeypatch: pytest.MonkeyPatch, preemption: Preemption, number: int) -> None:
    evaluations = 0

    def interrupted(*arguments: object) -> dict[str, float]:
        nonlocal evaluations
        evaluations += 1
        preemption.requested = preemption.requested or evaluations == number
        return evaluate(*arguments)

    monkeypatch.setattr(training_run, "evaluate", interrupted)


def assert_goes_on_exactly(whole: Path, first: Path, second: Path, samples: bool = True) -> None:
    for name in ("train/loss", "eval/loss", "eval/token_accuracy", "train/grad_norm", "train/learning_rate"):
        before, after = tiny.curve(first, name), tiny.curve(second, name)
        assert {**before, **after} == tiny.curve(whole, name), name
        assert not before.keys() & after.keys(), name
    for file in (whole / "adapter").glob("*.safetensors"):
        assert (second / "adapter" / file.name).read_bytes() == file.read_bytes()
    ended, expected = tiny.events(second)[-1], tiny.events(whole)[-1]
    assert ended["step"] == 21
    for name in ("eval/loss", "eval/best_loss", "eval/best_step", "train/loss"):
        assert ended["values"][name] == expected["values"][name]
    if samples:
        assert tiny.of_type(second, "sample")[0]["answer"] == tiny.of_type(whole, "sample")[0]["answer"]


@pytest.mark.parametrize("step", [1, 6, 7, 10, 17, 21])
def test_preempted_after_a_step(whole: Path, train: Train, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_at_step(patch, preemption, step)
        first = train(status="preempted", preemption=preemption)
    assert [event["step"] for event in tiny.of_type(first, "checkpoint")][-1] == step
    assert not tiny.of_type(first, "finished")
    second = train(prepare=take_over(first))
    assert tiny.events(second)[0]["resumed_from_step"] == step
    assert_goes_on_exactly(whole, first, second)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "lora"])
def test_every_variant_goes_on_exactly(
    uninterrupted: Uninterrupted, train: Train, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    changes = VARIANTS[name].changes()
    whole = uninterrupted(**changes)
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_at_step(patch, preemption, 9)
        first = train(status="preempted", preemption=preemption, **changes)
    second = train(prepare=take_over(first), **changes)
    assert tiny.events(second)[0]["resumed_from_step"] == 9
    assert_goes_on_exactly(whole, first, second)


@pytest.mark.parametrize("number", [2, 4, 7])
def test_preempted_in_an_evaluation(whole: Path, train: Train, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_in_evaluation(patch, preemption, number)
        first = train(status="preempted", preemption=preemption)
    step = [0, 4, 7, 10, 14, 18, 21][number - 1]
    assert step not in tiny.curve(first, "eval/loss")
    second = train(prepare=take_over(first))
    assert step in tiny.curve(second, "eval/loss")
    assert_goes_on_exactly(whole, first, second)


def test_preempted_before_the_first_step(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_in_evaluation(patch, preemption, 1)
        first = train(status="preempted", preemption=preemption)
    assert not tiny.of_type(first, "checkpoint")
    assert tiny.events(train(prepare=take_over(first)))[0]["resumed_from_step"] is None


def test_preempted_twice_and_between_logs(train: Train, long_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # There is a log every other step, so that a checkpoint can fall into the middle of a train/loss window.
    runs = []
    for step in (51, 20):  # counted from where each run begins
        preemption = Preemption()
        with monkeypatch.context() as patch:
            preempt_at_step(patch, preemption, step)
            prepare = take_over(runs[-1]) if runs else None
            runs.append(train(status="preempted", preemption=preemption, prepare=prepare, **LONG))
    runs.append(train(prepare=take_over(runs[-1]), **LONG))
    for name in ("train/loss", "eval/loss"):
        joined = {step: value for run in runs for step, value in tiny.curve(run, name).items()}
        assert joined == tiny.curve(long_run, name)
    assert (runs[-1] / WEIGHTS).read_bytes() == (long_run / WEIGHTS).read_bytes()


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(whole: Path, train: Train) -> None:
    def take_over_damaged(directory: Path) -> None:
        take_over(whole)(directory)
        (directory / "checkpoints" / "step-00000021" / "optimizer.pt").write_bytes(b"torn")

    second = train(prepare=take_over_damaged)
    assert tiny.events(second)[0]["resumed_from_step"] == 18
    assert tiny.curve(second, "train/loss") == {
        step: value for step, value in tiny.curve(whole, "train/loss").items() if step > 18
    }
    assert (second / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


def test_a_damaged_best_checkpoint_gives_way_to_the_best_of_the_rest(world: World, train: Train) -> None:
    overfitting = world.overfitting()
    whole = train(**overfitting)
    best, last = tiny.events(whole)[-1]["values"]["eval/best_step"], tiny.events(whole)[-1]["step"]
    assert best < last

    def without_best(directory: Path) -> None:
        take_over(whole)(directory)
        (directory / "checkpoints" / f"step-{best:08d}" / "manifest.json").unlink()

    second = train(prepare=without_best, **overfitting)
    finished = tiny.events(second)[-1]
    assert finished["values"]["eval/best_step"] == last
    assert finished["values"]["eval/best_loss"] == tiny.curve(whole, "eval/loss")[last]


def test_checkpoints_that_are_no_good_do_not_pass_for_new_ones(whole: Path, train: Train) -> None:
    def take_over_the_oldest(directory: Path) -> None:
        take_over(whole)(directory)
        oldest = directory / "checkpoints" / "step-00000018"
        for step in (100, 200, 300):
            shutil.copytree(oldest, directory / "checkpoints" / f"step-{step:08d}")
            (directory / "checkpoints" / f"step-{step:08d}" / "optimizer.pt").write_bytes(b"torn")
        (directory / "checkpoints" / "step-00000021" / "optimizer.pt").unlink()

    second = train(prepare=take_over_the_oldest)
    assert tiny.events(second)[0]["resumed_from_step"] == 18
    assert sorted(path.name for path in (second / "checkpoints").iterdir()) == ["step-00000018", "step-00000021"]
    assert (second / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()


@pytest.mark.parametrize("changes", [{"top__resume": False}, {"top__seed": 12}, {"optimizer__learning_rate": 0.02}])
def test_starts_over_when_not_asked_to_resume_or_for_another_run(whole: Path, train: Train, changes: dict) -> None:
    second = train(prepare=take_over(whole), **changes)
    assert tiny.events(second)[0]["resumed_from_step"] is None
    assert min(tiny.curve(second, "eval/loss")) == 0
