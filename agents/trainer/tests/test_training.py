"""One attempt trained in this process: what it reports, what it leaves, and that the numbers are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
import torch
from conftest import Train, World
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from sweep_trainer.adapters.lora import Lora
from sweep_trainer.data.alpaca import Record, read_records
from sweep_trainer.data.batches import EvalSet
from sweep_trainer.data.encoding import Encoder
from sweep_trainer.model.warm_state import WarmState
from sweep_trainer.training.evaluation import evaluate

CPU = torch.device("cpu")


def eval_loss(data: Path, world: World, model: torch.nn.Module) -> float:
    """Computed apart from any run, on whatever `model` is."""
    examples = Encoder(AutoTokenizer.from_pretrained(world.model), 64).examples(read_records(data))
    return evaluate(model, EvalSet.of(examples, 0, model.config.vocab_size).batches, CPU, None, lambda: None)[
        "eval/loss"
    ]


def test_the_events_of_a_run(whole: Path) -> None:
    directory = whole
    events = tiny.events(directory)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events[-3:]] == ["sample", "memory", "finished"]
    assert sum(event["type"] in ("finished", "failed") for event in events) == 1

    started, finished = events[0], events[-1]
    # 52 records in batches of 8 are 7 steps an epoch.
    assert (started["type"], started["total_steps"], started["warm"]) == ("started", 21, False)
    shapes = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 128), (64, 128), (128, 64)]
    assert started["trainable_parameters"] == 2 * sum(4 * (inputs + outputs) for inputs, outputs in shapes)
    assert started["resumed_from_step"] is None
    assert set(started["timings"]) == {"load_seconds", "data_seconds"}

    evals, losses = tiny.curve(directory, "eval/loss"), tiny.curve(directory, "train/loss")
    assert list(evals) == [0, 4, 7, 10, 14, 18, 21]  # the base, then twice an epoch (3.5 rounds to even) and the end
    assert list(losses) == list(range(1, 22))
    assert evals[21] < evals[0]
    assert losses[21] < losses[1]
    for name in ("train/learning_rate", "train/grad_norm", "train/tokens_per_second"):
        assert list(tiny.curve(directory, name)) == list(losses)
    epochs = {event["step"]: event["epoch"] for event in events if event["type"] == "metrics"}
    assert epochs[7] == 1
    assert epochs[21] == 3

    values = finished["values"]
    assert values["eval/best_loss"] == min(list(evals.values())[1:])
    assert values["eval/loss"] == evals[21]
    assert (finished["step"], finished["interrupted"], finished["adapter"]) == (21, False, "adapter")
    assert finished["timings"]["total_seconds"] > finished["timings"]["train_seconds"] > 0
    memory = tiny.of_type(directory, "memory")[0]
    assert memory["peak_host_bytes"] > 50_000_000
    assert memory["peak_device_bytes"] == 0


def test_step_0_is_the_untouched_base_model(world: World, train: Train) -> None:
    base = AutoModelForCausalLM.from_pretrained(world.model).eval()
    assert tiny.curve(train(schedule__max_steps=1), "eval/loss")[0] == eval_loss(world.held_out, world, base)


def test_the_adapter_is_the_best_checkpoint_and_loads_in_plain_peft(world: World, train: Train) -> None:
    directory = train(**world.overfitting())
    evals = tiny.curve(directory, "eval/loss")
    finished = tiny.events(directory)[-1]["values"]
    best = min(list(evals)[1:], key=lambda step: evals[step])
    assert finished["eval/best_step"] == best
    assert 0 < best < 18
    assert evals[20] > evals[best]
    losses = tiny.curve(directory, "train/loss")
    assert losses[20] < losses[best]

    base = AutoModelForCausalLM.from_pretrained(world.model)
    model = PeftModel.from_pretrained(base, directory / "adapter").eval()
    assert eval_loss(world.contrary, world, model) == pytest.approx(evals[best], rel=1e-6)
    config = json.loads((directory / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (16, 8, str(world.model))
    assert {path.suffix for path in (directory / "adapter").iterdir()} == {".json", ".safetensors"}

    kept = sorted(path.name for path in (directory / "checkpoints").iterdir())
    assert kept == sorted({f"step-{step:08d}" for step in (best, 19, 20)})


def test_probes_are_answered_greedily_by_the_best_adapter(world: World, train: Train) -> None:
    probes = [
        {"instruction": "after cat", "input": "red blue green one two", "max_new_tokens": 4},
        {"instruction": "after one", "max_new_tokens": 12},
    ]
    directory = train(top__probes=probes, **world.overfitting())
    samples = tiny.of_type(directory, "sample")
    assert [(sample["probe"], sample["prompt"]) for sample in samples] == [
        (0, "after cat\nred blue green one two"),
        (1, "after one"),
    ]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(world.model), directory / "adapter").eval()
    tokenizer = AutoTokenizer.from_pretrained(world.model)
    for sample, probe in zip(samples, probes, strict=True):
        record = Record(probe["instruction"], probe.get("input", ""), "", "", ())
        prompt = torch.tensor([Encoder(tokenizer, 64).prompt(record)])
        answer = model.generate(input_ids=prompt, do_sample=False, max_new_tokens=probe["max_new_tokens"])
        assert sample["answer"] == tokenizer.decode(answer[0, prompt.shape[1] :], skip_special_tokens=True).strip()


def test_accumulation_makes_up_the_effective_batch(train: Train) -> None:
    at_once = tiny.curve(train(adapter__dropout=0.0, schedule__epochs=2), "train/loss")
    in_parts = tiny.curve(train(adapter__dropout=0.0, schedule__epochs=2, micro_batch_size=2), "train/loss")
    assert list(in_parts) == list(at_once)
    assert list(in_parts.values()) == pytest.approx(list(at_once.values()), rel=1e-4)


def test_checkpointing_activations_changes_memory_not_losses(train: Train) -> None:
    warm = WarmState()
    plain = train(warm=warm, adapter__dropout=0.0)
    spared = train(warm=warm, adapter__dropout=0.0, gradient_checkpointing=True)
    again = train(warm=warm, adapter__dropout=0.0)
    expected = list(tiny.curve(plain, "train/loss").values())
    assert list(tiny.curve(spared, "train/loss").values()) == pytest.approx(expected, rel=1e-5)
    assert list(tiny.curve(again, "train/loss").values()) == expected
    assert [tiny.events(run)[0]["warm"] for run in (plain, spared, again)] == [False, True, True]


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear", "warmup_stable_decay"])
def test_schedules(train: Train, schedule: str) -> None:
    rates = tiny.curve(
        train(schedule__type=schedule, schedule__max_steps=20, schedule__warmup_ratio=0.2), "train/learning_rate"
    )
    assert [rates[step] for step in (1, 2, 3)] == pytest.approx([0, 0.0025, 0.005])  # 4 steps of warm-up
    assert max(rates.values()) == pytest.approx(0.01)
    assert rates[5] == pytest.approx(0.01)
    half_way = {"constant": 0.01, "cosine": 0.005, "linear": 0.005, "warmup_stable_decay": 0.01}
    assert rates[13] == pytest.approx(half_way[schedule], rel=1e-6)
    assert (rates[20] < 0.006) == (schedule != "constant")


@pytest.mark.parametrize(
    ("target", "adapted"), [("q_proj,v_proj", 4), (r"/.*\.layers\.1\.mlp\..*_proj/", 3), ("all-linear", 14)]
)
def test_target_modules(train: Train, target: str, adapted: int) -> None:
    from safetensors import safe_open

    directory = train(adapter__target_modules=target, schedule__max_steps=1)
    with safe_open(directory / "adapter" / "adapter_model.safetensors", "pt") as weights:
        assert sum("lora_A" in name for name in weights.keys()) == adapted  # noqa: SIM118


def test_bf16_beside_fp32_in_one_process(train: Train) -> None:
    warm = WarmState()
    full = train(warm=warm, schedule__max_steps=5)
    half = train(warm=warm, schedule__max_steps=5, precision="bf16")
    again = train(warm=warm, schedule__max_steps=5)
    assert [tiny.events(run)[0]["warm"] for run in (full, half, again)] == [False, False, False]
    expected = tiny.curve(full, "eval/loss")
    assert tiny.curve(again, "eval/loss") == expected
    assert tiny.curve(half, "eval/loss") != expected
    assert list(tiny.curve(half, "eval/loss").values()) == pytest.approx(list(expected.values()), rel=0.05)


def test_plain_template_and_truncation_are_reported(world: World, train: Train) -> None:
    directory = train(model=str(world.plain_model), max_length=24, schedule__max_steps=2)
    truncated = tiny.events(directory)[0]["truncated"]
    assert truncated["train"] > 0
    assert truncated["eval"] > 0


def test_no_example_is_longer_than_the_models_context(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "long.json"
    data.write_text(json.dumps([*tiny.records(7, 1), {"instruction": "red " * 400, "output": "one"}]))
    directory = train(data__train=str(data), max_length=4096, schedule__max_steps=1)
    assert tiny.events(directory)[0]["truncated"] == {"train": 1, "eval": 0}
    assert "cut to 256 tokens" in capsys.readouterr().out


def test_grouping_by_length_trains_the_same_number_of_steps(whole: Path, train: Train) -> None:
    grouped = tiny.curve(train(data__group_by_length=True), "train/loss")
    assert list(grouped) == list(tiny.curve(whole, "train/loss"))
    assert grouped != tiny.curve(whole, "train/loss")


def stop(directory: Path) -> None:
    (directory / "control.jsonl").write_text('{"type": "stop", "reason": "rung"}\n', encoding="utf-8")


def test_a_stop_ends_early_and_completely(train: Train) -> None:
    directory = train(prepare=stop)
    finished = tiny.events(directory)[-1]
    assert (finished["type"], finished["interrupted"], finished["step"]) == ("finished", True, 1)
    assert list(tiny.curve(directory, "eval/loss")) == [0, 1]
    assert (directory / "adapter" / "adapter_model.safetensors").is_file()
    assert len(tiny.of_type(directory, "sample")) == 1


def test_a_base_that_a_trial_has_changed_is_loaded_anew(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a change that torch's own count of changes does not see."""
    warm = WarmState()
    untouched = train(warm=warm, schedule__max_steps=3)
    detach = Lora.detach

    def careless(adapter: Lora, model: torch.nn.Module) -> torch.nn.Module:
        base = detach(adapter, model)
        base.model.norm.weight.data[0] += 1
        return base

    with monkeypatch.context() as patch:
        patch.setattr(Lora, "detach", careless)
        train(warm=warm, schedule__max_steps=3)
    again = train(warm=warm, schedule__max_steps=3)
    assert not tiny.events(again)[0]["warm"]
    assert tiny.curve(again, "eval/loss") == tiny.curve(untouched, "eval/loss")


