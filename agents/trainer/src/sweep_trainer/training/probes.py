"""Answers to the probe prompts, decoded greedily.

Owns what an answer says as text. Decoding is generation's; which weights are loaded is the caller's.
"""

from __future__ import annotations

import torch
from torch import nn

from ..contract.trial import Probe
from ..data.encoding import Encoder
from .generation import generate


def answer(model: nn.Module, encoder: Encoder, probes: tuple[Probe, ...], device: torch.device) -> list[str]:
    """One answer a probe, in order, without special tokens. The model is left in eval mode."""
    prompts = [encoder.prompt(probe.record) for probe in probes]
    limits = [probe.max_new_tokens for probe in probes]
    return [encoder.text(one.tokens) for one in generate(model, encoder, prompts, limits, device)]
