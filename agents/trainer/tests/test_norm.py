"""Noise reduction: its similarity against a brute-force SVD, what it keeps, and that its export is plain PEFT's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import Train, Uninterrupted, World
from peft import PeftModel
from test_resume import preempt_at_step, take_over
from test_training import eval_loss
from transformers import AutoModelForCausalLM

from sweep_trainer import posts
from sweep_trainer.contract.fields import Fields
from sweep_trainer.contract.preemption import Preemption
from sweep_trainer.posts import subspaces
from sweep_trainer.posts.norm import NoiseReduction

NORM = {"type": "norm"}
#: A high learning rate and rank, so that there is noise to find.
NOISY: dict[str, Any] = {"optimizer__learning_rate": 0.03, "adapter__rank": 16, "adapter__alpha": 32}


def update(outputs: int, inputs: int, rank: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A, B and a base weight, with singular values that fall."""
    generator = torch.Generator().manual_seed(seed)
    fall = torch.logspace(0, -1, rank, dtype=torch.float64)
    a = torch.randn(rank, inputs, generator=generator, dtype=torch.float64)
    b = torch.randn(outputs, rank, generator=generator, dtype=torch.float64) * fall
    return a, b, torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)


def first_left(matrix: torch.Tensor, count: int) -> torch.Tensor:
    return torch.linalg.svd(matrix)[0][:, :count]


@pytest.mark.parametrize(("outputs", "inputs", "rank"), [(12, 20, 4), (20, 12, 4), (9, 9, 8), (6, 30, 6)])
def test_the_similarity_of_the_whole_update_is_the_brute_force_one(outputs: int, inputs: int, rank: int) -> None:
    a, b, weight = update(outputs, inputs, rank, 1)
    torch.manual_seed(0)
    found = subspaces.similarity(subspaces.reduce(a, b, rank).left, subspaces.main_subspace(weight, rank))
    brute = (first_left(b @ a, rank).T @ first_left(weight, rank)).square().sum() / rank
    assert found == pytest.approx(float(brute), abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_similarity_of_a_part_is_the_brute_force_one_on_average(count: int) -> None:
    """The left singular vectors that a matrix of rank c does not have are drawn 4,000 times."""
    rank, outputs = 4, 12
    a, b, weight = update(outputs, 20, rank, 2)
    torch.manual_seed(0)
    reduced = subspaces.reduce(a, b, count)
    base = first_left(weight, rank)
    own = first_left(reduced.b @ reduced.a, count)
    draws = []
    for _ in range(4000):
        filled = torch.linalg.qr(torch.cat([own, torch.randn(outputs, rank - count, dtype=own.dtype)], dim=1))[0]
        draws.append(float((filled.T @ base).square().sum() / rank))
    drawn = torch.tensor(draws)
    found = subspaces.similarity(reduced.left, subspaces.main_subspace(weight, rank))
    assert abs(found - float(drawn.mean())) < 4 * float(drawn.std()) / 4000**0.5


def test_the_reduced_update_is_a_projection_of_the_update() -> None:
    a, b, _ = update(12, 20, 6, 3)
    torch.manual_seed(0)
    reduced = subspaces.reduce(a, b, 3)
    torch.testing.assert_close(reduced.left.T @ reduced.left, torch.eye(3, dtype=a.dtype))
    torch.testing.assert_close(reduced.b @ reduced.a, reduced.left @ reduced.left.T @ b @ a)
    # A full rank keeps everything, and no reduction is nearer than the best there is.
    whole = subspaces.reduce(a, b, 6)
    torch.testing.assert_close(whole.b @ whole.a, b @ a)
    best = torch.linalg.svdvals(b @ a)[3:].square().sum().sqrt()
    assert (reduced.b @ reduced.a - b @ a).norm() >= best - 1e-9


def test_ranks_that_are_tried() -> None:
    def ranks(rank: int, **options: float) -> list[int]:
        return posts.parse(Fields({**NORM, **options}, "training.post")).ranks(rank)

    assert ranks(10) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert ranks(4) == [1, 2, 3]
    assert ranks(1) == []
    assert ranks(100, step=0.01, min_ratio=0.29)[:2] == [29, 30]
    assert ranks(16, step=0.5, min_ratio=0.5) == [8]


def kept(directory: Path) -> dict[str, int]:
    (event,) = tiny.of_type(directory, "post")
    assert all(layer["kept"] <= layer["rank"] == 16 for layer in event["layers"])
    return {layer["module"]: layer["kept"] for layer in event["layers"] if layer["kept"] < 16}


def base_of(world: World, **options: Any) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(world.model, **options).eval().requires_grad_(False)


def test_the_export_is_plain_pefts_and_says_what_was_kept(world: World, uninterrupted: Uninterrupted) -> None:
    directory = uninterrupted(**NOISY, post=NORM)
    config = json.loads((directory / "adapter" / "adapter_config.json").read_text())
    ranks = kept(directory)
    assert ranks
    assert config["rank_pattern"] == ranks
    assert config["alpha_pattern"] == {module: 2 * rank for module, rank in ranks.items()}
    (event,) = tiny.of_type(directory, "post")
    plain = PeftModel.from_pretrained(base_of(world), directory / "adapter").eval()
    assert eval_loss(world.held_out, world, plain) == pytest.approx(event["after"]["eval/loss"], rel=1e-5)
    finished = tiny.events(directory)[-1]["values"]
    assert event["before"] == {"eval/loss": finished["eval/best_loss"]}
    assert finished["post/eval/loss"] == event["after"]["eval/loss"] != finished["eval/best_loss"]
    assert tiny.curve(directory, "post/eval/loss") == {21: finished["post/eval/loss"]}


def test_what_plain_peft_loads_computes_the_same(world: World, tmp_path: Path) -> None:
    """Logits of the treated model and of the export loaded again, to the last bit."""
    from sweep_trainer import adapters

    fields = {"type": "lora", "rank": 8, "alpha": 16, "dropout": 0.0, "target_modules": "all-linear"}
    adapter = adapters.parse(Fields(fields, "training.adapter"))
    torch.manual_seed(1)
    model = adapter.attach(base_of(world), 1).eval()
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.05)
    probe = torch.tensor([[5, 17, 42, 99, 7, 230]])
    before = model(probe).logits
    done = posts.parse(Fields(NORM, "training.post")).apply(model)
    assert done is not None
    after = model(probe).logits
    assert not torch.allclose(before, after, atol=1e-3)
    adapter.save(model, tmp_path)
    assert torch.equal(PeftModel.from_pretrained(base_of(world), tmp_path).eval()(probe).logits, after)
    merged = PeftModel.from_pretrained(base_of(world), tmp_path).merge_and_unload()
    torch.testing.assert_close(merged(probe).logits, after, atol=1e-5, rtol=1e-5)


