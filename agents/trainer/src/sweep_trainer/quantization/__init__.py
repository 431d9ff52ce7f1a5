"""The quantisation axis: how the base model's weights are held. One module per value; this file only lists them."""

from ..contract.registry import Registry
from .contract import Quantization
from .int8 import Int8
from .nf4 import Nf4
from .none import NoQuantization

registry: Registry[Quantization] = Registry(NoQuantization, Nf4, Int8)
parse = registry.parse
