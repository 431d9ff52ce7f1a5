"""sweep's PEFT trainer: trains one attempt directory by the trainer contract (docs/trainer-contract.md).

This file owns the package's version and the contract version it speaks. It imports nothing, so that `check` and
`describe` start at once; torch and transformers are imported only where a model is really touched.
"""

__version__ = "0.1.0"

CONTRACT = 1
