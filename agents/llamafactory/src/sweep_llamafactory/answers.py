"""The best weights of a run, exported and asked: the adapter folder and the answers to the probes.

Owns which files of a checkpoint make a usable adapter or model, and prompts in LLaMA-Factory's own template.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from sweep_trainer.training.checkpoints import write_folder

from . import pissa
from .trial import Trial

_STATE = (
    "optimizer.pt",
    "optimizer.bin",
    "scheduler.pt",
    "scaler.pt",
    "trainer_state.json",
    "training_args.bin",
    "manifest.json",
    "progress.json",
    "README.md",
)
_OF_A_MODEL = ("tokenizer", "special_tokens", "vocab", "merges", "chat_template", "added_tokens")


def export(source: Path, target: Path, start: pissa.Initial | None) -> None:
    """Copies the adapter, or for `full` and `freeze` the model, from `source`, a checkpoint or an output folder."""
    is_adapter = (source / "adapter_config.json").exists()

    def fill(folder: Path) -> None:
        for file in sorted(source.iterdir()):
            left = file.name in _STATE or file.name.startswith("rng_state") or file.suffix in (".json_", ".jsonl")
            if left or not file.is_file() or (is_adapter and file.name.startswith(_OF_A_MODEL)):
                continue
            if not is_adapter and file.name.startswith(("all_results", "train_results", "eval_results")):
                continue
            shutil.copyfile(file, folder / file.name)
        if is_adapter and start is not None:
            pissa.convert(folder, start)

    write_folder(target, fill)


def load(model: Any, source: Path) -> None:
    """Puts the weights of the checkpoint `source` into the model."""
    from safetensors.torch import load_file

    adapter = source / "adapter_model.safetensors"
    if adapter.exists():
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(model, load_file(adapter))
        return
    for file in sorted(source.glob("model*.safetensors")):
        model.load_state_dict(load_file(file), strict=False)


@torch.no_grad()
def answer(model: Any, tokenizer: Any, arguments: dict[str, Any], trial: Trial) -> list[str]:
    """One answer a probe, decoded greedily."""
    from llamafactory.data import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments
    from transformers import GenerationConfig, HfArgumentParser

    # These alone: the training's would begin another distributed run, and wait for its other processes.
    (data_arguments,) = HfArgumentParser(DataArguments).parse_dict(arguments, allow_extra_keys=True)
    template = get_template_and_fix_tokenizer(tokenizer, data_arguments)
    ends = list(dict.fromkeys([tokenizer.eos_token_id, *template.get_stop_token_ids(tokenizer)]))
    model.eval()
    device = next(model.parameters()).device
    answers = []
    for probe in trial.probes:
        content = f"{probe.instruction}\n{probe.input}" if probe.input else probe.instruction
        messages = [{"role": "user", "content": content}, {"role": "assistant", "content": ""}]
        prompt, _ = template.encode_oneturn(tokenizer, messages, probe.system or None)
        tokens = torch.tensor([prompt], device=device)
        generated = model.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            generation_config=GenerationConfig(
                do_sample=False,
                num_beams=1,
                max_new_tokens=probe.max_new_tokens,
                eos_token_id=ends,
                pad_token_id=tokenizer.pad_token_id,
            ),
        )
        answers.append(tokenizer.decode(generated[0, len(prompt) :], skip_special_tokens=True).strip())
    return answers
