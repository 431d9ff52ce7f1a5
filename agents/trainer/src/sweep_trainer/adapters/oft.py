"""OFT (arXiv 2306.07280) as in OFTv2 (arXiv 2506.19847): each target layer sees its inputs rotated, W·(R·x), by a
block-diagonal R that is orthogonal: R = (I - Q)·(I + Q)⁻¹ with Q skew-symmetric, zero in the beginning.

Owns OFT's options and its dropout, which PEFT takes as an option and does not carry out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract.failures import DataError
from ..contract.fields import Fields
from . import peft_model, target_modules

if TYPE_CHECKING:
    from torch import Tensor, nn

_BLOCK_SIZE = 32  # PEFT's own


@dataclass(frozen=True)
class Oft(peft_model.PeftMethod):
    """Blocks of `block_size` inputs, or, where it is given, `rank` blocks a layer. `dropout` is the chance of each
    block to be left unrotated in a training step."""

    name = "oft"
    quantizations = frozenset({"none", "nf4", "int8"})

    block_size: int
    rank: int | None
    dropout: float
    targets: str | list[str]

    @classmethod
    def parse(cls, fields: Fields) -> Oft:
        fields.disregard("rank", "alpha")
        return cls(
            block_size=fields.integer("oft_block_size", 2, _BLOCK_SIZE),
            rank=fields.optional_integer("oft_rank", 1),
            dropout=fields.number("dropout", 0, 1, default=0.0),
            targets=target_modules.parse(fields),
        )

    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        from peft import OFTConfig
        from peft.tuners.oft.layer import OFTLayer, OFTRotationModule

        config = OFTConfig(
            r=self.rank or 0,
            oft_block_size=0 if self.rank else self.block_size,
            module_dropout=self.dropout,
            target_modules=self.targets,
            # The exact form: the quicker Neumann series gives rotations that are not quite orthogonal.
            use_cayley_neumann=False,
            task_type="CAUSAL_LM",
        )
        model = peft_model.attach(base, config, self.targets)
        for name, module in model.named_modules():
            if isinstance(module, OFTLayer):
                self._check_division(name, module)
            elif isinstance(module, OFTRotationModule) and self.dropout > 0:
                _drop_blocks(module, self.dropout)
        return model

    def _check_division(self, name: str, layer: Any) -> None:
        """PEFT takes the nearest number that divides; a trial should not seem to have obeyed another."""
        option, asked, made = (
            ("oft_rank", self.rank, layer.r) if self.rank else ("oft_block_size", self.block_size, layer.oft_block_size)
        )
        if asked not in made.values():
            raise DataError(
                f"training.adapter.{option}: {asked} does not divide the {layer.in_features} inputs of "
                f"{name.removeprefix('base_model.model.')}; the nearest that does is {next(iter(made.values()))}"
            )


def _drop_blocks(rotation: Any, chance: float) -> None:
    """Lets each block be the identity in a training step, with that chance: the rotation of a zero Q is none."""
    import torch

    rotate = rotation._cayley_batch

    def with_dropout(skew: Tensor, *options: Any) -> Tensor:
        if rotation.training:
            skew = skew * (torch.rand(len(skew), 1, device=skew.device) >= chance)
        return rotate(skew, *options)

    rotation._cayley_batch = with_dropout
