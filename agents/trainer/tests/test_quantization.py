"""Quantised bases against the formats' definitions, and what training on them must not suffer from."""

from __future__ import annotations

import pytest
import tiny
import torch
from bitsandbytes.functional import dequantize_blockwise
from conftest import Train, World
from test_failures import failed
from test_variants import LAYER, PROBE, attached, base_of, disturbed, logits, unpacked
from variants import VARIANTS

from sweep_trainer import adapters
from sweep_trainer.model.base_model import count
from sweep_trainer.model.warm_state import WarmState

BLOCK, OUTER = 64, 256  # weights that share a scale, scales that share one


def nf4_levels() -> torch.Tensor:
    """QLoRA (arXiv 2305.14314), appendix E: quantiles of N(0, 1), 8 of the positive half and 7 of the negative one, and
    an exact zero, divided by the largest."""
    offset = (1 - 1 / 30 + 1 - 1 / 32) / 2
    normal = torch.distributions.Normal(0.0, 1.0)
    positive = normal.icdf(torch.linspace(offset, 0.5, 9)[:-1])
    negative = -normal.icdf(torch.linspace(offset, 0.5, 8)[:-1])
    levels = torch.cat([positive, negative, torch.zeros(1)]).sort().values
    return levels / levels.abs().max()


def test_nf4_is_within_the_formats_error_of_the_weight(world: World) -> None:
    weight = base_of(world).get_submodule(LAYER).weight.reshape(-1, BLOCK)
    packed = base_of(world, "nf4").get_submodule(LAYER).weight
    held = unpacked(world, "nf4").get_submodule(LAYER).weight.reshape(-1, BLOCK)
    state = packed.quant_state
    assert (state.quant_type, state.blocksize, state.nested, state.state2.blocksize) == ("nf4", BLOCK, True, OUTER)
    assert packed.numel() == weight.numel() // 2
    assert count(packed) == weight.numel()

    # Double quantisation: eight bits for each scale, less their mean, against the largest of 256.
    scales = weight.abs().max(dim=1).values
    kept = dequantize_blockwise(state.absmax, state.state2) + state.offset
    widest = state.state2.code.sort().values.diff().max() / 2
    bound = widest * (scales - state.offset).abs().max()
    assert 0 < (kept - scales).abs().max() <= bound + 1e-6

    # Each weight is the nearest of the 16 levels, times the scale that was kept.
    levels = nf4_levels()
    nearest = levels[(weight / scales[:, None]).unsqueeze(-1).sub(levels).abs().argmin(-1)]
    torch.testing.assert_close(held, nearest * kept[:, None], atol=1e-4, rtol=0)
    error = (held - weight).abs().max(dim=1).values
    assert (error <= scales * levels.diff().max() / 2 + bound + 1e-6).all()


def test_int8_is_within_half_a_step_of_the_weight(world: World) -> None:
    weight = base_of(world).get_submodule(LAYER).weight
    held = unpacked(world, "int8").get_submodule(LAYER).weight
    step = weight.abs().max(dim=1, keepdim=True).values / 127
    sixteen_bits = weight.abs() * 2**-10  # weight and scale are rounded to fp16 first
    assert ((held - weight).abs() <= step / 2 + sixteen_bits).all()
    assert base_of(world, "int8").get_submodule(LAYER).weight.dtype == torch.int8


@pytest.mark.parametrize("held", ["nf4", "int8"])
def test_the_output_layer_and_the_norms_are_not_quantised(world: World, held: str) -> None:
    base = base_of(world, held)
    assert type(base.lm_head) is torch.nn.Linear
    assert {parameter.dtype for parameter in base.parameters() if parameter.dim() == 1} == {torch.float32}


@pytest.mark.parametrize("name", ["qlora", "int8-lora"])
def test_gradients_after_an_evaluation_are_those_of_the_unpacked_base(world: World, name: str) -> None:
    """bitsandbytes repacks four-bit weights in evaluations on some CPUs; no gradient flows through them then."""
    quantised = disturbed(attached(world, name))
    logits(quantised)
    reference = disturbed(attached(world, name, base=unpacked(world, VARIANTS[name].quantization)))
    for model in (quantised, reference):
        model.train()
        model(PROBE, labels=PROBE).loss.backward()
    gradients = [p.grad for p in quantised.parameters() if p.requires_grad]
    expected = [p.grad for p in reference.parameters() if p.requires_grad]
    assert len(gradients) == 28
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, atol=1e-5, rtol=1e-4)


COMBINATIONS = [
    (name, held)
    for name, adapter in adapters.registry.items()
    for held in sorted(adapter.quantizations)
    if held != "none"
]


@pytest.mark.parametrize(("name", "held"), COMBINATIONS)
def test_every_adapter_trains_on_what_it_says(train: Train, name: str, held: str) -> None:
    directory = train(**VARIANTS[name].changes() | {"quantization": {"type": held}}, schedule__max_steps=14)
    evals = tiny.curve(directory, "eval/loss")
    assert evals[14] < evals[0] - 0.05


@pytest.mark.parametrize("name", ["qlora", "int8-lora"])
def test_the_next_trial_finds_the_base_as_it_was(train: Train, name: str) -> None:
    warm = WarmState()
    changes = VARIANTS[name].changes()
    runs = [train(warm=warm, schedule__max_steps=2, **changes) for _ in range(3)]
    assert [tiny.events(run)[0]["warm"] for run in runs] == [False, True, True]
    assert len({tuple(tiny.curve(run, "eval/loss").values()) for run in runs}) == 1


def test_what_cannot_be_combined_is_refused(train: Train) -> None:
    event = failed(train(status="failed", adapter__type="dora", quantization__type="int8"))
    assert event["class"] == "data"
    assert "adapter 'dora' cannot be trained on a base quantised as 'int8'; it can on: nf4, none" in event["message"]
