"""Pretrains the small vision-language model of this folder: `python make_base_model.py [FOLDER] [--steps N]`.

This file owns the architecture (LLaVA's: a CLIP encoder, a projector, a Llama), the tokenizer, the processor, the
training loop and the files of `base-model/`. The model learns to describe pictures; the questions of the fine-tuning
task it has never seen. It trains on one thread, so that the same torch on the same kind of processor gives the same
weights.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import pictures

SEED = 7
CONTEXT = 256
PATCH = 16
IMAGE_TOKENS = (pictures.SIZE // PATCH) ** 2
BATCH = 48
LEARNING_RATE = 3e-3
# Of the pixels, in shares of white: the ground comes out near 0, so that what is drawn on it stands out.
MEAN, DEVIATION = 0.93, 0.25
# Of the weights before training, near 1 / sqrt(64): transformers' 0.02 is for models many times as wide.
INITIAL_DEVIATION = 0.1
SPECIAL = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<image>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def sample(rng: random.Random) -> tuple[pictures.Picture | None, str, str]:
    """A picture or none, what is said to the model, and what it learns to answer."""
    picture = pictures.random_picture(rng)
    kind = rng.random()
    if kind < 0.5:
        return picture, "Describe the picture.", pictures.description(picture)
    if kind < 0.7:
        return picture, "Say something about the picture.", pictures.statement(picture, rng)
    if kind < 0.9:
        return picture, *pictures.short_answer(picture, rng)
    return None, *pictures.about_words(rng)


def train_tokenizer() -> PreTrainedTokenizerFast:
    rng = random.Random(f"{SEED}/tokenizer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text for _ in range(5_000) for text in sample(rng)[1:]), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=SPECIAL[2:],
        model_max_length=CONTEXT,
        padding_side="right",
        chat_template=CHAT_TEMPLATE,
    )


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    images = CLIPImageProcessorPil(
        size={"height": pictures.SIZE, "width": pictures.SIZE},
        do_center_crop=False,
        image_mean=[MEAN] * 3,
        image_std=[DEVIATION] * 3,
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",  # without the class token, which is the additional one
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    vision = CLIPVisionConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=pictures.SIZE,
        patch_size=PATCH,
        projection_dim=64,
        initializer_range=INITIAL_DEVIATION,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        initializer_range=INITIAL_DEVIATION,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=IMAGE_TOKENS,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlavaForConditionalGeneration(config)


def batch(tokenizer: PreTrainedTokenizerFast, rng: random.Random, size: int) -> dict[str, torch.Tensor]:
    rows, masked, drawn = [], [], []
    for _ in range(size):
        picture, question, answer = sample(rng)
        image = "" if picture is None else "<image>" * IMAGE_TOKENS + "\n"
        prompt = tokenizer.encode(f"<|user|>{image}{question}<|end|><|assistant|>")
        rows.append(prompt + tokenizer.encode(f"{answer}<|end|>"))
        masked.append(len(prompt))
        if picture is not None:
            drawn.append(numpy.asarray(pictures.draw(picture, rng), dtype=numpy.float32))
    width = max(map(len, rows))
    pad = tokenizer.pad_token_id
    tokens = torch.tensor([row + [pad] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    labels = tokens.masked_fill(mask == 0, -100)
    for row, count in enumerate(masked):
        labels[row, :count] = -100
    pixels = (torch.from_numpy(numpy.stack(drawn)).permute(0, 3, 1, 2) / 255 - MEAN) / DEVIATION
    return {"input_ids": tokens, "attention_mask": mask, "labels": labels, "pixel_values": pixels}


def pretrain(
    model: LlavaForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, steps: int
) -> list[dict[str, float]]:
    """Trains in place; returns the curve: [{step, train_loss, held_out_loss}], losses in nats per token."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.05)
    warmup = min(100, max(1, steps // 10))
    # Linear warmup, then a cosine down to a twentieth.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, 0.525 + 0.475 * math.cos(math.pi * min(1.0, step / max(1, steps)))),
    )
    held_out = batch(tokenizer, random.Random(f"{SEED}/held out"), 256)
    rng = random.Random(f"{SEED}/train")
    curve, began = [], time.monotonic()
    for step in range(1, steps + 1):
        loss = model(**batch(tokenizer, rng, BATCH)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 200 == 0 or step == steps:
            model.eval()
            with torch.no_grad():
                held = model(**held_out).loss.item()
            model.train()
            curve.append({"step": step, "train_loss": round(loss.item(), 4), "held_out_loss": round(held, 4)})
            print(f"{time.monotonic() - began:6.0f} s  {curve[-1]}", flush=True)
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).with_name("base-model"))
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer()
    model = build_model(tokenizer)
    curve = pretrain(model, tokenizer, arguments.steps)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, max_new_tokens=48
    )
    model.save_pretrained(arguments.folder)
    build_processor(tokenizer).save_pretrained(arguments.folder)
    record = {"seed": SEED, "torch": torch.__version__, "steps": arguments.steps, "batch": BATCH, "curve": curve}
    (arguments.folder / "pretraining.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
