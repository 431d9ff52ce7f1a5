"""`python -m sweep_trainer.winner.gguf_file BASE ADAPTER DIR`: the merged model as one GGUF file, for llama.cpp.

Owns which models can be written so, and their names there; the file format is the `gguf` package's. Weights keep their
precision (fp32, fp16, bf16): quantising is `llama-quantize`'s work.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.failures import DataError
from ..process import environment
from ..training.checkpoints import write_folder

FILE = "model.gguf"

# transformers' name of a model → GGUF's name of the architecture.
ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2"}
# How llama.cpp splits text before the byte-pair merges, by a part of the pattern in tokenizer.json. It knows these by
# name; a name that does not fit the tokenizer would cut text differently without a word.
SPLITS = {
    r"\p{N}{1,3}|": "llama-bpe",
    r"\p{N}| ?": "qwen2",
}
ELSEWHERE = "write the merged model (--merged) and use llama.cpp's convert_hf_to_gguf.py"


def _refuse(what: str) -> DataError:
    return DataError(f"{what}: {ELSEWHERE}")


def check(config: Any) -> str:
    """GGUF's name of the architecture. Raises DataError for a model that would not be the same there."""
    kind = config.model_type
    if kind not in ARCHITECTURES:
        raise _refuse(f"GGUF is written for {' and '.join(ARCHITECTURES)} models, and this is a {kind} model")
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type", "default") != "default":
        raise _refuse(f"the model's positions are scaled ({rope['rope_type']}), which is not written to GGUF here")
    if getattr(config, "hidden_act", "silu") != "silu":
        raise _refuse(f"the model's activation is {config.hidden_act}, and GGUF's {kind} has silu")
    if kind == "llama" and (getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False)):
        raise _refuse("the model has biases, and GGUF's llama has none")
    if kind == "qwen2" and getattr(config, "use_sliding_window", False):
        raise _refuse("the model has a sliding window, which is not written to GGUF here")
    return ARCHITECTURES[kind]


def _splits(layout: dict[str, Any]) -> str:
    """llama.cpp's name of the way in which the tokenizer splits text."""
    parts = json.dumps(layout.get("pre_tokenizer") or {}, ensure_ascii=False)
    if "Split" not in parts:
        return "gpt-2"
    return next((name for pattern, name in SPLITS.items() if json.dumps(pattern)[1:-1] in parts), "")


def _tokens(folder: Path, size: int) -> tuple[list[str], list[int], list[str], str]:
    """Tokens by their number, their kinds, the merges and the way text is split. Raises DataError."""
    import gguf

    layout = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model = layout["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise _refuse("the tokenizer is not of the byte-level kind, and GGUF would need its SentencePiece model")
    by_number = {number: token for token, number in model["vocab"].items()}
    kinds = dict.fromkeys(by_number, gguf.TokenType.NORMAL)
    for added in layout.get("added_tokens", []):
        by_number[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    tokens = [by_number.get(number, f"[PAD{number}]") for number in range(size)]
    types = [int(kinds.get(number, gguf.TokenType.UNUSED)) for number in range(size)]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return tokens, types, merges, _splits(layout)


def _rotated(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of queries or keys in llama.cpp's order: it rotates neighbours where transformers rotates halves."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def write(model: Any, tokenizer: Any, path: Path) -> list[str]:
    """One file at `path`; what a user should know of it. Raises DataError."""
    import gguf
    import torch

    config = model.config
    kind = check(config)
    notes: list[str] = []
    folder = path.parent
    tokenizer.save_pretrained(str(folder))
    tokens, types, merges, split = _tokens(folder, model.get_input_embeddings().weight.shape[0])
    if split == "":
        split = "default"
        notes.append(
            "llama.cpp has no name for the way this tokenizer splits text: its tokens may differ from the trainer's"
        )
    writer = gguf.GGUFWriter(str(path), kind)
    heads = config.num_attention_heads
    key_heads = config.num_key_value_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(width)
    writer.add_vocab_size(len(tokens))

    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    for name, add in (
        ("bos_token_id", writer.add_bos_token_id),
        ("eos_token_id", writer.add_eos_token_id),
        ("pad_token_id", writer.add_pad_token_id),
    ):
        number = getattr(tokenizer, name, None)
        if number is not None:
            add(number)
    begins = tokenizer("a")["input_ids"]
    writer.add_add_bos_token(tokenizer.bos_token_id is not None and begins[0] == tokenizer.bos_token_id)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[kind.upper()], config.num_hidden_layers)
    tied = bool(getattr(config, "tie_word_embeddings", False))
    kinds: set[Any] = set()
    for name, weight in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue
        target = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if target is None:
            raise _refuse(f"the weights {name} have no name in GGUF")
        quantised = None
        precision = weight.dtype
        data = weight.detach().to("cpu", torch.float32).numpy()
        if kind == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            data = _rotated(data, heads if "q_proj" in name else key_heads)
        # Norms and biases are fp32 there, whatever the rest is.
        if data.ndim > 1 and precision == torch.float16:
            data, quantised = data.astype(np.float16), gguf.GGMLQuantizationType.F16
        elif data.ndim > 1 and precision == torch.bfloat16:
            quantised = gguf.GGMLQuantizationType.BF16
            data = gguf.quantize(data, quantised)
        else:
            quantised = gguf.GGMLQuantizationType.F32
        if weight.ndim > 1:
            kinds.add(quantised)
        writer.add_tensor(target, data, raw_dtype=quantised)
    writer.add_file_type(
        {gguf.GGMLQuantizationType.F16: 1, gguf.GGMLQuantizationType.BF16: 32}.get(next(iter(kinds)), 0)
        if len(kinds) == 1
        else 0
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    # They are in the file.
    for made in folder.iterdir():
        if made != path:
            made.unlink()
    return notes


def export(base: str, adapter: Path, target: Path) -> list[str]:
    """Raises DataError."""
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise DataError("GGUF needs the Python package `gguf`: pip install gguf==0.19.0") from error
    from .loading import load

    answering = load(base, adapter)
    model = answering.model
    # Before the merge, which takes longest.
    check(model.config)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload(safe_merge=True)
    notes: list[str] = []

    def fill(folder: Path) -> None:
        notes.extend(write(model, answering.tokenizer, folder / FILE))

    target.parent.mkdir(parents=True, exist_ok=True)
    write_folder(target, fill)
    return notes


def main(arguments: list[str]) -> int:
    environment.prepare()
    try:
        for note in export(arguments[0], Path(arguments[1]), Path(arguments[2])):
            print(note)
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
