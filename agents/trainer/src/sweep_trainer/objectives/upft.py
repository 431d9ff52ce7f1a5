"""Unsupervised prefix fine-tuning (arXiv 2503.02875): the base model's own first tokens of an answer are trained, the
answers of the data are not looked at.

Owns sampling one answer a question from the untouched base, and which of its tokens are trained: the first
`prefix_tokens` and an end token; for a share of the questions (structure tuning) the whole answer, as it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract.fields import Fields
from ..data.alpaca import Record
from .contract import Objective, Once

if TYPE_CHECKING:
    from ..data.encoding import Encoder, Example
    from ..model.base_model import BaseModel


@dataclass(frozen=True)
class UnsupervisedPrefixFineTuning(Objective):
    """`prefix_tokens` k; `structure_share` p of the questions, rounded, gets whole answers; answers are drawn at
    `temperature` with the model's own top_k and top_p, and depend on `sampling_seed`, never on the trial's seed."""

    name = "upft"

    prefix_tokens: int
    structure_share: float
    temperature: float
    sampling_seed: int

    @classmethod
    def parse(cls, fields: Fields) -> UnsupervisedPrefixFineTuning:
        # The paper's values: k = 8 for Llama-3.1-8B (Qwen2.5-Math is as good from 8 to 32), p = 0.1, temperature 0.6.
        return cls(
            prefix_tokens=fields.integer("prefix_tokens", 1, 8),
            structure_share=fields.number("structure_share", 0, 1, default=0.1),
            temperature=fields.number("sampling_temperature", 0, above=True, default=0.6),
            sampling_seed=fields.integer("sampling_seed", 0, 0),
        )

    def examples(self, records: list[Record], encoder: Encoder, base: BaseModel, once: Once) -> list[Example]:
        whole = self._structured(len(records))
        prompts = [
            encoder.prompt_within(record, encoder.max_length if at in whole else self.prefix_tokens + 1)
            for at, record in enumerate(records)
        ]
        answers = once("answers", lambda: self._sample(prompts, whole, encoder, base))
        return [
            _example(prompt, answer, at in whole and not ended, encoder)
            for at, (prompt, (answer, ended)) in enumerate(zip(prompts, answers, strict=True))
        ]

    def _structured(self, count: int) -> frozenset[int]:
        import torch

        generator = torch.Generator().manual_seed(self.sampling_seed)
        chosen = torch.randperm(count, generator=generator)[: round(self.structure_share * count)]
        return frozenset(chosen.tolist())

    def _sample(
        self, prompts: list[list[int]], whole: frozenset[int], encoder: Encoder, base: BaseModel
    ) -> list[tuple[list[int], bool]]:
        """Tokens of each answer, at most what will be trained, and whether the model ended it."""
        from ..training.generation import Sampling, generate

        room = [encoder.max_length - len(prompt) for prompt in prompts]
        limits = [left if at in whole else min(self.prefix_tokens, left - 1) for at, left in enumerate(room)]
        print(f"sampling {len(prompts)} answers from the base model, {len(whole)} of them whole", flush=True)
        sampling = Sampling(self.temperature, self.sampling_seed)
        answers = generate(base.model, encoder, prompts, limits, base.device, sampling)
        return [(answer.tokens, answer.ended) for answer in answers]


def _example(prompt: list[int], answer: list[int], unfinished: bool, encoder: Encoder) -> Example:
    """An answer that was to be whole and came to no end does not learn to end; all others do, prefixes included."""
    from ..data.encoding import Example

    tokens = [*prompt, *answer] if unfinished else [*prompt, *answer, encoder.eos]
    return Example(tokens, len(prompt), unfinished)
