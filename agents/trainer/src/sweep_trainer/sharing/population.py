"""Population-based training, as far as a trial of it knows: it resumes from a checkpoint of another, whose parameters
it has but for some that may change in the middle of a run.

Owns which these are, and what two runs must have in common for a checkpoint of one to be resumed by the other.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..contract.trial import Trial

#: Parts of the training configuration, by their sweep parameters. They shape no tensor and no plan: everything that a
#: checkpoint holds means the same under other values of them.
CHANGEABLE: dict[str, tuple[str, ...]] = {
    "learning_rate": ("optimizer", "learning_rate"),
    "weight_decay": ("optimizer", "weight_decay"),
    "max_grad_norm": ("optimizer", "max_grad_norm"),
    "dropout": ("adapter", "dropout"),
    "lr_ratio": ("adapter", "lr_ratio"),
    "neftune_noise_alpha": ("neftune_noise_alpha",),
}


def kind_name(trial: Trial) -> str:
    """Names what a checkpoint is of, whatever the values that may change: those of one kind can be resumed."""
    raw = json.loads(json.dumps(trial.raw_training))
    for path in CHANGEABLE.values():
        _drop(raw, path)
    return hashlib.sha256(json.dumps([raw, trial.seed], sort_keys=True).encode()).hexdigest()


def _drop(value: dict[str, Any], path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        value = value.get(key, {})
    value.pop(path[-1], None)
