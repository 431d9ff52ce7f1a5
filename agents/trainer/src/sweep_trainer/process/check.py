"""Validates a trial without training it: configuration, data records, model folder.

Owns what `check` prints. It loads neither torch nor the model, so that a sweep can be refused at submission within a
fraction of a second.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from .. import adapters, objectives, posts, quantization
from ..contract import trial
from ..contract.failures import DataError, Unavailable, classify
from ..data.alpaca import read_records
from ..model import model_files
from ..training import plan


def check(path: Path) -> dict[str, Any]:
    """`{"ok": true, …}` with what was found, or `{"ok": false, "class", "message", "record"}`."""
    try:
        return _inspect(trial.read(path))
    except (DataError, Unavailable) as error:
        failure = classify(error)
        record = error.record if isinstance(error, DataError) else None
        return {"ok": False, "class": failure.kind, "message": failure.message, "record": record}


def _inspect(checked: trial.Trial) -> dict[str, Any]:
    training = checked.training
    _refuse_unavailable(training)
    files = model_files.locate(training.model)
    train = read_records(training.data.train, training.data.max_samples)
    held_out = read_records(training.data.eval)
    return {
        "ok": True,
        "model": {
            "name": files.name,
            "architecture": files.architecture,
            # A hub id is resolved when the trainer loads it: nothing about it could be checked here.
            "checked": files.folder is not None,
        },
        "data": {
            "train": {"records": len(train), "sha256": _sha256(training.data.train)},
            "eval": {"records": len(held_out), "sha256": _sha256(training.data.eval)},
        },
        "steps_per_epoch": plan.steps_per_epoch(training, len(train)),
        "total_steps": plan.total_steps(training, len(train)),
    }


def _refuse_unavailable(training: trial.Training) -> None:
    axes = (
        (adapters.registry, training.adapter),
        (quantization.registry, training.quantization),
        (objectives.registry, training.objective),
        (posts.registry, training.post),
    )
    for _registry, value in axes:
        reason = value.unavailable()
        if reason is not None:
            raise Unavailable(f"{value.name} cannot run here: {reason}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
