"""Full and partial fine-tuning: which weights move, in which precision, and what is stored of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
import torch
from conftest import Train, Uninterrupted, World
from safetensors.torch import load_file
from test_failures import failed
from test_resume import take_over
from test_training import eval_loss
from test_variants import base_of
from transformers import AutoModelForCausalLM
from variants import VARIANTS


def best_loss(directory: Path) -> float:
    return tiny.events(directory)[-1]["values"]["eval/best_loss"]


def test_full_exports_a_model_of_its_own(world: World, uninterrupted: Uninterrupted) -> None:
    directory = uninterrupted(**VARIANTS["full"].changes())
    model = AutoModelForCausalLM.from_pretrained(directory / "adapter").eval()
    assert eval_loss(world.held_out, world, model) == pytest.approx(best_loss(directory), rel=1e-6)
    base = dict(base_of(world).named_parameters())
    assert all(not torch.equal(weight, base[name]) for name, weight in model.named_parameters())


def test_freeze_trains_the_last_layers_only(world: World, uninterrupted: Uninterrupted) -> None:
    directory = uninterrupted(**VARIANTS["freeze"].changes())
    stored = load_file(directory / "adapter" / "trained_layers.safetensors")
    assert len(stored) == 9
    assert all(name.startswith("model.layers.1.") for name in stored)
    model = base_of(world)
    assert not model.load_state_dict(stored, strict=False).unexpected_keys
    assert eval_loss(world.held_out, world, model) == pytest.approx(best_loss(directory), rel=1e-6)


def test_more_layers_than_there_are(train: Train) -> None:
    event = failed(train(status="failed", adapter__type="freeze", adapter__trainable_layers=3))
    assert (event["class"], event["message"]) == (
        "data",
        "training.adapter.trainable_layers: 3 is more than the 2 layers of the model",
    )


@pytest.mark.parametrize("name", ["freeze", "full"])
def test_a_base_in_bf16_is_trained_in_fp32(train: Train, name: str) -> None:
    """Also where the run is taken up after its last step, when nothing is left but to export."""
    changes = VARIANTS[name].changes() | {"precision": "bf16"}
    first = train(**changes)
    (weights,) = (load_file(file) for file in (first / "adapter").glob("*.safetensors"))
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    evals = tiny.curve(first, "eval/loss")
    assert evals[21] < evals[0] - 0.05
    second = train(prepare=take_over(first), **changes)
    assert tiny.events(second)[0]["resumed_from_step"] == 21
    assert tiny.of_type(second, "sample")[0]["answer"] == tiny.of_type(first, "sample")[0]["answer"]


@pytest.mark.parametrize("name", ["freeze", "full"])
def test_checkpointing_activations_changes_nothing(train: Train, uninterrupted: Uninterrupted, name: str) -> None:
    changes = VARIANTS[name].changes()
    plain = tiny.curve(uninterrupted(**changes), "train/loss")
    spared = tiny.curve(train(**changes, gradient_checkpointing=True), "train/loss")
    assert list(spared.values()) == pytest.approx(list(plain.values()), rel=1e-5)


@pytest.mark.parametrize("name", ["freeze", "full"])
def test_what_an_adapter_is_described_by_is_not_asked_for(train: Train, name: str) -> None:
    train(adapter={"type": name}, schedule__max_steps=1)
