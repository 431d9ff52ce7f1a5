"""Pretrains the quickstart's base model from nothing: `python make_base_model.py [FOLDER] [--steps N]`.

This file owns the tokenizer, the architecture, the training loop and the files of `base-model/`; what is read is in
`corpus.py`. It trains on one thread, so that the same torch on the same kind of processor gives the same weights.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import corpus

SEED = 7
VOCABULARY = 2048
CONTEXT = 512
BLOCK = 128
BATCH = 32
LEARNING_RATE = 3e-3
CHAT_SHARE = 0.4
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def render(messages: list[corpus.Message]) -> str:
    """What CHAT_TEMPLATE renders, without the cost of a template engine."""
    return "".join(f"<|{message['role']}|>{message['content']}<|end|>" for message in messages)


def document(rng: random.Random) -> str:
    return render(corpus.chat(rng)) if rng.random() < CHAT_SHARE else corpus.prose(rng) + "<|end|>"


def train_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE; a Chinese character or a digit is never merged with its neighbour, so that words recombine."""
    rng = random.Random(f"{SEED}/tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[\u4e00-\u9fff]|\d"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((document(rng) for _ in range(30_000)), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        model_max_length=CONTEXT,
        padding_side="right",
        chat_template=CHAT_TEMPLATE,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=352,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def blocks(tokenizer: PreTrainedTokenizerFast, stream: str) -> Iterator[torch.Tensor]:
    """Endless batches of BATCH x BLOCK tokens of packed documents; `stream` names the seed."""
    rng = random.Random(f"{SEED}/{stream}")
    backend = tokenizer.backend_tokenizer
    tokens: list[int] = []
    while True:
        while len(tokens) < BATCH * BLOCK:
            for encoding in backend.encode_batch([document(rng) for _ in range(256)]):
                tokens += encoding.ids
        yield torch.tensor(tokens[: BATCH * BLOCK]).view(BATCH, BLOCK)
        del tokens[: BATCH * BLOCK]


def held_out_loss(model: LlamaForCausalLM, batches: list[torch.Tensor]) -> float:
    model.eval()
    with torch.no_grad():
        loss = sum(model(input_ids=batch, labels=batch).loss.item() for batch in batches) / len(batches)
    model.train()
    return loss


def pretrain(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int) -> list[dict[str, float]]:
    """Trains in place; returns the curve: [{step, train_loss, held_out_loss}], losses in nats per token."""
    warmup = min(100, max(1, steps // 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.1)
    # Linear warmup, then a cosine down to a tenth.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(
            (step + 1) / warmup,
            0.55 + 0.45 * math.cos(math.pi * min(1.0, max(0, step - warmup) / max(1, steps - warmup))),
        ),
    )
    stream = blocks(tokenizer, "held-out")
    held_out = [next(stream) for _ in range(4)]
    curve, recent, began = [], [], time.monotonic()
    for step, batch in zip(range(1, steps + 1), blocks(tokenizer, "train"), strict=False):
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        recent.append(loss.item())
        if step == 1 or step % 100 == 0 or step == steps:
            point = {
                "step": step,
                "train_loss": round(sum(recent) / len(recent), 4),
                "held_out_loss": round(held_out_loss(model, held_out), 4),
            }
            curve.append(point)
            recent = []
            losses = f"train {point['train_loss']:.3f}  held out {point['held_out_loss']:.3f}"
            print(f"{step}/{steps}  {losses}  {time.monotonic() - began:.0f} s", flush=True)
    return curve


def name_tokenizer_class(config_file: Path) -> None:
    """transformers 5 writes a class name that 4.x does not know; the older name is understood by both."""
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Pretrain the quickstart's base model.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "base-model")
    parser.add_argument(
        "--steps", type=int, default=1200, help="optimiser steps of 4,096 tokens (default: %(default)s)"
    )
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer()
    model = build_model(tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer)} tokens in the vocabulary")
    curve = pretrain(model, tokenizer, options.steps)

    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False, max_new_tokens=64
    )
    model.save_pretrained(options.folder)
    tokenizer.save_pretrained(options.folder)
    name_tokenizer_class(options.folder / "tokenizer_config.json")
    curve_file = options.folder / "pretraining.json"
    curve_file.write_text(
        json.dumps({"seed": SEED, "tokens_per_step": BATCH * BLOCK, "curve": curve}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
