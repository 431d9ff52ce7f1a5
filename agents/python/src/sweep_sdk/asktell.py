"""Ask and tell for programs that run their own trials (`trainer: external`), over one connection: a `sweep ask-tell`
process that stays, one line of JSON each way. Owns the process and the lines; what a trial is, the sweep decides."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .config import Config
from .failure import SweepError
from .numbers import flatten, text

# Seconds between two questions while another program's trial has to end first.
_wait = 0.5


def _command() -> list[str]:
    """The program: SWEEP_COMMAND, `sweep` on the PATH, or the one this package lies beside."""
    given = os.environ.get("SWEEP_COMMAND")
    if given:
        return given.split()
    found = shutil.which("sweep")
    if found:
        return [found]
    beside = Path(__file__).resolve().parents[4] / "sweep"
    if beside.is_file():
        return [str(beside)]
    raise SweepError("the program `sweep` is not on the PATH; name it in SWEEP_COMMAND")


class Trial:
    """One trial to run. It ends with `finish` or `fail`; `report` says in between how it goes."""

    def __init__(self, study: AskTell, answer: Mapping[str, Any]):
        self._study = study
        self.sweep: str = answer["sweep"]
        self.number: int = answer["trial"]
        self.parameters: dict[str, Any] = dict(answer["parameters"])
        self.config = Config(fixed=self.parameters)
        self.seed: int = answer["seed"]
        self.attempt: int = answer["attempt"]
        self.state = "running"
        self.objective: float | None = None

    def report(self, values: Mapping[str, Any] | None = None, *, step: float, **more: Any) -> str | None:
        """Values on the way. Returns why the trial is to end now, or None; a trial that is to end has ended already."""
        numbers, others = flatten({**(values or {}), **more})
        if not numbers:
            raise SweepError(f"report: expected numbers, found {', '.join(others) or 'nothing'}")
        return self._tell(reports=[{"step": step, "values": {k: _plain(v) for k, v in numbers.items()}}])

    def finish(self, value: float | None = None, **values: Any) -> None:
        """It has finished: with this value of the sweep's metric, or with what was reported."""
        numbers, _ = flatten(values)
        self._tell(
            value=None if value is None else _plain(float(value)), finished={k: _plain(v) for k, v in numbers.items()}
        )

    def fail(self, message: str = "its program said that it failed", failure: str = "bug") -> None:
        """It has failed: oom, diverged, data, dependency or bug."""
        self._tell(failed={"class": failure, "message": message})

    def _tell(self, **what: Any) -> str | None:
        answer = self._study._call({"type": "tell", "trial": self.number, **what})
        self.state = answer["state"]
        self.objective = answer["objective"]
        return answer["stop"]


def _plain(value: Any) -> Any:
    return json.loads(text(value))


class AskTell:
    """Trials of one sweep. Iterating gives them until there are no more; `ended` says why then."""

    def __init__(self, sweep: str, *, coordinator: str | None = None, command: Sequence[str] | None = None):
        self.sweep = sweep
        self.ended: str | None = None
        self._lock = threading.Lock()
        options = [] if coordinator is None else ["--coordinator", coordinator]
        argv = [*(command or _command()), "ask-tell", sweep, *options]
        try:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        except OSError as error:
            raise SweepError(f"cannot start {argv[0]}: {error.strerror}") from None
        self.sweep = self._read()["sweep"]

    def ask(self) -> Trial | None:
        """The next trial, or None: then `ended` says why, or is None while another program's trial has to end first."""
        answer = self._call({"type": "ask"})
        if answer["trial"] is None:
            self.ended = answer["ended"]
            return None
        return Trial(self, answer)

    def __iter__(self) -> Iterator[Trial]:
        while True:
            trial = self.ask()
            if trial is not None:
                yield trial
            elif self.ended is not None:
                return
            else:
                time.sleep(_wait)

    def close(self) -> None:
        """Ends the connection. Trials that are open stay with this program and are given out again by `sweep resume`."""
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> AskTell:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _call(self, message: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(message, allow_nan=False) + "\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                pass
            return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if line == "":
            raise SweepError(f"`sweep ask-tell` has ended with status {self._process.wait()}; it says why above")
        answer = json.loads(line)
        if answer.get("error") is not None:
            raise SweepError(answer["error"])
        return answer


def ask_tell(sweep: str, **options: Any) -> AskTell:
    """`with sweep.ask_tell("mine") as trials: for trial in trials: …`"""
    return AskTell(sweep, **options)
