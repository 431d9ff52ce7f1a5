"""A trained model for answering: the base with the adapter on it, or the whole model that `full` and `freeze` leave.

Owns loading both and turning a conversation into a prompt. Nothing here trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..contract.failures import DataError
from ..model import base_model, model_files
from ..process import environment
from ..quantization.none import NoQuantization


@dataclass
class Answering:
    """`model` is in eval mode, on `device`."""

    model: Any
    tokenizer: Any
    device: torch.device


def load(base: str, adapter: Path | None) -> Answering:
    """Raises DataError. In bf16 on a GPU, else in fp32."""
    is_adapter = adapter is not None and (adapter / "adapter_config.json").is_file()
    if adapter is not None and not is_adapter and not (adapter / "config.json").is_file():
        raise DataError(f"{adapter} holds neither adapter_config.json nor config.json: it is no adapter and no model")
    files = model_files.locate(str(adapter) if adapter is not None and not is_adapter else base)
    environment.hub_offline(files.folder is not None)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = "bf16" if device.type == "cuda" else "fp32"
    loaded = base_model.load(files, NoQuantization(), precision, device)
    model: Any = loaded.model
    if is_adapter:
        from peft import PeftModel

        try:
            model = PeftModel.from_pretrained(model, str(adapter))
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DataError(f"the adapter {adapter} does not fit {base}: {reason}") from error
    return Answering(model.eval(), loaded.tokenizer, device)


def prompt(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """The tokens after which the answer begins: by the tokenizer's chat template, or the trainer's plain one."""
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    names = {"system": "### System:", "user": "### Instruction:", "assistant": "### Response:"}
    sections = [f"{names[message['role']]}\n{message['content']}" for message in messages]
    return list(tokenizer("\n\n".join([*sections, "### Response:\n"]))["input_ids"])
