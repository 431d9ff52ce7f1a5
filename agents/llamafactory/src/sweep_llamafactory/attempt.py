"""One attempt: LLaMA-Factory run on it from trial.json to its `finished` event.

Owns the order of things and what comes after the training: the export of the best checkpoint, the probes, the end.
"""

from __future__ import annotations

import gc
import os
import shutil
import time
from pathlib import Path
from typing import Any, Literal

from sweep_trainer.contract.events import EventLog
from sweep_trainer.contract.failures import DataError, classify
from sweep_trainer.contract.preemption import Preempted, Preemption
from sweep_trainer.model import memory
from sweep_trainer.training.checkpoints import Checkpoints

from . import trial as trials

Status = Literal["finished", "failed", "preempted"]


def run(directory: Path, preemption: Preemption, warm: bool, rank: int = 0) -> Status:
    """Trains the attempt in `directory`. Raises AttemptUsed when it holds events already. Processes of a distributed
    run other than the first write nothing."""
    events = EventLog(directory / "events.jsonl") if rank == 0 else None
    try:
        _train(directory, trials.read(directory / "trial.json"), events, preemption, warm)
        return "finished"
    except Preempted:
        if events is not None and events.ended:
            return "finished"
        print("preempted: leaving with the last checkpoint", flush=True)
        return "preempted"
    except Exception as error:
        _fail(events, error)
        return "failed"
    finally:
        if events is not None:
            events.close()


def _train(directory: Path, trial: trials.Trial, events: EventLog | None, preemption: Preemption, warm: bool) -> None:
    began = time.perf_counter()
    from .libraries import prepare_run, torch

    prepare_run(trial)
    from llamafactory.train.tuner import run_exp

    from . import answers
    from .callback import SweepCallback
    from .token_loss import summed

    device = torch.device("cuda" if trial.gpus else "cpu")
    memory.reset(device)
    fingerprint = trial.fingerprint()
    checkpoints = Checkpoints(directory / "checkpoints", fingerprint, fingerprint)
    checkpoint = checkpoints.newest_intact() if trial.resume else None
    if events is not None:
        checkpoints.discard_after(0 if checkpoint is None else checkpoint[0])
    shutil.rmtree(directory / "llamafactory" / "output", ignore_errors=True)
    arguments = trials.complete(trial, directory, None if checkpoint is None else checkpoint[1])
    callback = SweepCallback(directory, trial, events, preemption, checkpoints, checkpoint, warm)
    try:
        with summed(trial.stage, callback.eval_sums):
            run_exp(dict(arguments), [callback])
        if events is None:
            return
        progress = callback.progress
        output = Path(arguments["output_dir"])
        best = checkpoints.path(progress.best_step)
        source = best if progress.best_step > 0 and best.exists() else output
        answers.export(source, directory / "adapter", callback.initial)
        if trial.probes and trial.stage != "rm":
            answers.load(callback.model, source)
            said = answers.answer(callback.model, callback.tokenizer, arguments, trial)
            for index, (probe, text) in enumerate(zip(trial.probes, said, strict=True)):
                events.append("sample", probe=index, prompt=probe.instruction, answer=text)
        events.append("memory", peak_device_bytes=memory.peak_device(), peak_host_bytes=memory.peak_host())
        best_values = (
            {}
            if progress.best_step == 0
            else {"eval/best_loss": progress.best_loss, "eval/best_step": float(progress.best_step)}
        )
        events.append(
            "finished",
            step=progress.step,
            values={**progress.last_values, **{k: v for k, v in best_values.items() if v is not None}},
            adapter="adapter",
            interrupted=callback.stopped,
            timings={
                "train_seconds": progress.train_seconds,
                "eval_seconds": 0.0,
                "total_seconds": time.perf_counter() - began,
            },
        )
        shutil.rmtree(output, ignore_errors=True)
    finally:
        callback.close()
        del callback
        gc.collect()
        if trial.gpus:
            torch.cuda.empty_cache()


def _fail(events: EventLog | None, error: Exception) -> None:
    host, device = memory.peak_host(), memory.peak_device()
    failure = classify(_as_data(error), host, device)
    print(f"failed ({failure.kind}): {failure.message}", flush=True)
    if failure.detail:
        print(failure.detail, flush=True)
    if events is None or events.ended:
        return
    events.append("memory", peak_device_bytes=device, peak_host_bytes=host)
    events.append("failed", **{"class": failure.kind, "message": failure.message, "detail": failure.detail})


def _as_data(error: Exception) -> Exception:
    """LLaMA-Factory says ValueError when the configuration is at fault; so does anything else, from deeper down."""
    frame: Any = error.__traceback__
    names = []
    while frame is not None:
        names.append(frame.tb_frame.f_globals.get("__name__", ""))
        frame = frame.tb_next
    at_fault = names and names[-1].startswith(
        ("llamafactory.hparams", "llamafactory.data", "transformers.hf_argparser")
    )
    if isinstance(error, ValueError) and at_fault and not isinstance(error, DataError):
        return DataError(f"LLaMA-Factory: {str(error).strip() or type(error).__name__}")
    return error


def worker_rank() -> int:
    return int(os.environ.get("RANK", "0"))
