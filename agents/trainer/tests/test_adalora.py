"""AdaLoRA against its definition: how many ranks there are when, where they go, and going on in the middle of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
import torch
from conftest import Train, Uninterrupted, World
from peft import PeftModel
from safetensors.torch import load_file
from test_resume import assert_goes_on_exactly, preempt_at_step, take_over
from test_training import eval_loss, stop
from test_variants import adapter_of, attached, base_of, disturbed, logits
from variants import LAYERS, RANK, SHAPES, VARIANTS

from sweep_trainer.contract.preemption import Preemption

CHANGES = VARIANTS["adalora"].changes()
LAYER_COUNT = LAYERS * len(SHAPES)


def ranks(directory: Path) -> list[int]:
    weights = load_file(directory / "adapter" / "adapter_model.safetensors")
    return [len(weight) for name, weight in weights.items() if name.endswith("lora_A")]


def test_the_ranks_come_down_to_the_target_where_they_matter_least(world: World, uninterrupted: Uninterrupted) -> None:
    directory = uninterrupted(**CHANGES)
    kept = ranks(directory)
    assert len(kept) == LAYER_COUNT
    assert sum(kept) == RANK * LAYER_COUNT
    assert len(set(kept)) > 1
    pattern = json.loads((directory / "adapter" / "adapter_config.json").read_text())["rank_pattern"]
    assert sorted(map(sum, pattern.values())) == sorted(kept)
    assert {len(flags) for flags in pattern.values()} == {6}


def test_the_best_weights_are_put_back_with_their_ranks(
    world: World, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    directory = uninterrupted(**CHANGES)
    adapter, model = adapter_of("adalora"), disturbed(attached(world, "adalora"))
    adapter.load(model, directory / "adapter")
    best = tiny.events(directory)[-1]["values"]["eval/best_loss"]
    assert eval_loss(world.held_out, world, model) == pytest.approx(best, rel=1e-6)
    adapter.save(model, tmp_path)
    plain = PeftModel.from_pretrained(base_of(world), tmp_path).eval()
    torch.testing.assert_close(logits(plain), logits(model), atol=1e-6, rtol=1e-5)


# 21 steps: no rank is taken before step 3, the last one is at step 11.
@pytest.mark.parametrize("step", [2, 11, 15])
def test_goes_on_exactly_in_every_phase(
    uninterrupted: Uninterrupted, train: Train, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_at_step(patch, preemption, step)
        first = train(status="preempted", preemption=preemption, **CHANGES)
    second = train(prepare=take_over(first), **CHANGES)
    assert_goes_on_exactly(uninterrupted(**CHANGES), first, second)


def test_the_penalty_is_the_distance_from_orthogonality(world: World) -> None:
    model = disturbed(attached(world, "adalora"))
    distances = []
    for name, weight in model.named_parameters():
        if "lora_A" in name:
            distances.append((weight @ weight.T - torch.eye(6)).pow(2).sum().sqrt())
        if "lora_B" in name:
            distances.append((weight.T @ weight - torch.eye(6)).pow(2).sum().sqrt())
    expected = 0.5 * torch.stack(distances).mean()
    torch.testing.assert_close(adapter_of("adalora").penalty(model), expected)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_runs_of_a_few_steps(world: World, train: Train, steps: int) -> None:
    directory = train(**CHANGES, schedule__max_steps=steps)
    model = PeftModel.from_pretrained(base_of(world), directory / "adapter").eval()
    best = tiny.events(directory)[-1]["values"]["eval/best_loss"]
    assert eval_loss(world.held_out, world, model) == pytest.approx(best, rel=1e-6)


def test_a_run_that_is_stopped_keeps_the_ranks_it_has(train: Train) -> None:
    assert ranks(train(**CHANGES, prepare=stop)) == [6] * LAYER_COUNT
