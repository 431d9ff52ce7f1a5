"""How many sequences go through the model at once, when the trial leaves it to the trainer.

Owns the choice only; gradient accumulation makes up the rest of the effective batch. The choice depends on the trial,
the data and the machine's size, never on what happens to be free at the moment: the split decides the order of
floating-point sums, and the same trial must give the same losses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .base_model import BaseModel

# Tokens of one forward pass on a CPU: more no longer makes a core faster.
_CPU_TOKENS = 16_384
_GPU_SHARE = 0.8  # of the device's memory, the rest is for fragmentation and other processes
_GPU_FIXED = 2**30  # CUDA context and workspaces


def choose(batch_size: int, longest: int, base: BaseModel, gradient_checkpointing: bool) -> int:
    """The largest divisor of `batch_size` whose forward and backward pass fits; `longest` is in tokens."""
    tokens = _CPU_TOKENS if base.device.type == "cpu" else _gpu_tokens(base, gradient_checkpointing)
    divisors = [size for size in range(1, batch_size + 1) if batch_size % size == 0]
    return max(size for size in divisors if size == 1 or size * longest <= tokens)


def _gpu_tokens(base: BaseModel, gradient_checkpointing: bool) -> int:
    """Tokens whose activations fit, by the usual estimate for transformers with flash attention: per token 34·h bytes
    a layer (2·h with checkpointing, plus one layer's 34·h) and 10·V for the logits, their fp32 copy and gradient."""
    config = base.model.config.get_text_config()
    hidden, layers, vocabulary = config.hidden_size, config.num_hidden_layers, config.vocab_size
    per_layer = 2 * hidden if gradient_checkpointing else 34 * hidden
    per_token = per_layer * layers + 34 * hidden + 10 * vocabulary
    memory = torch.cuda.get_device_properties(base.device).total_memory * _GPU_SHARE
    weights = sum(parameter.numel() * parameter.element_size() for parameter in base.model.parameters())
    return max(1, int((memory - weights - _GPU_FIXED) / per_token))
