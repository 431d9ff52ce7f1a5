"""Prompts with images as model inputs, through the model's own processor.

Owns reading image files and the token types that the processor gives. Where in a prompt images stand is encoding's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.failures import DataError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import ProcessorMixin

#: As transformers' processors number them.
TEXT, IMAGE = 0, 1

_NOT_FEATURES = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"})


@dataclass(frozen=True, eq=False)
class ImageInputs:
    """`token_types` of each token of the prompt; `features`: what the model is called with besides tokens, each with
    the images, or their patches, along its first dimension."""

    token_types: list[int]
    features: dict[str, Tensor]


class ImageEncoder:
    """Turns a text with one image token an image into tokens and features."""

    def __init__(self, processor: ProcessorMixin) -> None:
        self._processor = processor
        self.token: str = processor.image_token

    def encode(self, text: str, images: tuple[Path, ...]) -> tuple[list[int], ImageInputs]:
        """Raises DataError for a file that is no image."""
        made = self._processor(
            text=[text],
            images=[[_read(image) for image in images]],
            add_special_tokens=False,
            return_mm_token_type_ids=True,
            return_tensors="pt",
        )
        features = {name: value for name, value in made.items() if name not in _NOT_FEATURES}
        return made["input_ids"][0].tolist(), ImageInputs(made["mm_token_type_ids"][0].tolist(), features)


def _read(path: Path) -> object:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from error
