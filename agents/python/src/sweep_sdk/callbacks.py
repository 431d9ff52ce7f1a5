"""Callbacks for training libraries, made when they are asked for: transformers and TRL (`SweepCallback`), Lightning
(`LightningCallback`), Keras (`KerasCallback`). Each reports what its library logs under the names that sweep uses
(`eval/loss`, `train/loss`), obeys stops, and leaves with a checkpoint when asked to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from .run import Run, init


def _renamed(logs: dict[str, Any]) -> dict[str, Any]:
    """transformers' names as sweep has them: eval_loss is eval/loss, loss is train/loss."""
    named = {}
    for name, value in logs.items():
        if name == "epoch":
            continue
        for prefix in ("eval", "test"):
            if name.startswith(f"{prefix}_"):
                named[f"{prefix}/{name[len(prefix) + 1 :]}"] = value
                break
        else:
            named[name if "/" in name else f"train/{name}"] = value
    return named


def _transformers() -> type:
    from transformers import TrainerCallback

    class SweepCallback(TrainerCallback):
        """`Trainer(…, callbacks=[SweepCallback()])`. A stop ends the training at the next step, with a last evaluation
        where the arguments ask for evaluations; a pause or preemption saves a checkpoint and leaves. Resume with
        `trainer.train(resume_from_checkpoint=callback.last_checkpoint())`."""

        def __init__(self, run: Run | None = None):
            self.run = run or init()
            self._leaving: str | None = None

        def last_checkpoint(self) -> str | None:
            found = self.run.last_checkpoint()
            return None if found is None else str(found)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero and logs:
                numbers = {k: v for k, v in _renamed(logs).items() if isinstance(v, (int, float))}
                self.run.log(numbers, step=state.global_step, epoch=state.epoch)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            self._ask(state, control)
            return control

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            # `pause_at` is reached at an evaluation.
            self._ask(state, control)
            return control

        def _ask(self, state: Any, control: Any) -> None:
            self.run.step, self.run.epoch = state.global_step, state.epoch
            request = self.run.requested()
            if request is None:
                return
            if request.kind == "checkpoint":
                control.should_save = True
                return
            control.should_training_stop = True
            if request.kind == "stop":
                control.should_evaluate = control.should_evaluate or self.run.metric not in self.run.values
                return
            self._leaving = request.kind
            control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not state.is_world_process_zero or not self.run.active:
                return
            step = state.global_step
            saved = Path(args.output_dir) / f"checkpoint-{step}"
            if saved.is_dir():
                self.run.save_checkpoint(
                    step, lambda folder: shutil.copytree(saved, folder, dirs_exist_ok=True) and None
                )
            if self._leaving is not None:
                self.run.leave(step, paused=self._leaving == "pause")

    return SweepCallback


def _lightning() -> type:
    try:
        from lightning.pytorch.callbacks import Callback
    except ImportError:
        from pytorch_lightning.callbacks import Callback

    class LightningCallback(Callback):
        """`Trainer(callbacks=[LightningCallback()])`: what `self.log` collects is reported after each validation and each
        training epoch; a stop sets `trainer.should_stop`; a pause or preemption saves a checkpoint and leaves. Resume with
        `trainer.fit(…, ckpt_path=callback.last_checkpoint())`."""

        def __init__(self, run: Run | None = None):
            self.run = run or init()

        def last_checkpoint(self) -> str | None:
            found = self.run.last_checkpoint()
            return None if found is None else str(found / "trainer.ckpt")

        def _report(self, trainer: Any) -> None:
            if trainer.is_global_zero and not trainer.sanity_checking:
                metrics = {str(k): v for k, v in trainer.callback_metrics.items()}
                self.run.log(metrics, step=trainer.global_step, epoch=trainer.current_epoch + 1)

        def on_validation_end(self, trainer: Any, *_: Any) -> None:
            self._report(trainer)

        def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
            if not trainer.enable_validation:
                self._report(trainer)

        def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
            request = self.run.requested()
            if request is None:
                return
            if request.kind == "stop":
                trainer.should_stop = True
                return
            step = trainer.global_step
            self.run.save_checkpoint(step, lambda folder: trainer.save_checkpoint(folder / "trainer.ckpt"))
            if request.kind != "checkpoint":
                self.run.leave(step, paused=request.kind == "pause")

    return LightningCallback


def _keras() -> type:
    try:
        from keras.callbacks import Callback
    except ImportError:
        from tensorflow.keras.callbacks import Callback

    class KerasCallback(Callback):
        """`model.fit(…, callbacks=[KerasCallback()])`: reports at the end of every epoch, obeys stops."""

        def __init__(self, *_: Any, **__: Any):
            super().__init__()
            self.run = init()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.run.log(logs or {}, step=epoch, epoch=epoch + 1)
            if self.run.should_stop:
                self.model.stop_training = True

    return KerasCallback


_makers = {"SweepCallback": _transformers, "LightningCallback": _lightning, "KerasCallback": _keras}


def __getattr__(name: str) -> Any:
    maker = _makers.get(name)
    if maker is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = maker()
    return made
