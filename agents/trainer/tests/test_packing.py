"""Packing: who shares a row, that nobody sees another, and that the loss is the unpacked one."""

from __future__ import annotations

import random

import pytest
import tiny
import torch
from conftest import Train, World
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaForCausalLM

from sweep_trainer.contract.failures import DataError
from sweep_trainer.data.batches import IGNORED, collate
from sweep_trainer.data.encoding import Example
from sweep_trainer.data.packing import packed, refuse_if_mixed
from sweep_trainer.training.likelihood import summed_loss

CPU = torch.device("cpu")


def examples(count: int, seed: int) -> list[Example]:
    rng = random.Random(seed)
    lengths = [rng.randrange(3, 30) for _ in range(count)]
    return [Example([rng.randrange(5, 200) for _ in range(n)], rng.randrange(0, n - 1), False) for n in lengths]


def test_every_token_is_there_once_with_its_own_position_and_label() -> None:
    made = examples(16, 1)
    batch = packed(made, 0, 8)
    rows, width = batch["input_ids"].shape
    assert rows < 16
    assert width % 8 == 0
    assert width - 8 < max(len(example.tokens) for example in made) <= width
    found = []
    for tokens, positions, labels, count in zip(
        *(batch[name].tolist() for name in ("input_ids", "position_ids", "labels", "tokens")), strict=True
    ):
        assert tokens[count:] == positions[count:] == [0] * (width - count)
        assert set(labels[count:]) <= {IGNORED}
        starts = [at for at in range(count) if positions[at] == 0]
        for start, end in zip(starts, [*starts[1:], count], strict=True):
            assert positions[start:end] == list(range(end - start))
            found.append((tokens[start:end], labels[start:end]))
    expected = []
    for example in made:
        masked = max(1, example.prompt_length)
        expected.append((example.tokens, [IGNORED] * masked + example.tokens[masked:]))
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_loss_and_its_gradient_are_the_unpacked_ones(world: World, attention: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(world.model, attn_implementation=attention)
    made = examples(16, 2)
    results = []
    for batch in (collate(made, 0), packed(made, 0)):
        model.zero_grad()
        loss = summed_loss(model, batch)
        loss.backward()
        results.append((float(loss.detach()), model.model.layers[0].self_attn.k_proj.weight.grad.clone()))
    (plain, plain_gradient), (shared, shared_gradient) = results
    assert shared == pytest.approx(plain, rel=1e-5)
    torch.testing.assert_close(shared_gradient, plain_gradient, rtol=1e-4, atol=1e-4)


def test_a_run_is_the_unpacked_one(train: Train) -> None:
    plain = train(adapter__dropout=0.0)
    shared = train(adapter__dropout=0.0, packing=True)
    for name, tolerance in (("train/loss", 1e-4), ("eval/loss", 1e-4), ("train/grad_norm", 1e-3)):
        curve = tiny.curve(plain, name)
        assert tiny.curve(shared, name) == pytest.approx(curve, rel=tolerance), name
    assert tiny.curve(shared, "train/loss") != tiny.curve(plain, "train/loss")  # it did take another way


def test_models_that_keep_sequences_apart_pass(world: World) -> None:
    first, second = examples(2, 3)
    refuse_if_mixed(AutoModelForCausalLM.from_pretrained(world.model).eval(), first, second, CPU)
    torch.manual_seed(0)
    learned_positions = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=32, n_layer=2, n_head=2)).eval()
    refuse_if_mixed(learned_positions, first, second, CPU)


def test_a_model_that_mixes_them_is_refused(world: World) -> None:
    class Mixing(LlamaForCausalLM):
        def forward(self, input_ids: torch.Tensor, position_ids: object = None, use_cache: bool = False) -> object:
            return super().forward(input_ids=input_ids, attention_mask=torch.ones_like(input_ids), use_cache=use_cache)

    first, second = examples(2, 3)
    with pytest.raises(DataError, match="mixes sequences"):
        refuse_if_mixed(Mixing.from_pretrained(world.model).eval(), first, second, CPU)
