"""MokA's layers: what stands in a linear layer's place, and the token types that all of them look at.

Owns the arithmetic. Which layers are replaced and how they are stored is moka's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.images import TEXT


@dataclass
class TokenTypes:
    """Of the batch at hand, (batch × tokens): the modality of each, and which are the question's text. `training` says
    which passes they belong to: recomputed activations come after the pass, and decoding steps are another's."""

    modality: Tensor | None = None
    question: Tensor | None = None
    training: bool = False

    def clear(self) -> None:
        self.modality, self.question = None, None

    def of(self, inputs: Tensor, training: bool) -> tuple[Tensor, Tensor] | None:
        """Modality and question of `inputs` (batch × tokens × width); None: all of it is text."""
        modality, question = self.modality, self.question
        if modality is None or question is None or training != self.training or modality.shape != inputs.shape[:2]:
            return None
        return modality, question


class MokaLinear(nn.Module):
    """y = W·x + alpha / r · B·h, one B for all modalities and one A for each. A text token's h is A_text·x, another's
    A_m·x + weight · softmax((A_m·x)(A_text·t)ᵀ / √r)·(A_text·t) over the text tokens t of the question (MokA,
    arXiv 2506.05191, section 4). Answers are no part of t: they come later than what would look at them."""

    def __init__(
        self,
        base_layer: nn.Linear,
        rank: int,
        alpha: float,
        dropout: float,
        modalities: tuple[int, ...],
        weight: float,
        types: TokenTypes,
    ) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.rank, self.scaling, self.weight, self.types = rank, alpha / rank, weight, types
        place = {"device": base_layer.weight.device, "dtype": torch.float32}
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()
        self.moka_A = nn.ParameterDict(
            {str(modality): torch.empty(rank, base_layer.in_features, **place) for modality in (TEXT, *modalities)}
        )
        for matrix in self.moka_A.values():
            nn.init.kaiming_uniform_(matrix, a=math.sqrt(5))
        self.moka_B = nn.Parameter(torch.zeros(base_layer.out_features, rank, **place))

    def forward(self, inputs: Tensor) -> Tensor:
        result = self.base_layer(inputs)
        dropped = self.dropout(inputs.to(self.moka_B.dtype))
        hidden = functional.linear(dropped, self.moka_A[str(TEXT)])
        types = self.types.of(inputs, self.training)
        if types is not None:
            hidden = self._mixed(dropped, hidden, *types)
        return result + (functional.linear(hidden, self.moka_B) * self.scaling).to(result.dtype)

    def _mixed(self, inputs: Tensor, text: Tensor, modality: Tensor, question: Tensor) -> Tensor:
        hidden = text
        for name, matrix in self.moka_A.items():
            if int(name) == TEXT:
                continue
            own = functional.linear(inputs, matrix)
            scores = own @ text.transpose(1, 2) / math.sqrt(self.rank)
            # A question without text leaves a row of the softmax empty.
            shares = scores.masked_fill(~question[:, None, :], -math.inf).softmax(dim=-1).nan_to_num(0.0)
            hidden = torch.where((modality == int(name))[..., None], own + self.weight * (shares @ text), hidden)
        return hidden
