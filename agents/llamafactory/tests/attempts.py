"""Attempt directories for the quickstart's tiny model, and what is in them afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
QUICKSTART = ROOT / "sweeps" / "quickstart"
ALPACA = {"columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system"}}
PATH = os.pathsep.join(str(ROOT / "agents" / name / "src") for name in ("llamafactory", "trainer"))


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": PATH, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def document(arguments: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A trial.json of 8 optimiser steps with an evaluation in the middle and one at the end."""
    base = {
        "model_name_or_path": str(QUICKSTART / "base-model"),
        "stage": "sft",
        "finetuning_type": "lora",
        "lora_rank": 8,
        "learning_rate": 3e-3,
        "num_train_epochs": 2,
        "max_samples": 64,
        "cutoff_len": 96,
    }
    return {
        "contract": 1,
        "sweep": "test",
        "trial": 1,
        "attempt": 1,
        "epoch": 1,
        "seed": 3,
        "parameters": {},
        "training": None,
        "llamafactory": {
            "arguments": {**base, **(arguments or {})},
            "batch_size": 16,
            "micro_batch_size": None,
            "evals_per_epoch": 1,
            "data": {"train": str(QUICKSTART / "train.json"), "eval": str(QUICKSTART / "eval.json"), "entry": ALPACA},
        },
        "metric": {"name": "eval/loss", "goal": "minimize"},
        "probes": [],
        "devices": [{"kind": "cpu", "index": 0, "threads": 1}],
        "resume": True,
        **changes,
    }


def make(directory: Path, trial: dict[str, Any]) -> Path:
    directory.mkdir(parents=True)
    (directory / "trial.json").write_text(json.dumps(trial), encoding="utf-8")
    return directory


def run(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sweep_llamafactory", "run", str(directory)],
        env=environment(),
        cwd=directory,
        capture_output=True,
        text=True,
    )


def events(directory: Path, kind: str | None = None) -> list[dict[str, Any]]:
    lines = (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if kind is None or event["type"] == kind]


def curve(directory: Path) -> list[tuple[int, dict[str, float]]]:
    return [(event["step"], event["values"]) for event in events(directory, "metrics")]
