"""What trials that differ in their epochs alone have in common, trained once: the shorter one leaves the state in which
its common part ended, and the longer one resumes from there.

Owns where that state lies among what the trials of a sweep share, which state a run may resume from, and that it is
there whole or not at all. It holds checkpoints and the metrics reported up to them; a state of fewer steps goes when
one of more steps of the same run comes, and the last one when the longest run ends.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.trial import Trial
from ..training import plan as planning
from ..training.checkpoints import write_folder
from ..training.evaluation import LOSS
from ..training.plan import Plan

_METRICS = "metrics.jsonl"
_ORIGIN = "trial"
_CHECKPOINTS = "checkpoints"


def run_name(trial: Trial) -> str:
    """Names the run that a checkpoint is of: another configuration or seed has another name. Runs that share a prefix
    have the same one."""
    raw = trial.raw_training
    if planning.begins_alike(trial.training):
        raw = {**raw, "schedule": {key: value for key, value in raw["schedule"].items() if key != "epochs"}}
    return hashlib.sha256(json.dumps([raw, trial.seed], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Beginning:
    """What a shorter trial left: its number (None where nobody numbers trials), and what it reported, in its order."""

    trial: int | None
    metrics: list[dict[str, Any]]


class Prefix:
    """The common part of this run with longer and shorter ones. `until` is the last step of it, 0: there is none."""

    def __init__(self, trial: Trial, plan: Plan) -> None:
        shares = trial.share_prefix and trial.cache is not None
        self.until = planning.common_steps(trial.training, plan) if shares else 0
        self._folder = trial.cache / f"prefix-{run_name(trial)[:24]}" if trial.cache is not None else Path()
        self._plan = plan
        self._trial = trial.number
        #: Whether a longer run may resume from this one.
        self.leaves = self.until > 0 and trial.leave_prefix

    def take_up(self, checkpoints: Path) -> Beginning | None:
        """Copies the longest usable state into `checkpoints`. `None`: there is none, and `checkpoints` is as it was."""
        if self.until == 0:
            return None
        for step in sorted(self._steps(), reverse=True):
            if step > self.until:
                continue
            source = self._path(step)
            try:
                lines = (source / _METRICS).read_text(encoding="utf-8").splitlines()
                metrics = [json.loads(line) for line in lines]
                evaluated = any(line["step"] == step and LOSS in line["values"] for line in metrics)
                # The last step of a run is evaluated, and that may be none of this run's evaluations.
                if evaluated != (step in self._plan.eval_steps):
                    continue
                origin = json.loads((source / _ORIGIN).read_text(encoding="utf-8"))
                shutil.copytree(source / _CHECKPOINTS, checkpoints, dirs_exist_ok=True)
            except OSError:
                continue  # one of more steps came, and this one went
            return Beginning(origin, metrics)
        return None

    def leave(self, step: int, checkpoints: list[Path], metrics: list[dict[str, Any]]) -> None:
        """Stores the state at `step`: these checkpoints, and what was reported up to them."""

        def fill(folder: Path) -> None:
            for checkpoint in checkpoints:
                shutil.copytree(checkpoint, folder / _CHECKPOINTS / checkpoint.name)
            lines = "".join(f"{json.dumps(line)}\n" for line in metrics)
            (folder / _METRICS).write_text(lines, encoding="utf-8")
            (folder / _ORIGIN).write_text(json.dumps(self._trial), encoding="utf-8")

        self._folder.mkdir(parents=True, exist_ok=True)
        write_folder(self._path(step), fill)
        for shorter in list(self._steps()):
            if shorter < step:
                shutil.rmtree(self._path(shorter), ignore_errors=True)

    def end(self) -> None:
        """The run is over. When it is the longest one, nobody resumes from what shorter ones left."""
        if self.until > 0 and not self.leaves:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}"

    def _steps(self) -> list[int]:
        names = (folder.name.removeprefix("step-") for folder in self._folder.glob("step-*"))
        return [int(name) for name in names if name.isdigit()]
