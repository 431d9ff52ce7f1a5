"""One attempt directory: what happens in it ends as one status and, unless it was preempted, as one last event.

Owns the translation of exceptions into `failed` events. It loads torch only once the trial is known to be valid, and
inside the part whose errors it reports: a broken installation is a failed attempt with a sentence, not a crash.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import memory, trial
from .events import EventLog
from .failures import classify
from .preemption import Preempted, Preemption

if TYPE_CHECKING:
    from .warm_state import WarmState

Status = Literal["finished", "failed", "preempted"]


def run(directory: Path, warm: WarmState | None, preemption: Preemption) -> Status:
    """Trains the attempt in `directory`, with what a warm host keeps in `warm`, or cold. Raises AttemptUsed, before
    anything is written, when it holds events already. After `failed` the process should not be used again."""
    events = EventLog(directory / "events.jsonl")
    try:
        parsed = trial.read(directory / "trial.json")
        from .training_run import TrainingRun
        from .warm_state import WarmState

        return TrainingRun(directory, parsed, events, warm or WarmState(), preemption).run()
    except Preempted:
        if events.ended:
            return "finished"  # it came while tidying up: there is nothing left to resume
        print("preempted: leaving with the last checkpoint", flush=True)
        return "preempted"
    except Exception as error:
        _fail(events, error)
        return "failed"
    finally:
        events.close()


def _fail(events: EventLog, error: Exception) -> None:
    host, device = memory.peak_host(), memory.peak_device()
    failure = classify(error, host, device)
    print(f"failed ({failure.kind}): {failure.message}", file=sys.stderr, flush=True)
    if failure.detail:
        print(failure.detail, file=sys.stderr, flush=True)
    if events.ended:
        return  # the result stands; only the process is no longer good for another trial
    events.append("memory", peak_device_bytes=device, peak_host_bytes=host)
    # `class` is a keyword of the language, hence the dictionary.
    events.append("failed", **{"class": failure.kind, "message": failure.message, "detail": failure.detail})
