"""The adapter axis: which weights are trained. One module per value; this file only lists them."""

from ..registry import Registry
from .contract import Adapter
from .dora import Dora
from .lora import Lora
from .lora_plus import LoraPlus
from .rslora import RsLora

registry: Registry[Adapter] = Registry(Lora, RsLora, Dora, LoraPlus)
parse = registry.parse
