"""Scripts run as the agent starts them: a process with the variables of an attempt and the SDK on its path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

source = Path(__file__).resolve().parent.parent / "src"
sys.path.insert(0, str(source))


class Attempt:
    def __init__(self, directory: Path):
        self.directory = directory
        self.trial(parameters={"lr": 0.1})
        for name in ("events.jsonl", "control.jsonl"):
            (directory / name).touch()

    def trial(self, **fields) -> None:
        content = {
            "contract": 1,
            "sweep": "s",
            "trial": 3,
            "attempt": 1,
            "seed": 7,
            "metric": {"name": "loss"},
            **fields,
        }
        (self.directory / "trial.json").write_text(json.dumps(content))

    @property
    def environment(self) -> dict[str, str]:
        at = self.directory
        return {
            "SWEEP_DIRECTORY": str(at),
            "SWEEP_CONFIG": str(at / "trial.json"),
            "SWEEP_EVENTS": str(at / "events.jsonl"),
            "SWEEP_CONTROL": str(at / "control.jsonl"),
        }

    def start(self, script: str, **environment: str) -> subprocess.Popen:
        path = f"{source}/sweep_sdk/standins{os.pathsep}{source}"
        env = {**os.environ, "PYTHONPATH": path, **self.environment, **environment}
        file = self.directory / "script.py"
        file.write_text(textwrap.dedent(script))
        return subprocess.Popen(
            [sys.executable, str(file)],
            cwd=self.directory,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess:
        process = self.start(script, **environment)
        out, err = process.communicate()
        return subprocess.CompletedProcess([], process.returncode, out, err)

    def ok(self, script: str, **environment: str) -> subprocess.CompletedProcess:
        done = self.run(script, **environment)
        assert done.returncode == 0, done.stderr
        return done

    def ask(self, **message) -> None:
        with (self.directory / "control.jsonl").open("a") as file:
            file.write(json.dumps(message) + "\n")

    def events(self, kind: str | None = None) -> list[dict]:
        read = [json.loads(line) for line in (self.directory / "events.jsonl").read_text().splitlines()]
        assert [event["seq"] for event in read] == list(range(1, len(read) + 1))
        return [event for event in read if kind is None or event["type"] == kind]

    def points(self) -> list[tuple[float, dict]]:
        return [(event["step"], event["values"]) for event in self.events("metrics")]


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path)
