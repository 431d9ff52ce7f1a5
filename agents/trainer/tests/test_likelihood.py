"""The loss and the evaluation against transformers' own loss, computed with all logits."""

from __future__ import annotations

import math

import pytest
import torch
from conftest import World
from transformers import AutoModelForCausalLM, AutoTokenizer

from sweep_trainer.data.alpaca import read_records
from sweep_trainer.data.batches import IGNORED, EvalSet, collate
from sweep_trainer.data.encoding import Encoder, Example
from sweep_trainer.training.evaluation import evaluate
from sweep_trainer.training.likelihood import answer_logits, score, summed_loss

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(world: World) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(world.model)


@pytest.fixture(scope="module")
def examples(world: World) -> list[Example]:
    return Encoder(AutoTokenizer.from_pretrained(world.model), 64).examples(read_records(world.held_out))


def test_equals_the_models_own_loss_and_gradient(model: torch.nn.Module, examples: list[Example]) -> None:
    batch = collate(examples[:5], pad=0)
    tokens = int((batch["labels"] != IGNORED).sum())
    model.zero_grad()
    reference = model(**batch).loss
    reference.backward()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    loss = summed_loss(model, batch) / tokens
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(reference.detach()), rel=1e-6)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-7)
    model.zero_grad()


def test_logits_are_made_for_answers_only(model: torch.nn.Module, examples: list[Example]) -> None:
    batch = collate(examples[:5], pad=0)
    seen = []
    hook = model.lm_head.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].shape))
    logits, targets = answer_logits(model, batch)
    hook.remove()
    answers = sum(len(example.tokens) - example.prompt_length for example in examples[:5])
    assert seen == [(1, answers, model.config.hidden_size)]
    assert logits.shape == (answers, model.config.vocab_size)
    assert targets.tolist() == [token for example in examples[:5] for token in example.tokens[example.prompt_length :]]


def test_a_model_whose_head_sees_other_shapes_still_scores_right(
    model: torch.nn.Module, examples: list[Example]
) -> None:
    class Reshaping(torch.nn.Module):
        """Sends its hidden states through the head as one long row."""

        def get_output_embeddings(self) -> torch.nn.Module:
            return model.lm_head

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, use_cache: bool) -> object:
            hidden = model.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            logits = model.lm_head(hidden.flatten(0, 1)).unflatten(0, input_ids.shape)
            return type("Output", (), {"logits": logits})

    batch = collate(examples[:3], pad=0)
    assert score(Reshaping(), batch) == pytest.approx(score(model, batch), rel=1e-6)


def test_evaluation_is_weighted_by_tokens(model: torch.nn.Module, examples: list[Example]) -> None:
    one_by_one = [collate([example], pad=0) for example in examples]
    losses, tokens, right = 0.0, 0, 0
    for batch in one_by_one:
        with torch.no_grad():
            output = model(**batch)
        count = int((batch["labels"] != IGNORED).sum())
        losses += float(output.loss) * count
        tokens += count
        labelled = batch["labels"][:, 1:] != IGNORED
        right += int((output.logits[:, :-1].argmax(-1) == batch["labels"][:, 1:])[labelled].sum())
    eval_set = EvalSet.of(examples, 0, model.config.vocab_size)
    values = evaluate(model, eval_set.batches, CPU, None, lambda: None)
    assert values["eval/loss"] == pytest.approx(losses / tokens, rel=1e-6)
    assert values["eval/perplexity"] == pytest.approx(math.exp(losses / tokens), rel=1e-5)
    assert values["eval/token_accuracy"] == right / tokens


def test_evaluation_leaves_no_trace(model: torch.nn.Module, examples: list[Example]) -> None:
    batches = EvalSet.of(examples, 0, model.config.vocab_size).batches
    model.train()
    state = torch.get_rng_state()
    evaluate(model, batches, CPU, None, lambda: None)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())
    model.eval()


def test_eval_batches_are_bounded_and_complete(examples: list[Example]) -> None:
    vocabulary = 2**24  # so that a few answer tokens fill a batch
    batches = EvalSet.of(examples, 0, vocabulary).batches
    assert len(batches) > 1
    assert sum(len(batch["input_ids"]) for batch in batches) == len(examples)
    for batch in batches:
        assert len(batch["labels"]) == 1 or int((batch["labels"] != IGNORED).sum()) * vocabulary <= 64 * 2**20
