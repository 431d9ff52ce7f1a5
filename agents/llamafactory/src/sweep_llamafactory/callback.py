"""The seam to LLaMA-Factory's trainer: says what happens in it, and asks it to evaluate, save and stop.

Owns when a checkpoint is taken, which one is the best, and what a log line is called in the contract. One instance
serves one run.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from sweep_trainer.contract.control import Control
from sweep_trainer.contract.events import EventLog
from sweep_trainer.contract.failures import Diverged
from sweep_trainer.contract.preemption import Preempted, Preemption
from sweep_trainer.training.checkpoints import Checkpoints
from transformers import TrainerCallback

from . import pissa
from .trial import Trial

_VERSIONS = ("llamafactory", "torch", "transformers", "peft", "trl", "accelerate", "datasets", "bitsandbytes")
_PROGRESS = "progress.json"
_UNREPORTED = ("_runtime", "_per_second", "_preparation_time")


@dataclass
class Progress:
    """What a checkpoint remembers besides LLaMA-Factory's own state."""

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    best_score: float | None = None
    last_values: dict[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0


class SweepCallback(TrainerCallback):
    """`checkpoint` is the one this run resumes from. `events` is None in all processes of a distributed run but the
    first."""

    def __init__(
        self,
        directory: Path,
        trial: Trial,
        events: EventLog | None,
        preemption: Preemption,
        checkpoints: Checkpoints,
        checkpoint: tuple[int, Path] | None,
        warm: bool,
    ) -> None:
        self._trial = trial
        self._events = events
        self._preemption = preemption
        self._checkpoints = checkpoints
        self._checkpoint = checkpoint
        self._warm = warm
        self._control_file = Control(directory / "control.jsonl")
        self._deferral = ExitStack()
        self._began = time.perf_counter()
        self._clock = 0.0
        self.progress = Progress()
        self.stopped = False
        self.model: Any = None
        self.tokenizer: Any = None
        self.initial: pissa.Initial | None = None
        #: Sums over the running evaluation: nats and trained tokens.
        self.eval_sums: list[float] = [0.0, 0.0]
        if checkpoint is not None:
            saved = json.loads((checkpoint[1] / _PROGRESS).read_text(encoding="utf-8"))
            self.progress = Progress(**saved)

    def close(self) -> None:
        """Interruptions are nobody's to wait for any more."""
        self._deferral = ExitStack()
        self.model = self.tokenizer = self.initial = None

    # What the trainer calls

    def on_init_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.initial = pissa.initial(model)

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, processing_class: Any = None, **_: Any
    ) -> None:
        self._deferral.enter_context(self._preemption.deferred())
        self.model, self.tokenizer = model, processing_class
        self._clock = time.perf_counter()
        parameters = list(model.parameters())
        self._say(
            "started",
            pid=os.getpid(),
            warm=self._warm,
            versions=versions(),
            device=torch.cuda.get_device_name() if self._trial.gpus else "cpu",
            trainable_parameters=sum(_count(p) for p in parameters if p.requires_grad),
            total_parameters=sum(_count(p) for p in parameters),
            total_steps=int(state.max_steps),
            micro_batch_size=int(args.per_device_train_batch_size),
            resumed_from_step=None if self._checkpoint is None else self._checkpoint[0],
            timings={"load_seconds": self._clock - self._began, "data_seconds": 0.0},
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._advance(state)
        reason = self._control_file.poll()
        wanted = self._agreed(2 if self._preemption.requested else 1 if reason is not None else 0)
        if wanted == 2:
            control.should_save = control.should_training_stop = True
            control.should_evaluate = False
        elif wanted == 1:
            self.stopped = True
            print(f"stopping at step {state.global_step}: {reason}", flush=True)
            control.should_log = control.should_evaluate = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        values = dict(_named(logs or {}))
        if not values:
            return
        loss = values.get("train/loss")
        if "eval/loss" in values:
            values |= self._token_weighted()
        self.progress.last_values |= values
        self._say("metrics", step=int(state.global_step), epoch=float(state.epoch or 0.0), values=values)
        for name in ("train/loss", "eval/loss"):
            if not math.isfinite(values.get(name, 0.0)):
                raise Diverged(
                    f"{name} is {loss if name == 'train/loss' else values[name]} at step {state.global_step}"
                )

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **_: Any
    ) -> None:
        self.eval_sums[:] = [0.0, 0.0]
        if state.global_step == 0:
            return
        values = self.progress.last_values
        loss = values.get("eval/loss")
        score = values.get(self._trial.metric, loss)
        if score is not None:
            ranked = -score if self._trial.maximize and self._trial.metric in values else score
            best = self.progress.best_score
            if best is None or ranked < best:
                self.progress.best_score, self.progress.best_loss = ranked, loss
                self.progress.best_step = int(state.global_step)
        control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = int(state.global_step)
        if dist.is_initialized():
            dist.barrier()  # every process has written its part
        if self._events is not None:
            source = Path(args.output_dir) / f"checkpoint-{step}"
            self._advance(state)

            def fill(folder: Path) -> None:
                for file in sorted(source.iterdir()):
                    shutil.move(str(file), str(folder / file.name))
                (folder / _PROGRESS).write_text(json.dumps(asdict(self.progress)), encoding="utf-8")

            path, size = self._checkpoints.write(step, fill)
            shutil.rmtree(source, ignore_errors=True)
            self._checkpoints.keep(self.progress.best_step)
            self._say("checkpoint", step=step, path=f"checkpoints/{path.name}", bytes=size)
        if dist.is_initialized():
            dist.barrier()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._advance(state)
        args.do_eval = False  # the last step has been evaluated, and on the same data
        self._deferral.close()
        if self._agreed(2 if self._preemption.requested else 0) == 2:
            raise Preempted

    # The rest

    def _advance(self, state: Any) -> None:
        now = time.perf_counter()
        self.progress.train_seconds += now - self._clock
        self._clock = now
        self.progress.step = int(state.global_step)

    def _token_weighted(self) -> dict[str, float]:
        """The evaluation's loss in nats per trained token, where it has been summed (see `token_loss`)."""
        sums = self.eval_sums
        if dist.is_initialized():
            together = torch.tensor(sums, dtype=torch.float64)
            together = together.to("cuda") if self._trial.gpus else together
            dist.all_reduce(together)
            sums = together.tolist()
        if sums[1] == 0:
            return {}
        loss = sums[0] / sums[1]
        return {"eval/loss": loss, "eval/perplexity": math.exp(min(loss, 700.0))}

    def _agreed(self, wanted: int) -> int:
        """The most that any process of the run wants: all of them have to stop at the same step."""
        if not dist.is_initialized():
            return wanted
        value = torch.tensor([wanted])
        value = value.to("cuda") if self._trial.gpus else value
        dist.all_reduce(value, op=dist.ReduceOp.MAX)
        return int(value.item())

    def _say(self, type_: str, **fields: Any) -> None:
        if self._events is not None:
            self._events.append(type_, **fields)


def versions() -> dict[str, str]:
    found = {}
    for name in _VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _count(parameter: torch.Tensor) -> int:
    """Weights, also of a tensor that holds two 4-bit ones a byte."""
    state = getattr(parameter, "quant_state", None)
    return math.prod(state.shape) if state is not None else parameter.numel()


def _named(logs: dict[str, Any]) -> list[tuple[str, float]]:
    """`eval_loss` is `eval/loss`, what has no prefix is the training's; times and the last summary are left out."""
    if "train_runtime" in logs:
        return []
    named = []
    for key, value in logs.items():
        if key in ("epoch", "total_flos", "num_input_tokens_seen") or key.endswith(_UNREPORTED):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        named.append((f"eval/{key[5:]}" if key.startswith("eval_") else f"train/{key}", float(value)))
    return named
