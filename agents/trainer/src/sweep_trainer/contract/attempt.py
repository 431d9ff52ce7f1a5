"""One attempt directory: what happens in it ends as one status and, unless it was preempted, as one last event.

Owns the translation of exceptions into `failed` events. It loads torch only once the trial is known to be valid, and
inside the part whose errors it reports: a broken installation is a failed attempt with a sentence, not a crash.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..model import memory, memory_ladder
from . import trial
from .events import EventLog
from .failures import classify, is_out_of_memory, memory_kind
from .preemption import Preempted, Preemption

if TYPE_CHECKING:
    from ..model.memory_ladder import Rung
    from ..model.warm_state import WarmState

Status = Literal["finished", "failed", "preempted"]


def run(directory: Path, warm: WarmState | None, preemption: Preemption) -> Status:
    """Trains the attempt in `directory`, with what a warm host keeps in `warm`, or cold. Raises AttemptUsed, before
    anything is written, when it holds events already. After `failed` the process should not be used again."""
    events = EventLog(directory / "events.jsonl")
    try:
        parsed = trial.read(directory / "trial.json")
        from ..model.warm_state import WarmState

        return _train(directory, parsed, events, warm or WarmState(), preemption)
    except Preempted:
        if events.ended:
            return "finished"  # it came while tidying up: there is nothing left to resume
        print("preempted: leaving with the last checkpoint", flush=True)
        return "preempted"
    except _NothingFits as nothing:
        _fail(events, nothing.error, nothing.rung)
        return "failed"
    except Exception as error:
        _fail(events, error)
        return "failed"
    finally:
        events.close()


class _NothingFits(Exception):
    """Thrown when the last rung of the ladder is out of memory, too."""

    def __init__(self, error: Exception, rung: Rung) -> None:
        super().__init__(str(error))
        self.error = error
        self.rung = rung


def _train(directory: Path, parsed: trial.Trial, events: EventLog, warm: WarmState, preemption: Preemption) -> Status:
    """Trains, and when a step is out of memory again from the last checkpoint in smaller pieces, with the same result
    but for the order of floating-point sums and the random numbers of dropout."""
    from ..training.training_run import TrainingRun

    said: set[tuple[int, str]] | None = None
    rung: Rung | None = None
    while True:
        run = TrainingRun(directory, parsed, events, warm, preemption, said)
        try:
            return run.run()
        except Exception as error:
            # Where there is nothing to train yet, the size of the steps is not what is too much.
            reached = run.rung or rung
            if reached is None or events.ended or not is_out_of_memory(error):
                raise
            rung = None if run.rung is None else memory_ladder.below(run.rung, parsed.training.batch_size)
            if rung is None:
                raise _NothingFits(error, reached) from error
            _say_smaller(events, error, reached, rung)
            said = run.abandon()
        # Outside of the handler: the error's traceback holds the tensors of the step.
        del run
        memory.free()
        parsed = dataclasses.replace(parsed, training=rung.applied(parsed.training), resume=True)


def _say_smaller(events: EventLog, error: Exception, before: Rung, after: Rung) -> None:
    print(f"out of memory with {before}: continuing with {after}", file=sys.stderr, flush=True)
    events.append(
        "memory",
        peak_device_bytes=memory.peak_device(),
        peak_host_bytes=memory.peak_host(),
        kind=memory_kind(error),
        out_of_memory=dataclasses.asdict(before),
        next=dataclasses.asdict(after),
    )


def _fail(events: EventLog, error: Exception, tried: Rung | None = None) -> None:
    host, device = memory.peak_host(), memory.peak_device()
    failure = classify(error, host, device, None if tried is None else str(tried))
    print(f"failed ({failure.kind}): {failure.message}", file=sys.stderr, flush=True)
    if failure.detail:
        print(failure.detail, file=sys.stderr, flush=True)
    if events.ended:
        return  # the result stands; only the process is no longer good for another trial
    events.append("memory", peak_device_bytes=device, peak_host_bytes=host)
    # `class` is a keyword of the language, hence the dictionary.
    said: dict[str, Any] = {"class": failure.kind, "message": failure.message, "detail": failure.detail}
    if failure.kind == "oom":
        said["memory"] = {
            "kind": memory_kind(error),
            "peak_device_bytes": device,
            "peak_host_bytes": host,
            "tried": None if tried is None else dataclasses.asdict(tried),
        }
    events.append("failed", **said)