def test_noisy_embeddings_are_for_training_only(train: Train, whole: Path) -> None:
    """NEFTune: other train losses than without, the base's evaluation the same, and a base given back whole."""
    warm = WarmState()
    noisy = train(warm=warm, neftune_noise_alpha=5)
    assert tiny.curve(noisy, "eval/loss")[0] == tiny.curve(whole, "eval/loss")[0]
    assert tiny.curve(noisy, "train/loss")[1] != tiny.curve(whole, "train/loss")[1]
    assert tiny.curve(noisy, "train/loss")[21] < tiny.curve(noisy, "train/loss")[1]
    after = train(warm=warm)
    assert tiny.events(after)[0]["warm"]
    assert tiny.curve(after, "train/loss") == tiny.curve(whole, "train/loss")


def test_the_noise_has_the_size_its_formula_says(world: World) -> None:
    """Uniform between ± alpha / √(tokens × width): its variance is a third of that squared."""
    from transformers.integrations.neftune import neftune_post_forward_hook

    embeddings = torch.nn.Embedding(10, 64).train()
    embeddings.neftune_noise_alpha = 5
    plain = torch.zeros(4, 100, 64)
    torch.manual_seed(0)
    noise = neftune_post_forward_hook(embeddings, None, plain)
    bound = 5 / (100 * 64) ** 0.5
    assert noise.abs().max() <= bound
    assert float(noise.var()) == pytest.approx(bound**2 / 3, rel=0.02)
    assert torch.equal(neftune_post_forward_hook(embeddings.eval(), None, torch.zeros(4, 100, 64)), plain * 0)


def test_weight_decay_shrinks_the_weights(train: Train) -> None:
    def size(directory: Path) -> float:
        weights = load_file(directory / "adapter" / "adapter_model.safetensors")
        return sum(float(tensor.square().sum()) for name, tensor in weights.items() if "lora_A" in name)

    assert size(train(optimizer__weight_decay=1.0)) < 0.9 * size(train(optimizer__weight_decay=0.0))


def test_the_reported_norm_is_the_one_before_clipping(train: Train) -> None:
    """Clipping to a thousandth shrinks what AdamW sees, not what is reported of the first step."""
    free = tiny.curve(train(optimizer__max_grad_norm=0.0), "train/grad_norm")
    clipped = tiny.curve(train(optimizer__max_grad_norm=1e-3), "train/grad_norm")
    assert free[1] == pytest.approx(clipped[1], rel=1e-5)
    assert free[1] > 1e-3
    assert free[21] != pytest.approx(clipped[21], rel=1e-3)
