"""PiSSA against its definition: it trains the largest singular values of each weight and freezes the others."""

from __future__ import annotations

import json

import pytest
import torch
from conftest import Train, Uninterrupted, World
from safetensors.torch import load_file
from test_failures import failed
from test_variants import LAYER, adapter_of, base_of, layer_of, logits
from variants import RANK, VARIANTS

from sweep_trainer.adapters import pissa

SCALE = 8 / RANK


def with_a_gap(world: World) -> tuple[torch.nn.Module, torch.Tensor]:
    """A base whose LAYER has RANK singular values far above its others, and that layer's part of them."""
    base = base_of(world)
    torch.manual_seed(5)
    left, right = (torch.linalg.qr(torch.randn(size, 64)).Q for size in (64, 128))
    values = torch.cat([torch.linspace(8, 5, RANK), torch.linspace(0.5, 0.1, 64 - RANK)])
    base.get_submodule(LAYER).weight.data = left * values @ right.T
    return base, left[:, :RANK] * values[:RANK] @ right[:, :RANK].T


@pytest.mark.parametrize("exact_width", [1024, 0])
def test_begins_with_the_principal_part(world: World, monkeypatch: pytest.MonkeyPatch, exact_width: int) -> None:
    """By the exact decomposition and by the randomised one."""
    monkeypatch.setattr(pissa, "_EXACT_WIDTH", exact_width)
    base, principal = with_a_gap(world)
    untouched, whole = base.get_submodule(LAYER).weight.detach().clone(), logits(base)
    torch.manual_seed(1)
    model = adapter_of("pissa").attach(base, 21).eval()
    layer = layer_of(model)
    update = SCALE * layer.lora_B.default.weight @ layer.lora_A.default.weight
    torch.testing.assert_close(update.detach(), principal, atol=1e-4, rtol=0)
    rest = layer.base_layer.weight.detach()
    torch.testing.assert_close(rest, untouched - principal, atol=1e-4, rtol=0)
    assert torch.linalg.matrix_norm(rest, 2) == pytest.approx(0.5, abs=1e-3)
    torch.testing.assert_close(logits(model), whole, atol=1e-5, rtol=1e-5)
    # A and B share the singular values evenly.
    torch.testing.assert_close(layer.lora_A.default.weight.norm(), layer.lora_B.default.weight.norm())


def test_the_export_is_a_lora_of_twice_the_rank(uninterrupted: Uninterrupted) -> None:
    folder = uninterrupted(**VARIANTS["pissa"].changes()) / "adapter"
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["init_lora_weights"]) == (2 * RANK, 16, True)
    weights = load_file(folder / "adapter_model.safetensors")
    assert weights[f"base_model.model.{LAYER}.lora_A.weight"].shape == (2 * RANK, 128)
    assert weights[f"base_model.model.{LAYER}.lora_B.weight"].shape == (64, 2 * RANK)


def test_a_rank_beyond_the_singular_values_is_refused(train: Train) -> None:
    event = failed(train(status="failed", adapter__type="pissa", adapter__rank=33))
    assert event["class"] == "data"
    assert event["message"] == (
        "training.adapter.rank: 33 is more than the 32 singular values of model.layers.0.self_attn.k_proj"
    )


def test_a_quantised_base_is_refused(train: Train) -> None:
    event = failed(train(status="failed", adapter__type="pissa", quantization__type="nf4"))
    assert "adapter 'pissa' cannot be trained on a base quantised as 'nf4'; it can on: none" in event["message"]
