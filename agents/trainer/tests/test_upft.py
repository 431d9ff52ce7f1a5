"""Unsupervised prefix fine-tuning: which tokens are trained, that a sweep's trials share what was sampled, and that a
run is the same cold, warm and resumed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import Train, World
from test_resume import assert_goes_on_exactly, preempt_at_step, take_over

from sweep_trainer import objectives
from sweep_trainer.contract.fields import Fields
from sweep_trainer.contract.preemption import Preemption
from sweep_trainer.data.alpaca import Record, read_records
from sweep_trainer.data.batches import IGNORED, collate
from sweep_trainer.data.encoding import Encoder, Example
from sweep_trainer.data.sweep_cache import SweepCache
from sweep_trainer.model.base_model import BaseModel, load
from sweep_trainer.model.model_files import locate
from sweep_trainer.model.warm_state import WarmState
from sweep_trainer.objectives.upft import UnsupervisedPrefixFineTuning
from sweep_trainer.quantization.none import NoQuantization

UPFT = {"type": "upft", "prefix_tokens": 3, "structure_share": 0.25}


@pytest.fixture(scope="module")
def base(world: World) -> BaseModel:
    return load(locate(str(world.model)), NoQuantization(), "fp32", torch.device("cpu"))


def no_cache(_kind: str, make: Any) -> Any:
    return make()


def made(base: BaseModel, records: list[Record], max_length: int = 64, **options: Any) -> list[Example]:
    objective = objectives.parse(Fields({**UPFT, **options}, "training.objective"))
    return objective.examples(records, Encoder(base.tokenizer, max_length), base, no_cache)


def trained(example: Example, encoder: Encoder) -> list[int]:
    """The tokens the loss touches."""
    labels = collate([example], encoder.pad, 8)["labels"][0]
    return labels[labels != IGNORED].tolist()


def test_the_loss_touches_the_prefix_and_the_end_and_nothing_else(world: World, base: BaseModel) -> None:
    records = read_records(world.train)
    encoder = Encoder(base.tokenizer, 64)
    for example, record in zip(made(base, records, structure_share=0), records, strict=True):
        prompt = encoder.prompt(record)
        prefix = example.tokens[len(prompt) : -1]
        assert example.tokens == [*prompt, *prefix, encoder.eos]
        assert len(prefix) <= 3
        assert encoder.eos not in prefix
        assert trained(example, encoder) == [*prefix, encoder.eos]


def test_a_prefix_is_what_the_base_model_samples(world: World, base: BaseModel) -> None:
    """At a temperature near 0 that is its likeliest token after each."""
    records = read_records(world.train, 12)
    checked = 0
    for example in made(base, records, structure_share=0, sampling_temperature=1e-4):
        for at in range(example.prompt_length, len(example.tokens) - 1):
            with torch.no_grad():
                likeliest = base.model(torch.tensor([example.tokens[:at]])).logits[0, -1].argmax()
            assert example.tokens[at] == likeliest
            checked += 1
    assert checked > 12


def test_a_share_of_the_questions_gets_whole_answers(world: World, base: BaseModel) -> None:
    records = read_records(world.train)
    encoder = Encoder(base.tokenizer, 40)
    long = [example for example in made(base, records, max_length=40) if len(trained(example, encoder)) > 4]
    assert 0 < len(long) <= 13  # a quarter of 52; some end early
    for example in long:
        assert example.truncated == (len(example.tokens) == 40 and example.tokens[-1] != encoder.eos)
    everything = made(base, records, max_length=40, structure_share=1)
    assert sum(len(trained(example, encoder)) > 4 for example in everything) > 26


def test_sampling_depends_on_its_own_seed_alone(world: World, base: BaseModel) -> None:
    records = read_records(world.train)
    torch.manual_seed(1)
    first = made(base, records)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)  # the global generator was not drawn from
    assert made(base, records) == first
    assert made(base, records, sampling_seed=1) != first


def test_a_long_prompt_leaves_room_for_the_prefix(world: World, base: BaseModel) -> None:
    record = Record("one two three cat dog " * 20, "", "red", "", ())
    (example,) = made(base, [record], max_length=32, structure_share=0)
    assert len(example.tokens) <= 32
    assert example.prompt_length == 28


def sampled(folder: Path) -> list[Path]:
    return sorted(folder.glob("answers-*.json"))


def test_the_trials_of_a_sweep_share_what_was_sampled(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = train(objective=UPFT, top__cache=str(cache))
    assert len(sampled(cache)) == 1

    def fail(*_: object) -> None:
        raise AssertionError("sampled again")

    with monkeypatch.context() as patch:
        patch.setattr(UnsupervisedPrefixFineTuning, "_sample", fail)
        other = train(objective=UPFT, top__cache=str(cache), top__seed=12, optimizer__learning_rate=0.005)
    assert tiny.events(other)[-1]["type"] == "finished"
    alone = train(objective=UPFT)
    assert tiny.curve(first, "train/loss") == tiny.curve(alone, "train/loss")
    for changes in ({"data__max_samples": 20}, {"objective": {**UPFT, "prefix_tokens": 2}}, {"max_length": 32}):
        train(**{"objective": UPFT, "top__cache": str(cache), **changes})
    assert len(sampled(cache)) == 4


def test_two_trials_at_a_time_make_it_once(tmp_path: Path) -> None:
    count = 0
    both = threading.Barrier(2)

    def make() -> list[int]:
        nonlocal count
        count += 1
        return [count]

    results = []

    def ask() -> None:
        both.wait()
        results.append(SweepCache(tmp_path / "cache").once("numbers", ("a", 1), make))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[1], [1]]


def test_what_was_interrupted_is_made_by_the_next(tmp_path: Path) -> None:
    cache = SweepCache(tmp_path)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.once("numbers", "key", interrupted)
    assert cache.once("numbers", "key", lambda: 3) == 3


def test_the_evaluation_is_everyones(train: Train, whole: Path) -> None:
    directory = train(objective=UPFT)
    assert tiny.curve(directory, "eval/loss")[0] == tiny.curve(whole, "eval/loss")[0]
    assert tiny.curve(directory, "train/loss").keys() == tiny.curve(whole, "train/loss").keys()


def test_cold_warm_and_resumed_are_the_same(
    world: World, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = tiny.write_attempt(tmp_path / "cold", world.trial(objective=UPFT))
    result = tiny.run_cold(cold)
    assert result.returncode == 0, result.stderr
    warm = WarmState()
    train(warm=warm)
    second = train(warm=warm, objective=UPFT)
    assert tiny.events(second)[0]["warm"]
    for name in ("train/loss", "eval/loss", "train/grad_norm"):
        assert tiny.curve(second, name) == tiny.curve(cold, name)
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_at_step(patch, preemption, 9)
        left = train(status="preempted", preemption=preemption, objective=UPFT)
    assert_goes_on_exactly(second, left, train(prepare=take_over(left), objective=UPFT))


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("prefix_tokens", 0, "training.objective.prefix_tokens: expected a whole number of at least 1, found 0"),
        ("structure_share", 1.5, "training.objective.structure_share: expected a number of at least 0 and at most 1"),
        ("sampling_temperature", 0, "training.objective.sampling_temperature: expected a number above 0, found 0"),
        ("prefix_token", 4, "training.objective.prefix_token: unknown option (did you mean 'prefix_tokens'?)"),
    ],
)
def test_wrong_options_are_refused(train: Train, option: str, value: float, complaint: str) -> None:
    failed = tiny.events(train(status="failed", objective={**UPFT, option: value}))[-1]
    assert failed["class"] == "data"
    assert failed["message"].startswith(complaint)


def test_the_cache_says_what_it_was_made_for(train: Train, world: World, tmp_path: Path) -> None:
    train(objective=UPFT, top__cache=str(tmp_path / "cache"))
    (file,) = sampled(tmp_path / "cache")
    content = json.loads(file.read_text())
    assert str(world.model) in content["key"]
    assert len(content["value"]) == 52
