"""One training run, from a parsed trial to its `finished` event.

Owns the order of things: load, encode, score the untouched base, attach, train with evaluations and checkpoints,
export the best, answer the probes, give the base back. The steps themselves are the other modules'.
"""

from __future__ import annotations

import functools
import json
import math
import os
import time
from collections.abc import Hashable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..contract.control import Control
from ..contract.events import EventLog
from ..contract.failures import DataError, Diverged, Unavailable
from ..contract.preemption import Preempted, Preemption
from ..contract.trial import Device, Parent, Trial
from ..data import packing
from ..data.alpaca import read_records
from ..data.batches import EvalSet
from ..data.encoding import Encoder, Example
from ..data.sweep_cache import SweepCache
from ..model import memory, micro_batch, model_files
from ..model.base_model import BaseModel, count
from ..model.memory_ladder import Rung
from ..model.warm_state import WarmState
from ..process import environment
from ..sharing.population import kind_name
from ..sharing.prefix import Beginning, Prefix, run_name
from . import plan as planning
from . import probes
from .checkpoints import Checkpoints, write_folder
from .evaluation import LOSS, evaluate
from .progress import Progress, Window
from .task_metrics import TaskEvaluation
from .training_loop import TrainingLoop

Status = Literal["finished", "failed", "preempted"]

_PROGRESS = "progress.json"
_REPORTED_VERSIONS = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")


@dataclass(frozen=True)
class Shared:
    """Step and folder of a shorter trial's checkpoint, and what that trial left besides."""

    checkpoint: tuple[int, Path]
    beginning: Beginning


