"""Continuations of prompts by a model, greedy or sampled, as token ids.

Owns batching prompts of different lengths, where an answer ends, and the random numbers of sampling. What the prompts
are and what the answers are for is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import GenerationConfig

from ..data.encoding import Encoder

# What one batch may hold, in tokens with the answers to come: the cache of keys and values is its memory.
_BATCH_TOKENS = 8192


@dataclass(frozen=True)
class Sampling:
    """Draws from the softmax of logits / `temperature`, cut by the model's own top_k and top_p, in a way that depends
    on `seed` alone."""

    temperature: float
    seed: int


@dataclass(frozen=True)
class Answer:
    """Tokens without the end token; `ended` says whether one came, or the limit did."""

    tokens: list[int]
    ended: bool


def _end_tokens(model: nn.Module, encoder: Encoder) -> list[int]:
    """The tokenizer's end token and those the model's own generation config lists (chat models have several)."""
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    return sorted({encoder.eos, *(int(token) for token in listed if token is not None)})


@torch.no_grad()
def generate(
    model: nn.Module,
    encoder: Encoder,
    prompts: list[list[int]],
    limits: list[int],
    device: torch.device,
    sampling: Sampling | None = None,
) -> list[Answer]:
    """One answer a prompt, in order, of at most `limits` tokens, the end token counted. Greedy without `sampling`. The
    global random state is left as it was; the model is left in eval mode."""
    model.eval()
    ends = _end_tokens(model, encoder)
    answers = [Answer([], False)] * len(prompts)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        if sampling is not None:
            torch.manual_seed(sampling.seed)
        for batch in _batches([len(prompt) + limit for prompt, limit in zip(prompts, limits, strict=True)]):
            rows = _continue(
                model, encoder, [prompts[at] for at in batch], max(limits[at] for at in batch), ends, device, sampling
            )
            for at, row in zip(batch, rows, strict=True):
                answers[at] = _until_end(row[: limits[at]], ends)
    return answers


def _batches(lengths: list[int]) -> list[list[int]]:
    """Indices of similar length together."""
    batches: list[list[int]] = []
    group: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if group and (len(group) + 1) * lengths[at] > _BATCH_TOKENS:
            batches.append(group)
            group = []
        group.append(at)
    return [*batches, group] if group else batches


def _continue(
    model: nn.Module,
    encoder: Encoder,
    prompts: list[list[int]],
    limit: int,
    ends: list[int],
    device: torch.device,
    sampling: Sampling | None,
) -> list[list[int]]:
    width = max(map(len, prompts))
    # On the left, so that every answer begins in the same column.
    tokens = torch.tensor([[encoder.pad] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    generated = model.generate(
        input_ids=tokens.to(device),
        attention_mask=mask.to(device),
        generation_config=GenerationConfig(
            num_beams=1,
            use_cache=True,
            max_new_tokens=limit,
            eos_token_id=ends,
            pad_token_id=encoder.pad,
            **_choice(model, sampling),
        ),
    )
    return generated[:, width:].tolist()


def _choice(model: nn.Module, sampling: Sampling | None) -> dict[str, object]:
    if sampling is None:
        return {"do_sample": False}
    own = getattr(model, "generation_config", None)
    cuts = {name: getattr(own, name, None) for name in ("top_k", "top_p")}
    # 0 and 1 cut nothing; left out, transformers would put its own defaults in their place.
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_k": 0 if cuts["top_k"] is None else cuts["top_k"],
        "top_p": 1.0 if cuts["top_p"] is None else cuts["top_p"],
    }


def _until_end(tokens: list[int], ends: list[int]) -> Answer:
    for position, token in enumerate(tokens):
        if token in ends:
            return Answer(tokens[:position], True)
    return Answer(tokens, False)