def one_layer(scale: float | None) -> tuple[dict[str, Any], Any]:
    """A layer whose update has three strong directions within the base's main subspace and a weak one outside."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(5)
    model = torch.nn.Sequential(torch.nn.Linear(40, 32, bias=False))
    left, _ = torch.linalg.qr(torch.randn(32, 32))
    spread = torch.zeros(32, 40)
    spread[range(32), range(32)] = torch.linspace(10, 1, 32)
    model[0].weight.data = left @ spread
    wrapped = get_peft_model(model, LoraConfig(r=4, lora_alpha=12, target_modules=["0"]))
    layer = wrapped.base_model.model[0]
    layer.lora_B["default"].weight.data = torch.cat([left[:, :3], 0.01 * left[:, 20:21]], dim=1)
    layer.lora_A["default"].weight.data = torch.linalg.qr(torch.randn(40, 4))[0].T.contiguous()
    torch.manual_seed(0)
    done = NoiseReduction(step=0.1, min_ratio=0.1, scale=scale).apply(wrapped)
    assert done is not None
    return done["layers"][0], layer


@pytest.mark.parametrize(("scale", "expected"), [(None, 3.0), (1.0, 1.0)])
def test_what_lies_outside_the_main_subspace_goes(scale: float | None, expected: float) -> None:
    said, layer = one_layer(scale)
    assert (said["module"], said["rank"], said["kept"]) == ("0", 4, 3)
    assert said["similarity"] == pytest.approx((3 + 1 / 29) / 4, abs=1e-3)  # three shared, and one of 29 by chance
    assert layer.scaling["default"] == expected
    strong = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    assert torch.linalg.svdvals(strong)[:3].tolist() == pytest.approx([1, 1, 1], abs=1e-2)


def test_an_untrained_layer_is_left_alone() -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(8, 8)), LoraConfig(r=4, target_modules=["0"]))
    done = NoiseReduction(step=0.1, min_ratio=0.1, scale=None).apply(model)
    assert done == {"layers": [{"module": "0", "rank": 4, "kept": 4, "similarity": None}]}


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_resumed_run_ends_in_the_same_adapter(
    uninterrupted: Uninterrupted, train: Train, monkeypatch: pytest.MonkeyPatch, quantization: str
) -> None:
    changes = {**NOISY, "post": NORM, "quantization": {"type": quantization}}
    whole = uninterrupted(**changes)
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_at_step(patch, preemption, 9)
        first = train(status="preempted", preemption=preemption, **changes)
    second = train(prepare=take_over(first), **changes)
    weights = Path("adapter") / "adapter_model.safetensors"
    assert (second / weights).read_bytes() == (whole / weights).read_bytes()
    (event,), (expected,) = tiny.of_type(second, "post"), tiny.of_type(whole, "post")
    assert (event["layers"], event["after"]) == (expected["layers"], expected["after"])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"post": {**NORM, "step": 0}}, "training.post.step: expected a number above 0"),
        ({"post": {**NORM, "scale": -1}}, "training.post.scale: expected a number above 0"),
        ({"post": NORM, "adapter__type": "dora"}, "training: post 'norm' cannot treat adapter 'dora'"),
    ],
)
def test_what_it_cannot_do_is_refused(train: Train, changes: dict[str, Any], complaint: str) -> None:
    failed = tiny.events(train(status="failed", **changes))[-1]
    assert failed["class"] == "data"
    assert failed["message"].startswith(complaint)