class TrainingRun:
    """The state of one run; also the Recorder of its training loop."""

    def __init__(
        self,
        directory: Path,
        trial: Trial,
        events: EventLog,
        warm: WarmState,
        preemption: Preemption,
        said: set[tuple[int, str]] | None = None,
    ) -> None:
        """`said`: step and name of each metric that this attempt has reported; not None in a run that follows another
        one in the same attempt."""
        self._said: set[tuple[int, str]] = set() if said is None else said
        self._follows = said is not None
        #: How steps are computed; None before there is anything to train.
        self.rung: Rung | None = None
        self._directory = directory
        self._trial = trial
        self._training = trial.training
        self._device = _place(trial.device, trial.training.precision)
        self._events = events
        self._warm = warm
        self._preemption = preemption
        self._cache = SweepCache(trial.cache)
        self._control = Control(directory / "control.jsonl")
        self._checkpoints = Checkpoints(directory / "checkpoints", _run_name(trial), kind_name(trial))
        self._progress = Progress()
        self._task: TaskEvaluation | None = None
        self._window = Window.empty(self._device)
        self._stopped = False
        self._paused = False
        self._clock = 0.0
        #: Every metric since step 0, for longer trials; None when nothing is shared, or an earlier attempt began.
        self._reported: list[dict[str, Any]] | None = None

    def run(self) -> Literal["finished", "preempted"]:
        """`preempted`: it waits for the others of its population. Raises Preempted, or whatever ends the attempt as
        failed."""
        began = time.perf_counter()
        memory.reset(self._device)
        base, examples, encoder = self._prepare()
        environment.seed_everything(self._trial.seed)
        adapter = self._training.adapter
        self._model = adapter.attach(base.model, self._plan.total_steps)
        self._prefix = Prefix(self._trial, self._plan)
        checkpoint = self._take_up()
        if self._prefix.leaves and checkpoint is None:
            self._reported = []
        shared = None if checkpoint is not None else self._take_up_shared()
        if not self._follows:
            self._say_started(checkpoint, shared, sum(example.truncated for example in examples))
        self.rung = Rung(self._plan.micro_batch_size, self._training.gradient_checkpointing)
        self._loop = TrainingLoop(
            self._model,
            self._training,
            self._plan,
            examples,
            encoder.pad,
            self._device,
            self._trial.seed,
            self._directory / "checkpoints",
            self,
        )
        self._train(checkpoint, shared)
        if self._paused:
            self._give_back()
            self._events.append("paused", step=self._progress.step)
            return "preempted"
        self._finish(encoder, began)
        self._prefix.end()
        self._give_back()
        return "finished"

    def _take_up(self) -> tuple[int, Path] | None:
        """Step and folder of the checkpoint to resume from, if there is one to resume from."""
        checkpoint = self._checkpoints.newest_intact() if self._trial.resume else None
        if checkpoint is None and self._trial.parent is not None:
            return self._take_over(self._trial.parent)
        if self._trial.resume and checkpoint is None and self._checkpoints.any():
            print("no checkpoint here is intact and of this run: starting from the beginning", flush=True)
        self._checkpoints.discard_after(0 if checkpoint is None else checkpoint[0])
        return checkpoint

    def _take_over(self, parent: Parent) -> tuple[int, Path]:
        """The checkpoint of another trial, as one of this run of which only its weights and its state are known."""

        def forget(folder: Path) -> None:
            file = folder / _PROGRESS
            progress, window = Progress.from_json(json.loads(file.read_text(encoding="utf-8")), self._device)
            progress.forget_best()
            progress.pending_eval = True  # so that what is exported is of this run, and known by its own evaluation
            file.write_text(json.dumps(progress.to_json(window)), encoding="utf-8")

        if not self._checkpoints.adopt(parent.step, forget):
            raise DataError(
                f"parent: there is no whole checkpoint of trial {parent.trial} at step {parent.step} here that this "
                "trial could resume from; only some parameters may differ between the two"
            )
        self._checkpoints.discard_after(parent.step)
        print(f"resuming from trial {parent.trial}, with parameters of its own", flush=True)
        return parent.step, self._checkpoints.path(parent.step)

    def _take_up_shared(self) -> Shared | None:
        """Where a shorter trial left off that begins as this one, if there is one."""
        beginning = self._prefix.take_up(self._directory / "checkpoints")
        checkpoint = None if beginning is None else self._checkpoints.newest_intact()
        return None if beginning is None or checkpoint is None else Shared(checkpoint, beginning)

    def abandon(self) -> set[tuple[int, str]]:
        """Lets go of the model, which is in no state to continue with; returns what has been reported."""
        self._warm.drop_base()
        return self._said

    # Before the training

    def _prepare(self) -> tuple[BaseModel, list[Example], Encoder]:
        training = self._training
        files = model_files.locate(training.model)
        environment.hub_offline(files.folder is not None)
        loading = time.perf_counter()
        base, base_key, self._was_warm = self._warm.base(files, training.quantization, training.precision, self._device)
        # Past the context it was made for, a model with learned positions has none.
        context = getattr(base.model.config.get_text_config(), "max_position_embeddings", None)
        self._max_length = min(training.max_length, context or training.max_length)
        encoding = time.perf_counter()
        encoder = Encoder(base.tokenizer, self._max_length, base.images)
        examples = self._examples(base, base_key, encoder)
        if training.packing:
            packing.refuse_images(examples)
            packing.refuse_if_mixed(base.model, examples[0], examples[-1], self._device)
        self._eval_set, eval_key = self._encode_eval(base, base_key, encoder)
        self._plan = planning.plan(training, len(examples), self._micro_batch_size(base, examples))
        self._load_seconds = encoding - loading
        self._data_seconds = time.perf_counter() - encoding
        wanted = self._trial.task_metrics
        task_key = None
        if wanted is not None:
            self._task = wanted.prepare(read_records(training.data.eval), encoder, self._device)
            task_key = (wanted, wanted.stamp())
        # The base is scored before an adapter is on it, and once for all trials that share it.
        scoring = time.perf_counter()
        self._baseline = self._warm.keep(
            ("baseline", eval_key, task_key), lambda: self._score(base.model, with_adapter=False)
        )
        self._progress.eval_seconds += time.perf_counter() - scoring
        return base, examples, encoder

    def _examples(self, base: BaseModel, base_key: Hashable, encoder: Encoder) -> list[Example]:
        data, objective = self._training.data, self._training.objective

        def make() -> list[Example]:
            records = read_records(data.train, data.max_samples)
            return objective.examples(records, encoder, base, lambda kind, make: self._cache.once(kind, key, make))

        key = ("train", base_key, objective, _stamp(data.train), data.max_samples, self._max_length)
        return self._warm.keep(key, make)

    def _encode_eval(self, base: BaseModel, base_key: Hashable, encoder: Encoder) -> tuple[EvalSet, Hashable]:
        path = self._training.data.eval
        vocabulary = base.model.config.get_text_config().vocab_size
        key = ("eval", base_key, _stamp(path), self._max_length)
        eval_set = self._warm.keep(
            key, lambda: EvalSet.of(encoder.examples(read_records(path)), encoder.pad, vocabulary)
        )
        return eval_set, key

    def _micro_batch_size(self, base: BaseModel, examples: list[Example]) -> int:
        if self._training.micro_batch_size is not None:
            return self._training.micro_batch_size
        longest = max(len(example.tokens) for example in examples)
        return micro_batch.choose(self._training.batch_size, longest, base, self._training.gradient_checkpointing)

    def _say_started(self, checkpoint: tuple[int, Path] | None, shared: Shared | None, truncated: int) -> None:
        cut = {"train": truncated, "eval": self._eval_set.truncated}
        if any(cut.values()):
            print(
                f"cut to {self._max_length} tokens: {cut['train']} training and {cut['eval']} eval examples",
                flush=True,
            )
        parameters = list(self._model.parameters())
        self._events.append(
            "started",
            pid=os.getpid(),
            warm=self._was_warm,
            versions=_versions(),
            device=str(self._device) if self._device.type == "cpu" else torch.cuda.get_device_name(self._device),
            trainable_parameters=sum(count(parameter) for parameter in parameters if parameter.requires_grad),
            total_parameters=sum(count(parameter) for parameter in parameters),
            total_steps=self._plan.total_steps,
            micro_batch_size=self._plan.micro_batch_size,
            truncated=cut,
            resumed_from_step=None if checkpoint is None else checkpoint[0],
            shared_steps=0 if shared is None else shared.checkpoint[0],
            shared_from=None if shared is None else shared.beginning.trial,
            timings={"load_seconds": self._load_seconds, "data_seconds": self._data_seconds},
        )

    # The training

    def _train(self, checkpoint: tuple[int, Path] | None, shared: Shared | None) -> None:
        if shared is not None:
            # What the shorter trial reported is this one's own: it would report the same.
            for line in shared.beginning.metrics:
                self._report(line["step"], line["epoch"], line["values"])
            checkpoint = shared.checkpoint
            self._restore(checkpoint[1])
            self._progress.train_seconds = self._progress.eval_seconds = 0.0
            print(f"resuming from step {checkpoint[0]} of a shorter trial", flush=True)
        elif checkpoint is not None:
            self._restore(checkpoint[1])
            print(f"resuming from step {checkpoint[0]} of {self._plan.total_steps}", flush=True)
        else:
            self._report(0, 0.0, self._baseline)
        with self._preemption.deferred():
            # Its end, or where it waits: it was interrupted just there.
            self._paused = checkpoint is not None and self._waits_at(self._progress.step, self._epoch())
            if checkpoint is not None and (self._paused or self._progress.step >= self._plan.total_steps):
                self._loop.load_weights(checkpoint[1])
                self._settle_pending_eval()
            else:
                self._loop.run(checkpoint)

    def on_begin(self) -> None:
        self._settle_pending_eval()
        self._clock = time.perf_counter()

    def on_batch(self, loss: Tensor, tokens: Tensor) -> None:
        self._window.add(loss, tokens)

    def on_step(self, step: int, epoch: float, gradient_norm: Tensor | float, learning_rate: float) -> bool:
        seconds = time.perf_counter() - self._clock
        self._window.steps += 1
        self._window.seconds += seconds
        self._progress.train_seconds += seconds
        self._progress.step = step
        reason = self._control.poll()
        self._stopped = reason is not None
        due = self._stopped or step in self._plan.eval_steps
        if due or self._plan.logs_at(step):
            self._report_training(step, epoch, gradient_norm, learning_rate)
        self._progress.pending_eval = due
        if due:
            self._evaluate_or_leave(epoch)
            self._checkpoint()
        if step == self._prefix.until:
            self._leave_prefix(due)
        if self._preemption.requested:
            if not due:
                self._checkpoint()
            raise Preempted
        if reason is not None:
            print(f"stopping at step {step}: {reason}", flush=True)
        else:
            self._paused = due and self._waits_at(step, epoch)
        self._clock = time.perf_counter()
        return self._stopped or self._paused

    def _waits_at(self, step: int, epoch: float) -> bool:
        pause = self._trial.pause_at
        return step < self._plan.total_steps and pause is not None and pause.reached(step, epoch)

    def _leave_prefix(self, saved: bool) -> None:
        """For longer trials. When it cannot be stored, that costs them time and this one nothing."""
        if self._reported is None:
            return
        if not saved:
            self._checkpoint()
        steps = {self._progress.step, self._progress.best_step} - {0}
        try:
            self._prefix.leave(self._progress.step, [self._checkpoints.path(step) for step in steps], self._reported)
        except OSError as error:
            print(f"longer trials will not resume from here: {error}", flush=True)

    def _report_training(self, step: int, epoch: float, gradient_norm: Tensor | float, learning_rate: float) -> None:
        window = self._window
        loss = float(window.loss) / window.steps
        values = {"train/loss": loss, "train/learning_rate": learning_rate, "train/grad_norm": float(gradient_norm)}
        if window.seconds > 0:
            values["train/tokens_per_second"] = int(window.tokens) / window.seconds
        self._window = Window.empty(self._device)
        self._report(step, epoch, values)
        if not math.isfinite(loss):
            self._diverged("train/loss", loss, step)

    def _evaluate_or_leave(self, epoch: float) -> None:
        """Evaluates at the current step. A preemption saves what there is, the evaluation still due, and leaves."""
        try:
            self._evaluate(epoch)
        except Preempted:
            self._checkpoint()
            raise

    def _evaluate(self, epoch: float) -> None:
        began = time.perf_counter()
        values = self._score(self._model, with_adapter=True)
        self._progress.eval_seconds += time.perf_counter() - began
        self._report(self._progress.step, epoch, values)
        if not math.isfinite(values[LOSS]):
            self._diverged(LOSS, values[LOSS], self._progress.step)
        self._progress.consider(values[LOSS], self._badness(values))
        self._progress.pending_eval = False

    def _badness(self, values: dict[str, float]) -> float:
        """By which the best evaluation is found: the sweep's metric, or the loss where evaluations do not give it."""
        metric = self._trial.metric
        value = values.get(metric.name, values[LOSS])
        return -value if metric.maximize and metric.name in values else value

    def _score(self, model: nn.Module, with_adapter: bool) -> dict[str, float]:
        adapter = self._training.adapter if with_adapter else None
        values = evaluate(model, self._eval_set.batches, self._device, adapter, self._preemption.check)
        return values if self._task is None else {**values, **self._task.values(model)}

    def _report(self, step: int, epoch: float, values: dict[str, float]) -> None:
        new = {name: value for name, value in values.items() if (step, name) not in self._said}
        if new:
            self._events.append("metrics", step=step, epoch=epoch, values=new)
            self._said.update((step, name) for name in new)
        if self._reported is not None:
            self._reported.append({"step": step, "epoch": epoch, "values": values})
        self._progress.last_values.update(values)
        if LOSS in values:
            train = self._progress.last_values.get("train/loss")
            trained = "" if train is None else f"  train/loss {train:.4f}"
            print(f"step {step}/{self._plan.total_steps}{trained}  eval/loss {values[LOSS]:.4f}", flush=True)

    def _diverged(self, name: str, value: float, step: int) -> None:
        rate = self._training.optimizer.learning_rate
        raise Diverged(
            f"{name} is {value} at step {step} of {self._plan.total_steps}; lower the learning rate ({rate:g})"
        )

    # Checkpoints

    def _checkpoint(self) -> None:
        step = self._progress.step

        def fill(folder: Path) -> None:
            self._loop.save(folder)
            progress = json.dumps(self._progress.to_json(self._window))
            (folder / _PROGRESS).write_text(progress, encoding="utf-8")

        path, size = self._checkpoints.write(step, fill)
        self._events.append("checkpoint", step=step, path=str(path.relative_to(self._directory)), bytes=size)
        self._checkpoints.keep(self._progress.best_step)

    def _restore(self, folder: Path) -> None:
        saved = json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
        self._progress, self._window = Progress.from_json(saved, self._device)
        best = self._progress.best_step
        if best != self._progress.step and best > 0 and not self._checkpoints.is_intact(best):
            print(f"the best checkpoint so far, step {best}, is damaged: the best of the rest counts", flush=True)
            self._progress.forget_best()
            self._progress.pending_eval = True  # what is restored here is the first of the rest

    def _settle_pending_eval(self) -> None:
        if self._progress.pending_eval:
            self._evaluate(self._epoch())

    def _epoch(self) -> float:
        return self._progress.step / self._plan.steps_per_epoch

    # After the training

    def _finish(self, encoder: Encoder, began: float) -> None:
        progress = self._progress
        summary = {**progress.last_values, "eval/best_loss": progress.best_loss, "eval/best_step": progress.best_step}
        best = progress.best_step
        if best and best != progress.step:
            self._loop.load_weights(self._checkpoints.path(best))
        environment.seed_everything(self._trial.seed)
        summary.update(self._treat())
        write_folder(self._directory / "adapter", lambda folder: self._training.adapter.save(self._model, folder))
        answers = probes.answer(self._model, encoder, self._trial.probes, self._device)
        for index, (probe, answer) in enumerate(zip(self._trial.probes, answers, strict=True)):
            self._events.append("sample", probe=index, prompt=probe.record.question, answer=answer)
        device, host = memory.peak_device(), memory.peak_host()
        self._events.append("memory", peak_device_bytes=device, peak_host_bytes=host)
        # As metrics, too, so that a sweep can limit them; a CPU has no memory of its own.
        summary["memory/host_gib"] = host / 2**30
        if device:
            summary["memory/device_gib"] = device / 2**30
        timings = {
            "train_seconds": progress.train_seconds,
            "eval_seconds": progress.eval_seconds,
            "total_seconds": time.perf_counter() - began,
        }
        self._events.append(
            "finished",
            step=progress.step,
            values=summary,
            adapter="adapter",
            interrupted=self._stopped,
            timings=timings,
        )

    def _treat(self) -> dict[str, float]:
        """Lets the post treat what is about to be exported; the evaluation of the result, as `post/…`."""
        began = time.perf_counter()
        done = self._training.post.apply(self._model)
        if done is None:
            return {}
        seconds = time.perf_counter() - began
        progress = self._progress
        scored = self._score(self._model, with_adapter=True)
        progress.eval_seconds += time.perf_counter() - began - seconds
        before = {LOSS: progress.best_loss} if progress.best_step else {}
        self._events.append("post", post=self._training.post.name, seconds=seconds, before=before, after=scored, **done)
        values = {f"post/{name}": value for name, value in scored.items()}
        self._report(progress.step, progress.step / self._plan.steps_per_epoch, values)
        return values

    def _give_back(self) -> None:
        """Takes the adapter off and hands the base back, so that the next trial finds it as this one did."""
        adapter = self._training.adapter
        model = self._model
        del self._loop, self._model
        if adapter.alters_base:
            self._warm.drop_base()
        else:
            self._warm.give_back(adapter.detach(model))


def _run_name(trial: Trial) -> str:
    """What its checkpoints are known by. One of the parent's is none of them, also where nothing has changed."""
    name, parent = run_name(trial), trial.parent
    return name if parent is None else f"{name} from step {parent.step} of attempt {parent.epoch}"


@functools.cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _REPORTED_VERSIONS}


def _place(device: Device, precision: str) -> torch.device:
    torch.set_num_threads(device.threads)
    if device.kind == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise Unavailable("the trial asks for a CUDA device, but torch finds none; is this a CPU-only build of torch?")
    if precision == "bf16" and not torch.cuda.is_bf16_supported():
        raise Unavailable("this GPU has no bf16; use fp16 or fp32")
    # The agent shows this process its own devices only, so that the first visible one is the trial's.
    return torch.device("cuda:0")


def _stamp(path: Path) -> Hashable:
    """What a file is known by. A missing one has no stamp: reading it says so in a sentence."""
    return (str(path), *model_files.file_stamp(path)) if path.is_file() else str(path)
