"""MokA against its definition: LoRA on text, one A a modality, images that look at the question and nothing later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import Train, World
from peft import LoraConfig, get_peft_model
from PIL import Image
from test_resume import assert_goes_on_exactly, preempt_at_step, take_over
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

from sweep_trainer import adapters
from sweep_trainer.adapters.contract import Adapter
from sweep_trainer.adapters.moka import load_adapter
from sweep_trainer.adapters.moka_layers import MokaLinear, TokenTypes
from sweep_trainer.contract.fields import Fields
from sweep_trainer.contract.preemption import Preemption
from sweep_trainer.data.alpaca import read_records
from sweep_trainer.data.batches import LABELS, MODALITY, EvalSet, collate
from sweep_trainer.data.encoding import Encoder
from sweep_trainer.data.images import IMAGE, TEXT
from sweep_trainer.model.base_model import BaseModel, load
from sweep_trainer.model.model_files import locate
from sweep_trainer.quantization.none import NoQuantization
from sweep_trainer.training.evaluation import evaluate
from sweep_trainer.training.likelihood import summed_loss

CPU = torch.device("cpu")
QUESTIONS = Path(__file__).parents[3] / "sweeps" / "moka"
MOKA = {"type": "moka", "rank": 4, "alpha": 8, "dropout": 0.0, "target_modules": "all-linear"}
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "star": (230, 220, 40)}


def moka(**options: Any) -> Adapter:
    return adapters.parse(Fields({**MOKA, **options}, "training.adapter"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny vision-language model, 48 questions about plain pictures, and one picture a colour."""
    folder = tmp_path_factory.mktemp("pictures")
    tiny.make_vision_model(folder / "model")
    for name, colour in COLOURS.items():
        Image.new("RGB", (16, 16), colour).save(folder / f"{name}.png")
    names = list(COLOURS)
    records = [
        {
            "instruction": f"after {['one', 'two', 'three'][at % 3]}",
            "input": "",
            "output": name,
            "images": [f"{name}.png"],
        }
        for at, name in enumerate(names * 12)
    ]
    (folder / "train.json").write_text(json.dumps(records), encoding="utf-8")
    (folder / "eval.json").write_text(json.dumps(records[:12]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def base(pictures: Path) -> BaseModel:
    return load(locate(str(pictures / "model")), NoQuantization(), "fp32", CPU)


def of_pictures(pictures: Path, **changes: Any) -> dict[str, Any]:
    """Changes that make a trial on the pictures."""
    files = {"model": str(pictures / "model"), "data__train": str(pictures / "train.json")}
    return {**files, "data__eval": str(pictures / "eval.json"), "adapter": MOKA, "top__probes": [], **changes}


def test_on_text_it_is_lora(world: World) -> None:
    """Outputs and gradients, with the same A and B, to 1e-6."""
    base = AutoModelForCausalLM.from_pretrained(world.model).requires_grad_(False)
    other = AutoModelForCausalLM.from_pretrained(world.model).requires_grad_(False)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    lora = get_peft_model(base, config)
    model = moka().attach(other, 1)
    torch.manual_seed(3)
    layers = {path: layer for path, layer in model.named_modules() if isinstance(layer, MokaLinear)}
    assert len(layers) == 14
    for path, layer in layers.items():
        twin = lora.base_model.model.get_submodule(path)
        torch.nn.init.normal_(layer.moka_B, std=0.1)
        twin.lora_B["default"].weight.data.copy_(layer.moka_B.data)
        twin.lora_A["default"].weight.data.copy_(layer.moka_A[str(TEXT)].data)
    tokens = torch.randint(5, 200, (3, 12))
    batch = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), LABELS: tokens}
    with moka().forward_context(model, batch):
        torch.testing.assert_close(model(tokens).logits, lora(tokens).logits, atol=1e-6, rtol=0)
        loss = summed_loss(model, batch)
    loss.backward()
    summed_loss(lora, batch).backward()
    for path, layer in layers.items():
        twin = lora.base_model.model.get_submodule(path)
        scale = float(twin.lora_A["default"].weight.grad.abs().max())
        found, expected = layer.moka_A[str(TEXT)].grad, twin.lora_A["default"].weight.grad
        torch.testing.assert_close(found, expected, atol=1e-6 * max(1.0, scale), rtol=1e-5)


