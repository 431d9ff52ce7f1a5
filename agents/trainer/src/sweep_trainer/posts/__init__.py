"""The post axis: what happens to a trained adapter before export. One module per value; this file only lists them."""

from ..contract.registry import Registry
from .contract import Post
from .none import NoPost
from .norm import NoiseReduction

registry: Registry[Post] = Registry(NoPost, NoiseReduction)
parse = registry.parse
