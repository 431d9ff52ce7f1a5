"""The variants as the tests train them: each with its options and the number of weights it trains by its formula.

Owns the one list that the parametrised tests go through; an adapter that is registered and missing here fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: (inputs, outputs) of the linear layers of one of the tiny model's two decoder layers.
SHAPES = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 128), (64, 128), (128, 64)]
LAYERS = 2
HIDDEN, VOCABULARY = 64, 302
RANK = 4
BLOCK = 16


@dataclass(frozen=True)
class Variant:
    """`trainable` of the weights of all SHAPES in all LAYERS; `in_peft`: plain PEFT loads what it exports."""

    adapter: str
    trainable: int
    options: dict[str, Any] = field(default_factory=dict)
    quantization: str = "none"
    in_peft: bool = True
    learning_rate: float = 0.01

    def changes(self) -> dict[str, Any]:
        """Of tiny.trial: the adapter with the fields that every trial.json has, and how the base is held."""
        always = {"rank": RANK, "alpha": 8, "dropout": 0.1, "target_modules": "all-linear"}
        return {
            "adapter": {"type": self.adapter, **always, **self.options},
            "quantization": {"type": self.quantization},
            "optimizer__learning_rate": self.learning_rate,
        }


def per_layer(count: Callable[[int, int], int]) -> int:
    return LAYERS * sum(count(inputs, outputs) for inputs, outputs in SHAPES)


def low_rank(inputs: int, outputs: int) -> int:
    return RANK * (inputs + outputs)


def rotations(inputs: int, outputs: int) -> int:
    """A skew-symmetric matrix of BLOCK × BLOCK for each BLOCK inputs."""
    return inputs // BLOCK * BLOCK * (BLOCK - 1) // 2


#: Weights of one decoder layer: its linear layers and two norms.
DECODER_LAYER = sum(inputs * outputs for inputs, outputs in SHAPES) + 2 * HIDDEN

VARIANTS = {
    "lora": Variant("lora", per_layer(low_rank)),
    "rslora": Variant("rslora", per_layer(low_rank)),
    "dora": Variant("dora", per_layer(lambda inputs, outputs: low_rank(inputs, outputs) + outputs)),
    "lora+": Variant("lora+", per_layer(low_rank), {"lr_ratio": 4}),
    "pissa": Variant("pissa", per_layer(low_rank), learning_rate=0.003),
    "adalora": Variant("adalora", per_layer(lambda inputs, outputs: 6 * (inputs + outputs + 1))),
    "qlora": Variant("lora", per_layer(low_rank), quantization="nf4"),
    "int8-lora": Variant("lora", per_layer(low_rank), quantization="int8"),
    "oft": Variant("oft", per_layer(rotations), {"oft_block_size": BLOCK}),
    "qoft": Variant("oft", per_layer(rotations), {"oft_block_size": BLOCK}, "nf4"),
    "moka": Variant("moka", per_layer(low_rank), {"cross_modal_weight": 0.5}, in_peft=False),
    "freeze": Variant("freeze", DECODER_LAYER, {"trainable_layers": 1}, in_peft=False, learning_rate=0.003),
    # Embeddings, which are the output layer too, and the last norm.
    "full": Variant("full", VOCABULARY * HIDDEN + LAYERS * DECODER_LAYER + HIDDEN, in_peft=False, learning_rate=0.003),
}