def by_definition(layer: MokaLinear, x: torch.Tensor, modality: list[int], question: list[bool]) -> torch.Tensor:
    """One sequence, token by token, as the method is written down."""
    text_a, image_a = layer.moka_A[str(TEXT)], layer.moka_A[str(IMAGE)]
    keys = [text_a @ x[at] for at in range(len(x)) if question[at]]
    rows = []
    for at, kind in enumerate(modality):
        if kind == TEXT:
            hidden = text_a @ x[at]
        else:
            own = image_a @ x[at]
            shares = torch.softmax(torch.stack([own @ key for key in keys]) / layer.rank**0.5, dim=0)
            hidden = own + layer.weight * sum(share * key for share, key in zip(shares, keys, strict=True))
        rows.append(layer.base_layer.weight @ x[at] + layer.scaling * layer.moka_B @ hidden)
    return torch.stack(rows)


@pytest.mark.parametrize("weight", [0.0, 1.0, 0.5])
def test_a_layer_computes_what_the_method_says(weight: float) -> None:
    torch.manual_seed(1)
    types = TokenTypes()
    layer = MokaLinear(torch.nn.Linear(10, 6, bias=False), 3, 6.0, 0.0, (IMAGE,), weight, types)
    torch.nn.init.normal_(layer.moka_B)
    modality = [0, 1, 1, 1, 0, 0, 0, 0]
    question = [True, False, False, False, True, True, False, False]  # the last two are the answer
    x = torch.randn(2, 8, 10)
    types.modality = torch.tensor([modality, modality])
    types.question = torch.tensor([question, question])
    types.training = True
    expected = torch.stack([by_definition(layer, row, modality, question) for row in x])
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_an_image_without_any_text_stays_finite() -> None:
    types = TokenTypes(torch.ones(1, 3, dtype=torch.long), torch.zeros(1, 3, dtype=torch.bool), True)
    layer = MokaLinear(torch.nn.Linear(4, 4), 2, 2.0, 0.0, (IMAGE,), 1.0, types)
    torch.nn.init.normal_(layer.moka_B)
    assert layer(torch.randn(1, 3, 4)).isfinite().all()


def encoded(pictures: Path, base: BaseModel, count: int) -> tuple[Encoder, dict[str, torch.Tensor]]:
    encoder = Encoder(base.tokenizer, 64, base.images)
    return encoder, collate(encoder.examples(read_records(pictures / "train.json", count)), encoder.pad)


def test_the_processor_says_which_tokens_are_images(pictures: Path, base: BaseModel) -> None:
    _, batch = encoded(pictures, base, 6)
    token = base.model.config.image_token_id
    assert torch.equal(batch[MODALITY] == IMAGE, batch["input_ids"] == token)
    assert (batch[MODALITY] == IMAGE).sum(dim=1).tolist() == [16] * 6
    assert batch["pixel_values"].shape == (6, 3, 16, 16)


def test_the_answer_does_not_reach_what_stands_before_it(pictures: Path, base: BaseModel) -> None:
    """The hidden states of the prompt are the same whatever the answer is: nothing leaks through the images."""
    adapter = moka()
    _, batch = encoded(pictures, base, 4)
    model = adapter.attach(AutoModelForImageTextToText.from_pretrained(pictures / "model").eval(), 1)
    torch.manual_seed(4)
    for name, parameter in model.named_parameters():
        if "moka_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    answer = batch[LABELS] != -100
    other = {**batch, "input_ids": torch.where(answer, (batch["input_ids"] + 17) % 200 + 5, batch["input_ids"])}
    logits = []
    for one in (batch, other):
        with adapter.forward_context(model, one), torch.no_grad():
            names = ("input_ids", "attention_mask", "pixel_values")
            logits.append(model(**{name: one[name] for name in names}).logits)
    prompt = ~answer & batch["attention_mask"].bool()
    assert torch.equal(logits[0][prompt], logits[1][prompt])
    assert not torch.equal(logits[0], logits[1])


def test_it_has_an_a_for_each_modality(train: Train, pictures: Path) -> None:
    directory = train(**of_pictures(pictures))
    # Language model: two layers of (64, 64), (64, 32) × 2, (64, 64), (64, 128) × 2, (128, 64); two A's and one B each.
    shapes = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 128), (64, 128), (128, 64)]
    expected = 2 * sum(4 * (2 * inputs + outputs) for inputs, outputs in shapes)
    assert tiny.events(directory)[0]["trainable_parameters"] == expected


