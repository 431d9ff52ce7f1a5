"""Examples as padded tensors, and the eval set as batches that are made once.

Owns padding (on the right, to the longest of the batch) and how many eval examples go together. The order of the
training examples is the training loop's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .encoding import Example
from .images import TEXT

IGNORED = -100  # the label of a token that is not trained, as transformers and torch have it

LABELS = "labels"
TOKENS = "tokens"  # of each row, padding left out
MODALITY = "modality"  # of each token; only in batches with images
_NOT_FOR_THE_MODEL = frozenset({LABELS, TOKENS, MODALITY})

Batch = dict[str, torch.Tensor]


def model_inputs(batch: Batch) -> Batch:
    """What of the batch the model itself is called with."""
    return {name: value for name, value in batch.items() if name not in _NOT_FOR_THE_MODEL}


def collate(examples: list[Example], pad: int, multiple: int = 1) -> Batch:
    """`input_ids`, `attention_mask` and `labels`, each (examples × longest rounded up to `multiple`), and `tokens`;
    with images also `modality` and what the model's processor makes of them."""
    longest = max(len(example.tokens) for example in examples)
    width = -(-longest // multiple) * multiple
    tokens, mask, labels = [], [], []
    for example in examples:
        length = len(example.tokens)
        padding = width - length
        tokens.append(example.tokens + [pad] * padding)
        mask.append([1] * length + [0] * padding)
        trained = example.tokens[example.prompt_length :]
        labels.append([IGNORED] * example.prompt_length + trained + [IGNORED] * padding)
    return {
        "input_ids": torch.tensor(tokens),
        "attention_mask": torch.tensor(mask),
        LABELS: torch.tensor(labels),
        TOKENS: torch.tensor([len(example.tokens) for example in examples]),
        **_image_inputs(examples, width),
    }


def _image_inputs(examples: list[Example], width: int) -> Batch:
    inputs = [example.images for example in examples if example.images is not None]
    if not inputs:
        return {}
    modality = torch.full((len(examples), width), TEXT)
    for row, example in enumerate(examples):
        if example.images is not None:
            modality[row, : len(example.images.token_types)] = torch.tensor(example.images.token_types)
    features = {name: torch.cat([one.features[name] for one in inputs]) for name in inputs[0].features}
    return {MODALITY: modality, **features}


# What one eval batch may hold. On a CPU 16,384 tokens were half slower than 4,096 or fewer (1M parameters, one core);
# a GPU is busy with as many for models worth a GPU.
_EVAL_TOKENS = 4096
_EVAL_LOGITS = 64 * 2**20  # answer tokens × vocabulary: 256 MiB in fp32


@dataclass(frozen=True)
class EvalSet:
    """The eval file, ready to be scored; `truncated` of its examples were too long."""

    batches: list[Batch]
    truncated: int

    @classmethod
    def of(cls, examples: list[Example], pad: int, vocabulary: int) -> EvalSet:
        """Batches of similar length. Always the same ones for the same examples, so that a loss is the same number
        from run to run. `vocabulary` is the width of the model's logits."""
        batches: list[Batch] = []
        group: list[Example] = []
        answers = 0
        for example in sorted(examples, key=lambda example: (len(example.tokens), example.tokens)):
            answer = len(example.tokens) - example.prompt_length
            too_wide = (len(group) + 1) * len(example.tokens) > _EVAL_TOKENS
            too_many = (answers + answer) * vocabulary > _EVAL_LOGITS
            if group and (too_wide or too_many):
                batches.append(collate(group, pad))
                group, answers = [], 0
            group.append(example)
            answers += answer
        batches.append(collate(group, pad))
        return cls(batches, sum(example.truncated for example in examples))
