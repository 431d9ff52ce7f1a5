"""The adapter axis: which weights are trained. One module per value; this file only lists them."""

from ..contract.registry import Registry
from .adalora import AdaLora
from .contract import Adapter
from .dora import Dora
from .freeze import Freeze
from .full import Full
from .lora import Lora
from .lora_plus import LoraPlus
from .moka import Moka
from .oft import Oft
from .pissa import Pissa
from .rslora import RsLora

registry: Registry[Adapter] = Registry(Lora, RsLora, Dora, LoraPlus, Pissa, AdaLora, Oft, Moka, Freeze, Full)
parse = registry.parse
