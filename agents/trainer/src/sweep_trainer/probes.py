"""Answers to the probe prompts, decoded greedily.

Owns batching prompts of different lengths and cutting answers at their end. Which weights are loaded is the caller's.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import GenerationConfig

from .encoding import Encoder
from .trial import Probe


@torch.no_grad()
def answer(model: nn.Module, encoder: Encoder, probes: tuple[Probe, ...], device: torch.device) -> list[str]:
    """One answer a probe, in order, without special tokens. The model is left in eval mode."""
    if not probes:
        return []
    model.eval()
    prompts = [encoder.prompt(probe.record) for probe in probes]
    width = max(map(len, prompts))
    ends = _ends(model, encoder)
    # On the left, so that every answer begins in the same column.
    tokens = torch.tensor([[encoder.pad] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    generated = model.generate(
        input_ids=tokens.to(device),
        attention_mask=mask.to(device),
        generation_config=GenerationConfig(
            do_sample=False,
            num_beams=1,
            use_cache=True,
            max_new_tokens=max(probe.max_new_tokens for probe in probes),
            eos_token_id=ends,
            pad_token_id=encoder.pad,
        ),
    )[:, width:].tolist()
    return [
        encoder.text(_until(row[: probe.max_new_tokens], ends)) for row, probe in zip(generated, probes, strict=True)
    ]


def _ends(model: nn.Module, encoder: Encoder) -> list[int]:
    """The tokenizer's end token and those the model's own generation config lists (chat models have several)."""
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    return sorted({encoder.eos, *(int(token) for token in listed if token is not None)})


def _until(tokens: list[int], ends: list[int]) -> list[int]:
    for position, token in enumerate(tokens):
        if token in ends:
            return tokens[:position]
    return tokens
