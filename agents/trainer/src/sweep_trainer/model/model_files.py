"""Where a base model lies and whether its folder is complete, judged from the files alone.

Owns the difference between a path and a hub id, and the errors for an incomplete folder. It does not load anything:
that is base_model's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..contract.failures import DataError
from ..contract.fields import shown

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json")


@dataclass(frozen=True)
class ModelFiles:
    """A base model: a complete local `folder`, or none for a hub id that transformers resolves when it loads it."""

    name: str
    folder: Path | None
    architecture: str | None

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Name, size and modification time of each file: it changes when the model is replaced on disk."""
        if self.folder is None:
            return ()
        return tuple(sorted((file.name, *file_stamp(file)) for file in self.folder.iterdir() if file.is_file()))


def file_stamp(file: Path) -> tuple[int, int]:
    """Size in bytes and modification time in nanoseconds."""
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def locate(model: str) -> ModelFiles:
    """The model called `model` in a trial. Raises DataError for a folder that transformers could not load."""
    folder = Path(model).expanduser()
    if not folder.is_absolute() and not folder.exists():
        if model.startswith("modelscope:"):
            raise DataError(
                f"training.model: download {model!r} first and give its folder; this trainer reads folders and hub ids"
            )
        if not _HUB_ID.fullmatch(model):
            raise DataError(
                f"training.model: expected an absolute path or a hub id such as org/name, found {shown(model)}"
            )
        return ModelFiles(model, None, None)
    if not folder.is_dir():
        raise DataError(f"the base model {folder} is not a folder that exists")
    architecture = _architecture(folder)
    if not any(folder.glob("*.safetensors")):
        if any(folder.glob("*.bin")):
            # A pickle runs whatever its author put into it.
            raise DataError(
                f"the base model {folder} holds its weights as pickles (*.bin), which are not read;"
                " expected *.safetensors: save it again with save_pretrained"
            )
        raise DataError(f"the base model {folder} holds no weights; expected *.safetensors beside config.json")
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise DataError(f"the base model {folder} holds no tokenizer; expected tokenizer.json beside config.json")
    return ModelFiles(str(folder), folder, architecture)


def _architecture(folder: Path) -> str:
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise DataError(f"the base model {folder} has no config.json; expected a transformers model folder")
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{config_file} is not JSON: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise DataError(f"{config_file} names no model_type; expected a transformers model folder")
    held = config.get("quantization_config")
    if held is not None:
        method = held.get("quant_method") if isinstance(held, dict) else None
        raise DataError(
            f"the base model {folder} is quantised already ({method or 'by an unnamed method'}), and this trainer has "
            "no runtime for such checkpoints; give it the original model, it quantises to nf4 and int8 itself"
        )
    architectures = config.get("architectures") or [config["model_type"]]
    return str(architectures[0])
