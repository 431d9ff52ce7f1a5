"""What an adapter promises: how a variant's trainable weights get onto a base model, train, are stored and leave.

The training loop calls these hooks and knows no adapter by name. One module per adapter; importing it must not import
torch or peft (they are imported inside the hooks), so that configurations can be checked without them.

An adapter promises that
- `attach` draws random numbers from torch's global generator only, which the caller has seeded;
- right after `attach` the model computes what the base computes (so that step 0 is the untouched base model);
- `save` writes safetensors files that `load` restores exactly, and that plain PEFT loads where PEFT knows the method;
- `detach` gives back the base exactly as it was, or `alters_base` is true and the caller loads the base again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..contract.fields import Fields

if TYPE_CHECKING:
    from torch import Tensor, nn


class Adapter(ABC):
    """One value of `adapter.type`, with its options."""

    name: ClassVar[str]
    #: Values of `quantization.type` whose base models it can be trained on.
    quantizations: ClassVar[frozenset[str]] = frozenset({"none"})
    #: True when training changes the base's own weights (full, freeze) or attaching does (PiSSA).
    alters_base: ClassVar[bool] = False
    #: True when what it does at a step depends on how many there will be (AdaLoRA).
    plans_ahead: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def parse(cls, fields: Fields) -> Adapter:
        """Reads rank, alpha and the like. Raises DataError."""

    @classmethod
    def unavailable(cls) -> str | None:
        return None

    @abstractmethod
    def attach(self, base: nn.Module, total_steps: int) -> nn.Module:
        """The model to train: `base` with its trainable weights in place. `total_steps` is for methods that plan
        over the whole run (AdaLoRA). Raises DataError when the options do not fit the model."""

    def parameter_groups(self, model: nn.Module, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """The optimiser's groups; here one of everything trainable. LoRA+ gives B its own learning rate."""
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return [{"params": trainable, "lr": learning_rate, "weight_decay": weight_decay}]

    def forward_context(self, model: nn.Module, batch: dict[str, Tensor]) -> AbstractContextManager[None]:
        """Surrounds every forward pass, in training and in evaluation. MokA hands its token-type masks over here."""
        return nullcontext()

    def penalty(self, model: nn.Module) -> Tensor | None:
        """Added to the training loss, never to a reported one. AdaLoRA's orthogonality term."""
        return None

    def after_step(self, model: nn.Module, step: int) -> None:
        """Called after optimiser step `step` while its gradients are still there. AdaLoRA moves its ranks here."""

    @abstractmethod
    def save(self, model: nn.Module, directory: Path) -> None:
        """Writes the trainable weights and what is needed to load them, as safetensors and JSON, into `directory`."""

    @abstractmethod
    def load(self, model: nn.Module, directory: Path) -> None:
        """Puts the weights that `save` wrote into an attached model, in place."""

    def save_state(self, model: nn.Module, directory: Path) -> None:
        """Writes into a checkpoint what continuing exactly needs beyond `save`. AdaLoRA's importance of each rank."""

    def load_state(self, model: nn.Module, directory: Path) -> None:
        """Puts back what `save_state` wrote; the weights have been loaded."""

    @abstractmethod
    def detach(self, model: nn.Module) -> nn.Module:
        """Takes everything off the base model and returns it."""
