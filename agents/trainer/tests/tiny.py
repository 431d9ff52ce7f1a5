"""A tiny random Llama with a tokenizer of its own, small data for it, and attempts: what the tests train on.

Owns their making. The model has about 100k parameters and is made on the spot, so that the tests need no download.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

SOURCE = Path(__file__).parents[1] / "src"
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_WORDS = ["red", "blue", "green", "one", "two", "three", "cat", "dog", "bird", "sun", "moon", "star"]


def records(count: int, seed: int, answer: int = 1) -> list[dict[str, Any]]:
    """Questions whose answers follow from them: the word after the named one, or `answer` words after it."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        at = rng.randrange(len(_WORDS) - 1)
        filler = " ".join(rng.choices(_WORDS, k=rng.randrange(0, 6)))
        made.append(
            {"instruction": f"after {_WORDS[at]}", "input": filler, "output": _WORDS[(at + answer) % len(_WORDS)]}
        )
    return made


def make_model(folder: Path, chat: bool = True) -> Path:
    """Writes the model to `folder`; without `chat` its tokenizer has no chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    texts = [" ".join(record.values()) for record in records(200, 1)]
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<|end|>",
        additional_special_tokens=special[2:],
        chat_template=CHAT if chat else None,
    ).save_pretrained(folder)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
        tie_word_embeddings=True,
        initializer_range=0.12,  # far enough from 0 that an adapter of rank 4 has something to turn
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_vision_model(folder: Path) -> Path:
    """Writes a LLaVA of the same text model to `folder`: pictures of 16 × 16 pixels are 16 tokens."""
    make_model(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]}, replace_extra_special_tokens=False)
    images = CLIPImageProcessorPil(size={"height": 16, "width": 16}, do_center_crop=False)
    LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=4,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    ).save_pretrained(folder)
    text = LlamaConfig.from_pretrained(folder)
    text.vocab_size = len(tokenizer)
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=4,
        projection_dim=32,
    )
    torch.manual_seed(3)
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
        vision_feature_layer=-1,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    return folder


def trial(model: Path, train: Path, held_out: Path, /, **changes: Any) -> dict[str, Any]:
    """A trial.json; `changes` replaces values of `training`, dotted with `__`, and `top__…` values beside it."""
    value: dict[str, Any] = {
        "contract": 1,
        "sweep": "tests",
        "trial": 1,
        "attempt": 1,
        "epoch": 1,
        "seed": 11,
        "parameters": {},
        "training": {
            "model": str(model),
            "data": {"train": str(train), "eval": str(held_out), "max_samples": None},
            "adapter": {"type": "lora", "rank": 4, "alpha": 8, "dropout": 0.1, "target_modules": "all-linear"},
            "quantization": {"type": "none"},
            "objective": {"type": "sft"},
            "post": {"type": "none"},
            "optimizer": {"learning_rate": 0.01, "weight_decay": 0.01, "max_grad_norm": 1.0},
            "schedule": {"type": "cosine", "warmup_ratio": 0.1, "epochs": 3, "max_steps": None},
            "batch_size": 8,
            "micro_batch_size": None,
            "max_length": 64,
            "precision": "fp32",
            "gradient_checkpointing": False,
            "evals_per_epoch": 2,
        },
        "metric": {"name": "eval/loss", "goal": "minimize"},
        "probes": [{"instruction": "after cat", "input": "", "system": "", "max_new_tokens": 8}],
        "devices": [{"kind": "cpu", "index": 0, "threads": 1}],
        "resume": True,
    }
    for name, replacement in changes.items():
        path = name.split("__")
        place = value if path[0] == "top" else value["training"]
        path = path[1:] if path[0] == "top" else path
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = replacement
    return value


def write_attempt(directory: Path, content: dict[str, Any]) -> Path:
    """An attempt's directory with its trial.json."""
    directory.mkdir(parents=True)
    (directory / "trial.json").write_text(json.dumps(content), encoding="utf-8")
    return directory


def events(directory: Path) -> list[dict[str, Any]]:
    """What the attempt has appended so far, whole lines only."""
    file = directory / "events.jsonl"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def curve(directory: Path, name: str) -> dict[int, float]:
    """The metric `name` by step."""
    metrics = (event for event in events(directory) if event["type"] == "metrics")
    return {event["step"]: event["values"][name] for event in metrics if name in event["values"]}


def of_type(directory: Path, type_: str) -> list[dict[str, Any]]:
    return [event for event in events(directory) if event["type"] == type_]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "sweep_trainer", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}


def run_cold(directory: Path) -> subprocess.CompletedProcess[str]:
    """`run` in a process of its own."""
    return subprocess.run(
        command("run", directory), env=environment(), capture_output=True, text=True, timeout=300, check=False
    )
