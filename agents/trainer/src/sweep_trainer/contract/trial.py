"""trial.json as typed values: parsed once, at the edge; everything behind it may rely on types and ranges.

Owns the part of TrainingConfig that every variant shares. What belongs to one value of an axis (a rank, a block
size) is parsed by that axis' own module, reached through its registry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import CONTRACT, adapters, objectives, posts, quantization
from ..adapters.contract import Adapter
from ..data.alpaca import Record, record_from
from ..objectives.contract import Objective
from ..posts.contract import Post
from ..quantization.contract import Quantization
from ..training.task_metrics import TaskMetrics
from .failures import DataError
from .fields import Fields, shown

SCHEDULES = ("constant", "cosine", "linear", "warmup_stable_decay")
RESOURCES = ("epoch", "step")
_ROUNDING = 1e-6  # of accumulated fractions of an epoch
PRECISIONS = ("bf16", "fp16", "fp32")


@dataclass(frozen=True)
class Data:
    """Absolute paths of two Alpaca files; only the first `max_samples` training records are used."""

    train: Path
    eval: Path
    max_samples: int | None
    group_by_length: bool


@dataclass(frozen=True)
class Optimizer:
    """AdamW. `learning_rate` per step; `max_grad_norm` 0 turns clipping off."""

    learning_rate: float
    weight_decay: float
    max_grad_norm: float


@dataclass(frozen=True)
class Schedule:
    """`epochs` may be fractional; `max_steps`, in optimiser steps, takes precedence over it."""

    type: str
    warmup_ratio: float
    epochs: float
    max_steps: int | None


@dataclass(frozen=True)
class Training:
    """One training run, as the canonical TrainingConfig describes it. `batch_size` is sequences per optimiser step,
    `packing` whether short ones share rows; embeddings get noise of `neftune_noise_alpha` / √(row's tokens × width),
    0: none (NEFTune, arXiv 2310.05914)."""

    model: str
    data: Data
    adapter: Adapter
    quantization: Quantization
    objective: Objective
    post: Post
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    micro_batch_size: int | None
    max_length: int
    precision: str
    gradient_checkpointing: bool
    packing: bool
    neftune_noise_alpha: float
    evals_per_epoch: int


@dataclass(frozen=True)
class Device:
    """Where to train. `threads` bounds the CPU threads, also when the device is a GPU."""

    kind: str
    index: int
    threads: int


@dataclass(frozen=True)
class Probe:
    """A prompt answered greedily after the training; at most `max_new_tokens` tokens."""

    record: Record
    max_new_tokens: int


@dataclass(frozen=True)
class Parent:
    """The attempt of another trial, by its epoch, and the step whose checkpoint this trial resumes from."""

    trial: int
    epoch: int
    step: int


@dataclass(frozen=True)
class PauseAt:
    """Where to leave with a checkpoint, unless it is the end: the first evaluation at `at` epochs, or optimiser
    steps, or beyond."""

    resource: str
    at: float

    def reached(self, step: int, epoch: float) -> bool:
        return (epoch if self.resource == "epoch" else step) >= self.at - _ROUNDING


@dataclass(frozen=True)
class SweepMetric:
    """What the sweep compares trials by: a metric's name and whether more of it is better."""

    name: str
    maximize: bool


@dataclass(frozen=True)
class Trial:
    """All of trial.json that the trainer acts on. `raw_training` is kept to recognise this run's own checkpoints;
    `cache` is a folder for what the trials of a sweep share, `share_prefix` whether trials that differ in their epochs
    alone share what they have in common, `leave_prefix` whether a longer one than this may come. `parent` is where a
    member of a population resumes from, when that is not its own checkpoint, `pause_at` where it waits for the
    others."""

    number: int | None
    seed: int
    training: Training
    raw_training: dict[str, Any]
    probes: tuple[Probe, ...]
    device: Device
    resume: bool
    cache: Path | None
    metric: SweepMetric
    task_metrics: TaskMetrics | None
    share_prefix: bool
    leave_prefix: bool
    parent: Parent | None = None
    pause_at: PauseAt | None = None


def read(path: Path) -> Trial:
    """Parses `path`. Raises DataError with the place, what was expected and what was found."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    return parse(value)


def _assigned(top: Fields, key: str) -> Any:
    """What the coordinator sent: the same on every host, where the agent has put paths of this one into the section."""
    given = top.raw("assigned", None)
    return given[key] if isinstance(given, dict) and given.get(key) is not None else top.raw(key)


def parse(value: Any) -> Trial:
    """The trial that a decoded trial.json describes. Keys outside `training` that are not used here are ignored."""
    top = Fields(value, "")
    contract = top.integer("contract", 1)
    if contract != CONTRACT:
        raise DataError(f"contract: this trainer speaks version {CONTRACT} of the trainer contract, found {contract}")
    training, device = _training(top.section("training")), _device(top)
    if training.precision == "fp16" and device.kind == "cpu":
        raise DataError("training.precision: fp16 needs a CUDA device, found a CPU; use bf16 or fp32")
    return Trial(
        number=top.optional_integer("trial", 1),
        seed=top.integer("seed", 0),
        training=training,
        raw_training=_assigned(top, "training"),
        probes=tuple(_probe(item, f"probes[{index}]") for index, item in enumerate(_list(top, "probes", []))),
        device=device,
        resume=top.flag("resume", False),
        cache=Path(top.text("cache")) if top.has("cache") else None,
        metric=_metric(top.section("metric")) if top.has("metric") else SweepMetric("eval/loss", False),
        task_metrics=TaskMetrics.parse(top.section("task_metrics")) if top.has("task_metrics") else None,
        share_prefix=top.flag("share_prefix", False),
        leave_prefix=top.flag("leave_prefix", True),
        parent=_parent(top.section("parent")) if top.has("parent") else None,
        pause_at=_pause_at(top.section("pause_at")) if top.has("pause_at") else None,
    )


def _parent(fields: Fields) -> Parent:
    return Parent(fields.integer("trial", 1), fields.integer("epoch", 1), fields.integer("step", 1))


def _pause_at(fields: Fields) -> PauseAt:
    return PauseAt(fields.choice("resource", RESOURCES), fields.number("at", 0, above=True))


def _training(fields: Fields) -> Training:
    data = fields.section("data")
    optimizer = fields.section("optimizer")
    schedule = fields.section("schedule")
    training = Training(
        model=fields.text("model"),
        data=Data(
            train=Path(data.text("train")),
            eval=Path(data.text("eval")),
            max_samples=data.optional_integer("max_samples", 1),
            group_by_length=data.flag("group_by_length", False),
        ),
        adapter=adapters.parse(fields.section("adapter")),
        quantization=quantization.parse(fields.section("quantization")),
        objective=objectives.parse(fields.section("objective")),
        post=posts.parse(fields.section("post")),
        optimizer=Optimizer(
            learning_rate=optimizer.number("learning_rate", 0, above=True),
            weight_decay=optimizer.number("weight_decay", 0, default=0.0),
            max_grad_norm=optimizer.number("max_grad_norm", 0, default=1.0),
        ),
        schedule=Schedule(
            type=schedule.choice("type", SCHEDULES),
            warmup_ratio=schedule.number("warmup_ratio", 0, 1, default=0.0),
            epochs=schedule.number("epochs", 0, above=True),
            max_steps=schedule.optional_integer("max_steps", 1),
        ),
        batch_size=fields.integer("batch_size", 1),
        micro_batch_size=fields.optional_integer("micro_batch_size", 1),
        max_length=fields.integer("max_length", 8),
        precision=fields.choice("precision", PRECISIONS),
        gradient_checkpointing=fields.flag("gradient_checkpointing", False),
        packing=fields.flag("packing", False),
        neftune_noise_alpha=fields.number("neftune_noise_alpha", 0, default=0.0),
        evals_per_epoch=fields.integer("evals_per_epoch", 1),
    )
    for section in (data, optimizer, schedule, fields):
        section.close()
    _check_combination(training)
    return training


def _check_combination(training: Training) -> None:
    micro = training.micro_batch_size
    if micro is not None and training.batch_size % micro != 0:
        raise DataError(
            f"training.micro_batch_size: expected a divisor of batch_size ({training.batch_size}), found {micro}"
        )
    treatable = training.post.adapters
    if treatable is not None and training.adapter.name not in treatable:
        raise DataError(
            f"training: post {training.post.name!r} cannot treat adapter {training.adapter.name!r}; "
            f"it can treat: {', '.join(sorted(treatable))}"
        )
    if training.quantization.name not in training.adapter.quantizations:
        raise DataError(
            f"training: adapter {training.adapter.name!r} cannot be trained on a base quantised as "
            f"{training.quantization.name!r}; it can on: {', '.join(sorted(training.adapter.quantizations))}"
        )


def _metric(fields: Fields) -> SweepMetric:
    goal = fields.choice("goal", ("minimize", "maximize"), "minimize")
    return SweepMetric(fields.text("name"), goal == "maximize")


def _probe(item: Any, path: str) -> Probe:
    fields = Fields(item, path)
    limit = fields.integer("max_new_tokens", 1, 48)
    return Probe(record_from({**item, "output": ""}, path), limit)


def _device(top: Fields) -> Device:
    devices = _list(top, "devices", None)
    if len(devices) != 1:
        raise DataError(f"devices: this trainer trains on exactly one device, found {len(devices)}")
    fields = Fields(devices[0], "devices[0]")
    return Device(
        kind=fields.choice("kind", ("cpu", "cuda")),
        index=fields.integer("index", 0, 0),
        threads=fields.integer("threads", 1, 1),
    )


def _list(fields: Fields, key: str, default: list[Any] | None) -> list[Any]:
    value = fields.raw(key) if default is None else fields.raw(key, default)
    if not isinstance(value, list):
        raise DataError(f"{fields.at(key)}: expected a list, found {shown(value)}")
    return value
