"""The adapter axis: which weights are trained. One module per value; this file only lists them."""

from ..registry import Registry
from .contract import Adapter
from .lora import Lora

registry: Registry[Adapter] = Registry(Lora)
parse = registry.parse
