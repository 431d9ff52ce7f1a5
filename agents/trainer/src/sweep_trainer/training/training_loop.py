"""transformers' Trainer, reduced to what a trial needs of it: steps, accumulation, mixed precision, schedule, resume.

Owns the seam to the Trainer, including the few private methods it replaces (the requirements pin its version). What
is logged, evaluated and stored, and when, is decided by the `Recorder` it calls after every optimiser step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainingArguments

from ..contract.trial import Training
from ..data.batches import TOKENS, Batch, collate
from ..data.data_order import DataOrder
from ..data.encoding import Example
from ..data.packing import packed
from .likelihood import summed_loss
from .plan import Plan

_SCHEDULERS = {
    "constant": "constant_with_warmup",
    "cosine": "cosine",
    "linear": "linear",
    "warmup_stable_decay": "warmup_stable_decay",
}
_GPU_WIDTH = 8  # tensor cores want sequence lengths that are multiples of it

_ADAPTER = "adapter"
_STATE = "trainer_state.json"


class Recorder(Protocol):
    """Who is told how the training goes."""

    def on_batch(self, loss: Tensor, tokens: Tensor) -> None:
        """A micro-batch's share of the step's mean loss, and its tokens without padding; both still on the device."""

    def on_begin(self) -> None:
        """Weights, optimiser and schedule are in place, restored ones included; no step has been done yet."""

    def on_step(self, step: int, epoch: float, gradient_norm: Tensor | float, learning_rate: float) -> bool:
        """Optimiser step `step` is done. The norm is the one before clipping. True ends the training here."""


class TrainingLoop(Trainer):
    """Trains `model` for one trial. The examples' order, and so every loss, is a function of `seed`."""

    def __init__(
        self,
        model: nn.Module,
        training: Training,
        plan: Plan,
        examples: list[Example],
        pad: int,
        device: torch.device,
        seed: int,
        scratch: Path,
        recorder: Recorder,
    ) -> None:
        self._training = training
        self._plan = plan
        self._seed = seed
        self._recorder = recorder
        self._recorded_step = 0
        width = 1 if device.type == "cpu" else _GPU_WIDTH
        together = packed if training.packing else collate
        super().__init__(
            model=model,
            args=_arguments(training, plan, device, seed, scratch),
            train_dataset=examples,
            data_collator=lambda batch: together(batch, pad, width),
            callbacks=[_Hooks(model, training.adapter.after_step, recorder)],
            optimizers=(_optimizer(model, training), None),
        )
        self.model_accepts_loss_kwargs = True  # makes the Trainer count each step's trained tokens

    def save(self, folder: Path) -> None:
        """Writes weights, optimiser, schedule, loss scaling, random numbers and position into `folder`."""
        adapter = folder / _ADAPTER
        adapter.mkdir()
        self._training.adapter.save(self.model, adapter)
        self._training.adapter.save_state(self.model, adapter)
        self._save_optimizer_and_scheduler(str(folder))
        self._save_scaler(str(folder))
        self._save_rng_state(str(folder))
        self.state.save_to_json(str(folder / _STATE))

    def load_weights(self, folder: Path) -> None:
        """Puts the adapter of the checkpoint in `folder` into the model."""
        self._training.adapter.load(self.model, folder / _ADAPTER)

    def run(self, checkpoint: tuple[int, Path] | None) -> None:
        """Trains from the beginning, or from the step and folder of `checkpoint`, to the end or until told to stop."""
        self._recorded_step = 0 if checkpoint is None else checkpoint[0]
        self.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint[1]))

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """The micro-batch's share of the mean over all tokens of the step: shares add up to the step's mean loss."""
        adapter = self._training.adapter
        with adapter.forward_context(model, inputs):
            loss = summed_loss(model, inputs) / num_items_in_batch
        self._recorder.on_batch(loss.detach(), inputs[TOKENS].sum())
        penalty = adapter.penalty(model)
        return loss if penalty is None else loss + penalty / self.current_gradient_accumulation_steps

    def _maybe_log_save_evaluate(
        self,
        tr_loss: Tensor,
        grad_norm: Tensor | float | None,
        model: nn.Module,
        trial: Any,
        epoch: float,
        ignore_keys_for_eval: list[str] | None,
        start_time: float,
        learning_rate: float | None = None,
    ) -> None:
        # The Trainer comes here after each step and once more at the end of each epoch.
        step = self.state.global_step
        if step == self._recorded_step:
            return
        self._recorded_step = step
        norm = math.nan if grad_norm is None else grad_norm
        if self._recorder.on_step(step, self.state.epoch, norm, learning_rate or 0.0):
            self.control.should_training_stop = True

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        self.load_weights(Path(resume_from_checkpoint))
        self._training.adapter.load_state(self.model, Path(resume_from_checkpoint) / _ADAPTER)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        # A checkpoint brings its learning rates and weight decays along, and may be of a run that had others.
        own = [(group["initial_lr"], group["weight_decay"]) for group in self.optimizer.param_groups]
        super()._load_optimizer_and_scheduler(checkpoint)
        schedule = self.lr_scheduler
        schedule.base_lrs = [rate for rate, _ in own]
        for group, factor, (rate, decay) in zip(self.optimizer.param_groups, schedule.lr_lambdas, own, strict=True):
            group["initial_lr"], group["weight_decay"] = rate, decay
            group["lr"] = rate * factor(schedule.last_epoch)
        schedule._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _get_train_sampler(self, train_dataset: Any = None) -> DataOrder:
        examples = self.train_dataset
        lengths = [len(example.tokens) for example in examples] if self._training.data.group_by_length else None
        return DataOrder(len(examples), self._seed, lengths, self._training.batch_size)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        return 0  # nobody reads it, and counting walks the whole model at every step

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        pass  # the recorder has said it all


class _Hooks(TrainerCallback):
    """The two moments of a step that the Trainer only shows to callbacks."""

    def __init__(self, model: nn.Module, after_step: Callable[[nn.Module, int], None], recorder: Recorder) -> None:
        self._model = model
        self._after_step = after_step
        self._recorder = recorder

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._recorder.on_begin()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._after_step(self._model, state.global_step + 1)


def _optimizer(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    options = training.optimizer
    groups = training.adapter.parameter_groups(model, options.learning_rate, options.weight_decay)
    return torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=options.weight_decay, fused=True)


def _arguments(training: Training, plan: Plan, device: torch.device, seed: int, scratch: Path) -> TrainingArguments:
    schedule = training.schedule.type
    options = {"num_decay_steps": plan.decay_steps} if schedule == "warmup_stable_decay" else {}
    return TrainingArguments(
        output_dir=str(scratch),
        per_device_train_batch_size=plan.micro_batch_size,
        gradient_accumulation_steps=plan.accumulation,
        max_steps=plan.total_steps,
        learning_rate=training.optimizer.learning_rate,
        max_grad_norm=training.optimizer.max_grad_norm,
        lr_scheduler_type=_SCHEDULERS[schedule],
        lr_scheduler_kwargs=options,
        warmup_steps=plan.warmup_steps,
        gradient_checkpointing=training.gradient_checkpointing,
        neftune_noise_alpha=training.neftune_noise_alpha or None,
        bf16=training.precision == "bf16",
        fp16=training.precision == "fp16",
        use_cpu=device.type == "cpu",
        seed=seed,
        data_seed=seed,
        dataloader_pin_memory=device.type != "cpu",
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )
