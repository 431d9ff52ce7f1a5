"""Every variant against its definition, on a real model: what it trains, what it computes, what it stores."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import Uninterrupted, World
from peft import PeftModel
from peft.utils.integrations import dequantize_bnb_weight
from test_training import eval_loss
from variants import RANK, VARIANTS

from sweep_trainer import adapters, quantization
from sweep_trainer.adapters.contract import Adapter
from sweep_trainer.contract.fields import Fields
from sweep_trainer.model import base_model, model_files

LAYER = "model.layers.1.mlp.down_proj"  # the one whose inputs and outputs differ in number, 128 → 64
PROBE = torch.tensor([[5, 17, 42, 99, 7, 230]])


def adapter_of(name: str, **options: Any) -> Adapter:
    fields = VARIANTS[name].changes()["adapter"] | {"dropout": 0.0} | options
    return adapters.parse(Fields(fields, "training.adapter"))


def base_of(world: World, quantization_type: str = "none") -> torch.nn.Module:
    held = quantization.parse(Fields({"type": quantization_type}, "training.quantization"))
    return base_model.load(model_files.locate(str(world.model)), held, "fp32", torch.device("cpu")).model


def attached(world: World, name: str, base: torch.nn.Module | None = None) -> torch.nn.Module:
    """The variant `name`, without dropout, as it is before the first step; on its own base unless one is given."""
    torch.manual_seed(1)
    return adapter_of(name).attach(base or base_of(world, VARIANTS[name].quantization), total_steps=21).eval()


def unpacked(world: World, quantization_type: str) -> torch.nn.Module:
    """The base in fp32, with the weights that the quantised one stands for."""
    plain, held = base_of(world), base_of(world, quantization_type)
    for path, module in held.named_modules():
        weight = getattr(module, "weight", None)
        if type(weight).__name__ in ("Params4bit", "Int8Params"):
            plain.get_submodule(path).weight.data = dequantize_bnb_weight(weight, state=getattr(module, "state", None))
    return plain


def disturbed(model: torch.nn.Module) -> torch.nn.Module:
    """As if trained: every trainable weight is moved."""
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def layer_of(model: torch.nn.Module) -> Any:
    return model.get_submodule(f"base_model.model.{LAYER}")


def merged_weight(model: torch.nn.Module) -> torch.Tensor:
    return model.merge_and_unload().get_submodule(LAYER).weight


@torch.no_grad()
def logits(model: torch.nn.Module) -> torch.Tensor:
    return model(PROBE).logits


def low_rank_parts(model: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """W, A and B of LAYER."""
    layer = layer_of(model)
    parts = layer.base_layer.weight, layer.lora_A["default"].weight, layer.lora_B["default"].weight
    return tuple(part.detach().clone() for part in parts)


def test_all_adapters_are_tested() -> None:
    assert {name for name, _ in adapters.registry.items()} == {variant.adapter for variant in VARIANTS.values()}
    assert {name for name, _ in quantization.registry.items()} == {v.quantization for v in VARIANTS.values()}


@pytest.mark.parametrize("name", VARIANTS)
def test_trains_what_its_formula_says_and_learns(uninterrupted: Uninterrupted, name: str) -> None:
    directory = uninterrupted(**VARIANTS[name].changes())
    assert tiny.events(directory)[0]["trainable_parameters"] == VARIANTS[name].trainable
    evals = tiny.curve(directory, "eval/loss")
    assert evals[21] < evals[0] - 0.05


@pytest.mark.parametrize("name", VARIANTS)
def test_begins_as_the_base_model(world: World, name: str) -> None:
    base = base_of(world, VARIANTS[name].quantization)
    torch.testing.assert_close(logits(attached(world, name)), logits(base), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_stored_is_restored(world: World, tmp_path: Path, name: str) -> None:
    adapter = adapter_of(name)
    model = disturbed(attached(world, name))
    adapter.save(model, tmp_path)
    other = attached(world, name)
    assert not torch.equal(logits(other), logits(model))
    adapter.load(other, tmp_path)
    assert torch.equal(logits(other), logits(model))


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.in_peft])
def test_merged_computes_the_same(world: World, tmp_path: Path, name: str) -> None:
    """Onto the weights that a quantised base stands for: merged into few bits they would be rounded once more."""
    held = VARIANTS[name].quantization
    model = disturbed(attached(world, name)).train()  # where int8 does not round the inputs
    apart = logits(model)
    assert (apart - logits(base_of(world, held))).abs().max() > 0.01
    adapter_of(name).save(model, tmp_path)
    plain = PeftModel.from_pretrained(unpacked(world, held), tmp_path)
    torch.testing.assert_close(logits(plain), apart, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits(plain.merge_and_unload()), apart, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.in_peft])
def test_the_export_loads_in_plain_peft(world: World, uninterrupted: Uninterrupted, name: str) -> None:
    directory = uninterrupted(**VARIANTS[name].changes())
    best = tiny.events(directory)[-1]["values"]["eval/best_loss"]
    model = PeftModel.from_pretrained(base_of(world, VARIANTS[name].quantization), directory / "adapter").eval()
    assert eval_loss(world.held_out, world, model) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(("name", "scale"), [("lora", 8 / RANK), ("rslora", 8 / math.sqrt(RANK)), ("lora+", 8 / RANK)])
def test_the_scale_of_the_update(world: World, name: str, scale: float) -> None:
    model = disturbed(attached(world, name))
    weight, a, b = low_rank_parts(model)
    torch.testing.assert_close(merged_weight(model), weight + scale * b @ a, atol=1e-5, rtol=0)


def test_dora_trains_magnitude_and_direction_apart(world: World) -> None:
    model = attached(world, "dora")
    magnitude = layer_of(model).lora_magnitude_vector["default"].weight
    weight, _, _ = low_rank_parts(model)
    torch.testing.assert_close(magnitude.detach(), weight.norm(dim=1), atol=1e-6, rtol=1e-6)
    disturbed(model)
    weight, a, b = low_rank_parts(model)
    direction = weight + 8 / RANK * b @ a
    expected = magnitude.detach().clone()[:, None] * direction / direction.norm(dim=1, keepdim=True)
    torch.testing.assert_close(merged_weight(model), expected, atol=1e-5, rtol=0)


def test_lora_plus_gives_b_its_own_learning_rate(world: World) -> None:
    adapter = adapter_of("lora+", lr_ratio=8)
    model = attached(world, "lora+")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    slow, fast = adapter.parameter_groups(model, 1e-3, 0.1)
    assert (slow["lr"], fast["lr"], slow["weight_decay"], fast["weight_decay"]) == (1e-3, 8e-3, 0.1, 0.1)
    assert len(slow["params"]) == len(fast["params"]) == 14
    assert all("lora_A" in names[id(parameter)] for parameter in slow["params"])
    assert all("lora_B" in names[id(parameter)] for parameter in fast["params"])


def test_lora_plus_with_ratio_1_is_lora(uninterrupted: Uninterrupted) -> None:
    """The same but for the order of the gradient norm's sum; with another ratio it is another run."""
    plain = tiny.curve(uninterrupted(**VARIANTS["lora"].changes()), "train/loss")
    changes = VARIANTS["lora+"].changes()
    other = tiny.curve(uninterrupted(**changes), "train/loss")
    changes["adapter"]["lr_ratio"] = 1
    same = tiny.curve(uninterrupted(**changes), "train/loss")
    assert list(same.values()) == pytest.approx(list(plain.values()), rel=1e-5)
    assert list(other.values()) != pytest.approx(list(plain.values()), rel=1e-2)
