"""One trial as a script sees it: its parameters, where its metrics go, what is asked of it. Owns the lines a script
writes; a process has one Run, and outside of a sweep it reports to nobody."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NoReturn

from .checkpoints import Checkpoints
from .config import Config, as_mapping, nested
from .events import EventLog
from .failure import SweepError
from .notices import notice
from .numbers import Number, flatten, text
from .requests import Request, Requests

# Exit status of a trainer that left with a checkpoint: 128 + SIGTERM.
_preempted = 143
_failures = ("oom", "diverged", "data", "dependency", "bug")


def _is_other_rank() -> bool:
    """Whether this is a process of a distributed run that leaves reporting to the first one."""
    for name in ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "LOCAL_RANK"):
        rank = os.environ.get(name, "")
        if rank.isdigit():
            return int(rank) > 0
    return False


class Run:
    """Made by `init`. `active` is false outside of a sweep and in all but the first process of a distributed run."""

    def __init__(self, environment: Mapping[str, str], defaults: Mapping[str, Any]):
        directory = environment.get("SWEEP_DIRECTORY")
        trial: dict[str, Any] = {}
        path = environment.get("SWEEP_CONFIG")
        if path:
            try:
                trial = json.loads(Path(path).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise SweepError(f"{path} cannot be read as the description of a trial: {error}") from None
        events = environment.get("SWEEP_EVENTS")
        self.active = bool(events) and not _is_other_rank()
        self.sweep: str | None = trial.get("sweep")
        self.trial: int | None = trial.get("trial")
        self.attempt: int = trial.get("attempt", 1)
        self.seed: int = trial.get("seed", 0)
        self.metric: str | None = (trial.get("metric") or {}).get("name")
        self.parameters: dict[str, Any] = nested(
            trial.get("parameters") or {}, trial.get("groups") or [], trial.get("structured") or []
        )
        self.config = Config(defaults, self.parameters)
        self.directory = Path(directory) if directory else Path.cwd()
        self.checkpoints = Checkpoints(self.directory / "checkpoints")
        self.step: float = 0
        self.epoch: float | None = None
        self.finished = False
        self.values: dict[str, Number] = {}
        self._next = 0
        self._names: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._guard = threading.Lock()
        self._events = EventLog(events) if self.active and events else None
        control = environment.get("SWEEP_CONTROL") if self.active else None
        self._requests = Requests(control, trial.get("pause_at"))
        if self._events is not None:
            versions = {"python": platform.python_version()}
            self._event("started", pid=os.getpid(), warm=False, versions=versions, device="")

    def _event(self, kind: str, **fields: Any) -> None:
        if self._events is not None:
            members = json.dumps({"type": kind, **fields}, ensure_ascii=False, allow_nan=False)
            self._events.append(members[1:-1])

    def log(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        step: float | None = None,
        epoch: float | None = None,
        **more: Any,
    ) -> None:
        """Reports numbers: nested ones by dotted names, numpy and torch scalars as they are. Without `step` it is one
        more than at the last call. The line is in the file when the call returns."""
        given = {**(values or {}), **more} if more else values or {}
        numbers, others = flatten(given)
        if others:
            notice(f"only numbers are recorded; left out: {', '.join(others)}")
        if step is None:
            step = self._next
        self.record(numbers, step, epoch)
        self._next = int(step) + 1

    def record(
        self, numbers: Mapping[str, Number], step: float, epoch: float | None = None, source: str = "sweep"
    ) -> None:
        """One line of metrics. What one library reports already is not taken from a second one."""
        owners = self._sources
        if len(owners) != 0 or source != "sweep":
            kept = {}
            for name, value in numbers.items():
                if owners.setdefault(name, source) == source:
                    kept[name] = value
            numbers = kept
        else:
            for name in numbers:
                owners[name] = source
        if not numbers:
            return
        self.step = step
        if epoch is not None:
            self.epoch = epoch
        self.values.update(numbers)
        if self._events is None:
            return
        if self.finished:
            notice("what is logged after the end of the trial is left out")
            return
        names = self._names
        parts = []
        for name, value in numbers.items():
            key = names.get(name)
            if key is None:
                key = names[name] = json.dumps(name, ensure_ascii=False)
            parts.append(f"{key}:{text(value)}")
        at = "" if epoch is None else f'"epoch":{text(float(epoch))},'
        self._events.append(f'"type":"metrics","step":{text(step)},{at}"values":{{{",".join(parts)}}}')

    def requested(self) -> Request | None:
        """What is asked of the script now, or None. Cheap: one look at a file's size."""
        return self._requests.look(self.step, self.epoch)

    @property
    def should_stop(self) -> bool:
        """Whether the script is to leave its loop, for whatever reason."""
        request = self.requested()
        return request is not None and request.kind != "checkpoint"

    def obey(self, step: int, save: Callable[[Path], None] | None = None) -> bool:
        """Does what is asked: True when the loop is to end and the result to be kept. A pause or preemption saves a
        checkpoint through `save`, which gets an empty folder, and ends the process; it does not return."""
        request = self.requested()
        if request is None:
            return False
        if request.kind == "stop":
            return True
        if save is not None:
            self.save_checkpoint(step, save)
        if request.kind == "checkpoint":
            return False
        self.leave(step, paused=request.kind == "pause")

    def save_checkpoint(self, step: int, save: Callable[[Path], None], keep: int = 2) -> Path:
        """Writes `checkpoints/step-N` whole: `save` gets an empty folder. The newest `keep` stay."""
        size = self.checkpoints.write(step, save)
        self._event("checkpoint", step=step, path=f"checkpoints/step-{step}", bytes=size)
        self.checkpoints.keep(keep)
        return self.checkpoints.path(step)

    def last_checkpoint(self) -> Path | None:
        """Where an earlier attempt of this trial left off: a folder as `save` filled it. None: start at the beginning."""
        return self.checkpoints.newest()

    def leave(self, step: int, *, paused: bool = False) -> NoReturn:
        """Ends the process as one that will be resumed."""
        if paused:
            self._event("paused", step=step)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_preempted) if threading.current_thread() is not threading.main_thread() else sys.exit(_preempted)

    def sample(self, prompt: str, answer: str, probe: int = 0) -> None:
        """An answer of the model, for the report."""
        self._event("sample", probe=probe, prompt=str(prompt), answer=str(answer))

    def finish(self, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """The trial is over, with these values beside those logged. Not needed: a script that ends with status 0 and has
        reported the sweep's metric is complete. Whatever runs after it is ended soon."""
        with self._guard:
            if self.finished:
                return
            numbers, _ = flatten({**(values or {}), **more})
            self.values.update(numbers)
            request = self._requests.look(self.step, self.epoch) if self._events is not None else None
            interrupted = request is not None and request.kind == "stop"
            final = {
                name: value if value == value and abs(value) != float("inf") else text(value).strip('"')
                for name, value in self.values.items()
            }
            self._event("finished", step=self.step, values=final, interrupted=interrupted)
            self.finished = True

    def fail(self, message: str, failure: str = "bug", detail: str | None = None) -> None:
        """The trial has failed. `failure`: oom, diverged, data, dependency or bug (which is tried once more)."""
        if failure not in _failures:
            raise SweepError(f"fail({failure!r}): expected one of {', '.join(_failures)}")
        with self._guard:
            if not self.finished:
                self._event("failed", **{"class": failure}, message=message, detail=detail)
                self.finished = True

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            self.finish()
        elif isinstance(error, Exception):
            out_of_memory = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
            missing = isinstance(error, ImportError)
            failure = "oom" if out_of_memory else "dependency" if missing else "bug"
            detail = "".join(traceback.format_exception(kind, error, trace))
            self.fail(f"{type(error).__name__}: {error}", failure, detail)


_current: Run | None = None
_making = threading.Lock()


def init(config: Any = None, **defaults: Any) -> Run:
    """The trial this process is. `config` are defaults: what the sweep sets wins. Called again it gives the same Run, with
    further defaults. Outside of a sweep the Run has the defaults and reports to nobody."""
    global _current
    given = {**as_mapping(config), **defaults}
    with _making:
        if _current is None:
            _current = Run(os.environ, given)
            if not os.environ.get("SWEEP_EVENTS"):
                notice("not started by a sweep: the defaults are used, and metrics go nowhere")
        else:
            _current.config.setdefaults(given)
        return _current


def current() -> Run | None:
    """The Run that `init` made, or None before."""
    return _current


def log(values: Mapping[str, Any] | None = None, **options: Any) -> None:
    """`init().log(…)`: for scripts that need nothing else."""
    init().log(values, **options)
