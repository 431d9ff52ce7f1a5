"""PiSSA adapters as plain LoRA ones: what is trained is a change of the base's principal part, which PiSSA takes out
of the base first (arXiv 2404.02948, appendix C).

Owns the conversion: with B0·A0 taken out of W, the result W − B0·A0 + B·A is W + [B, −B0]·[A; A0], of twice the rank.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Initial = dict[str, Any]


def _config(model: Any) -> Any:
    configs = getattr(model, "peft_config", None)
    return None if not configs else configs.get("default")


def initial(model: Any) -> Initial | None:
    """The adapter as it was made, before a step; None when it is no PiSSA adapter."""
    config = _config(model)
    if config is None or not str(getattr(config, "init_lora_weights", "")).startswith("pissa"):
        return None
    from peft import get_peft_model_state_dict

    return {name: tensor.detach().cpu().clone() for name, tensor in get_peft_model_state_dict(model).items()}


def convert(folder: Path, start: Initial) -> None:
    """Rewrites the adapter in `folder`, in place."""
    import torch
    from safetensors.torch import load_file, save_file

    file = folder / "adapter_model.safetensors"
    trained = load_file(file)
    merged = {}
    for name, tensor in trained.items():
        before = start[name].to(tensor.dtype)
        if ".lora_A." in name:
            merged[name] = torch.cat([tensor, before], dim=0).contiguous()
        elif ".lora_B." in name:
            merged[name] = torch.cat([tensor, -before], dim=1).contiguous()
        else:
            merged[name] = tensor
    save_file(merged, file, metadata={"format": "pt"})
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # The scale alpha / rank stays what it was; with rsLoRA it would not, hence √2.
    factor = 2**0.5 if config.get("use_rslora") else 2
    config |= {"init_lora_weights": True, "r": 2 * config["r"], "lora_alpha": factor * config["lora_alpha"]}
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
