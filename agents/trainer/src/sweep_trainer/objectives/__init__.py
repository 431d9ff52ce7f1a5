"""The objective axis: which tokens are trained. One module per value; this file only lists them."""

from ..contract.registry import Registry
from .contract import Objective
from .sft import SupervisedFineTuning
from .upft import UnsupervisedPrefixFineTuning

registry: Registry[Objective] = Registry(SupervisedFineTuning, UnsupervisedPrefixFineTuning)
parse = registry.parse
