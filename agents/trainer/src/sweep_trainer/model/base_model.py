"""A loaded base model and its tokenizer, lent to one trial after the other.

Owns loading, and the proof that a trial gave the model back as it was. What is kept from trial to trial is
warm_state's decision; what is trained on top is the adapter's.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..contract.failures import DataError, Unavailable
from ..data.images import ImageEncoder
from ..quantization.contract import Quantization
from .model_files import ModelFiles

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Unless told, transformers asks at the terminal whether to run the code that a model's repository brings, or waits.
NO_CODE = {"trust_remote_code": False}

_SAMPLE = 65_536  # elements of one tensor that the fingerprint reads

# (identity, memory address, version, checksum) of each tensor. The version is torch's counter of in-place changes; the
# checksum catches those it does not see, made through `.data`.
Fingerprint = dict[str, tuple[int, int, int, int]]


@dataclass
class BaseModel:
    """`model` is in eval mode, on `device`, and wants no gradient, whenever no trial has it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    images: ImageEncoder | None  # None: it reads text only
    device: torch.device
    fingerprint: Fingerprint = field(init=False)
    use_cache: bool = field(init=False)

    def __post_init__(self) -> None:
        self._rest()
        self.use_cache = getattr(self.model.config, "use_cache", True)
        self.fingerprint = _fingerprint(self.model)

    def give_back(self, model: torch.nn.Module) -> bool:
        """Takes the detached `model` back. False when it is no longer the model that was lent: load it again."""
        if model is not self.model:
            return False
        self._rest()
        self.model.config.use_cache = self.use_cache
        return _fingerprint(self.model) == self.fingerprint

    def _rest(self) -> None:
        self.model.requires_grad_(False)
        self.model.eval()
        self.model.zero_grad(set_to_none=True)
        # By the older names, which the transformers of Python 3.10 knows too.
        if any(getattr(module, "gradient_checkpointing", False) for module in self.model.modules()):
            self.model.gradient_checkpointing_disable()
            self.model.disable_input_require_grads()


def count(parameter: Tensor) -> int:
    """How many weights `parameter` holds; in one that is quantised to four bits each byte holds two."""
    packed = getattr(parameter, "quant_state", None)
    return parameter.numel() if packed is None else packed.shape.numel()


def load(files: ModelFiles, quantization: Quantization, precision: str, device: torch.device) -> BaseModel:
    """Loads the base model and its tokenizer onto `device`. Raises DataError when transformers cannot read them."""
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    local = files.folder is not None
    try:
        tokenizer = AutoTokenizer.from_pretrained(files.name, local_files_only=local, **NO_CODE)
        config = AutoConfig.from_pretrained(files.name, local_files_only=local, **NO_CODE)
        reads_images = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        images = _image_encoder(files.name, local) if reads_images else None
        model = (AutoModelForImageTextToText if reads_images else AutoModelForCausalLM).from_pretrained(
            files.name,
            local_files_only=local,
            # A pickle runs whatever its author put into it.
            use_safetensors=True,
            **NO_CODE,
            **quantization.load_options(PRECISIONS[precision], device),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, FileNotFoundError):
            raise
        if _is_refused(error):
            raise Unavailable(_refused(files.name)) from error
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"the base model {files.name} cannot be loaded: {reason}") from error
    if not hasattr(model, "hf_device_map"):
        model.to(device)
    return BaseModel(quantization.prepare(model), tokenizer, images, device)


def _is_refused(error: BaseException | None) -> bool:
    """Whether the hub has no such model for whoever asks; a private one looks like one that is not there."""
    from huggingface_hub.errors import RepositoryNotFoundError

    while error is not None:
        if isinstance(error, RepositoryNotFoundError):  # GatedRepoError is one
            return True
        error = error.__cause__ or error.__context__
    return False


def _refused(name: str) -> str:
    from huggingface_hub import get_token

    if get_token() is None:
        return (
            f"the hub refuses the base model {name}: it is gated or private, or there is none of this name. This trial "
            "was given no token: add `secrets: [HF_TOKEN]` to the sweep file, and set HF_TOKEN for the agent"
        )
    return (
        f"the hub refuses the base model {name} to the token that this trial was given: ask for access to the "
        "model, or see whether its name is right"
    )


def _image_encoder(name: str, local: bool) -> ImageEncoder | None:
    """None where a package is missing that the processor needs: such a model still trains on text."""
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(name, local_files_only=local, **NO_CODE)
    except ImportError as error:
        print(f"images cannot be read: {str(error).strip().splitlines()[0]}", flush=True)
        return None
    return ImageEncoder(processor) if hasattr(processor, "image_token") else None


def _fingerprint(model: torch.nn.Module) -> Fingerprint:
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: (id(tensor), tensor.data_ptr(), tensor._version, _checksum(tensor)) for name, tensor in tensors}


def _checksum(tensor: Tensor) -> int:
    flat = tensor.detach().reshape(-1)
    sample = flat[:: max(1, flat.numel() // _SAMPLE)].contiguous()
    return zlib.crc32(sample.view(torch.uint8).cpu().numpy().tobytes())
