"""The objective axis: which tokens are trained. One module per value; this file only lists them."""

from ..registry import Registry
from .contract import Objective
from .sft import SupervisedFineTuning

registry: Registry[Objective] = Registry(SupervisedFineTuning)
parse = registry.parse