def test_it_learns_from_pictures_and_its_export_loads(train: Train, pictures: Path, base: BaseModel) -> None:
    """Which colour it is only the picture says: with the right one the loss is far below that of guessing."""
    directory = train(**of_pictures(pictures, schedule__epochs=8))
    evals = tiny.curve(directory, "eval/loss")
    best = tiny.events(directory)[-1]["values"]["eval/best_loss"]
    assert best < 0.5 < evals[0]
    model = load_adapter(AutoModelForImageTextToText.from_pretrained(pictures / "model").eval(), directory / "adapter")
    encoder = Encoder(base.tokenizer, 64, base.images)
    examples = encoder.examples(read_records(pictures / "eval.json"))
    eval_set = EvalSet.of(examples, encoder.pad, base.model.config.get_text_config().vocab_size)
    scored = evaluate(model, eval_set.batches, CPU, moka(), lambda: None)
    assert scored["eval/loss"] == pytest.approx(best, rel=1e-5)


def test_it_is_better_than_lora_of_its_rank_where_pictures_and_questions_change(train: Train) -> None:
    """One run of sweeps/moka.yaml by each, at the best learning rate of both. There MokA's loss is the lower one on all
    of eight seeds, by half on average (docs/variants/moka.md)."""
    best = {}
    for method in ("lora", "moka"):
        directory = train(
            model=str(QUESTIONS / "base-model"),
            data={"train": str(QUESTIONS / "train.json"), "eval": str(QUESTIONS / "eval.json"), "max_samples": None},
            adapter={**MOKA, "type": method, "rank": 1, "alpha": 2, "target_modules": "/.*language_model.*_proj/"},
            optimizer={"learning_rate": 0.01, "weight_decay": 0.0, "max_grad_norm": 1.0},
            schedule={"type": "cosine", "warmup_ratio": 0.03, "epochs": 12, "max_steps": None},
            batch_size=16,
            evals_per_epoch=1,
            top__probes=[],
        )
        evals = tiny.curve(directory, "eval/loss")
        best[method] = min(evals.values())
        assert best[method] < evals[0] / 10
    assert best["moka"] < best["lora"]


def test_recomputed_activations_see_the_same_token_types(train: Train, pictures: Path) -> None:
    plain = tiny.curve(train(**of_pictures(pictures)), "train/loss")
    spared = tiny.curve(train(**of_pictures(pictures, gradient_checkpointing=True)), "train/loss")
    assert spared == pytest.approx(plain, rel=1e-5)


def test_a_run_on_pictures_goes_on_exactly(train: Train, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = of_pictures(pictures, schedule__max_steps=21)
    whole = train(**changes)
    preemption = Preemption()
    with monkeypatch.context() as patch:
        preempt_at_step(patch, preemption, 9)
        first = train(status="preempted", preemption=preemption, **changes)
    second = train(prepare=take_over(first), **changes)
    assert_goes_on_exactly(whole, first, second, samples=False)


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_other_adapters_train_on_pictures_too(train: Train, pictures: Path, adapter: str) -> None:
    evals = tiny.curve(train(**of_pictures(pictures, adapter__type=adapter)), "eval/loss")
    assert min(evals.values()) < evals[0]


@pytest.mark.parametrize(
    ("record", "changes", "complaint"),
    [
        ({"images": ["nowhere.png"]}, {}, "record 1: the image"),
        ({"images": "red.png"}, {}, "record 1: field 'images' must be a list of paths"),
        ({"images": ["train.json"]}, {}, "cannot be read as an image"),
        ({"images": ["red.png"]}, {"max_length": 12}, "a prompt with its images takes"),
        ({"images": ["red.png"]}, {"packing": True}, "training.packing: examples with images cannot share rows"),
    ],
)
def test_wrong_pictures_are_refused(
    train: Train, pictures: Path, record: dict[str, Any], changes: dict[str, Any], complaint: str
) -> None:
    file = pictures / "wrong.json"
    file.write_text(json.dumps([{"instruction": "after one", "output": "two", **record}]), encoding="utf-8")
    failed = tiny.events(train(status="failed", **of_pictures(pictures, data__train=str(file), **changes)))[-1]
    assert failed["class"] == "data"
    assert complaint in failed["message"]


def test_a_text_model_refuses_pictures(train: Train, pictures: Path) -> None:
    failed = tiny.events(train(status="failed", data__train=str(pictures / "train.json")))[-1]
    assert failed["class"] == "data"
    assert "reads text only" in failed["message"]
