"""The quantisation axis: how the base model's weights are held. One module per value; this file only lists them."""

from ..registry import Registry
from .contract import Quantization
from .none import NoQuantization

registry: Registry[Quantization] = Registry(NoQuantization)
parse = registry.parse
