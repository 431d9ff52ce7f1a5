"""The commands as an agent uses them: real processes, real signals."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
from conftest import LONG, Train, Uninterrupted, World
from variants import VARIANTS

from sweep_trainer import adapters

WEIGHTS = Path("adapter") / "adapter_model.safetensors"
ENDLESS = {"schedule__max_steps": 100_000}


class Host:
    """A host process and the agent's side of its pipes."""

    def __init__(self, extra_path: Path | None = None) -> None:
        environment = tiny.environment()
        if extra_path is not None:
            environment["PYTHONPATH"] = f"{extra_path}:{environment['PYTHONPATH']}"
        self.process = subprocess.Popen(
            tiny.command("host"),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.reply() == {"type": "ready", "pid": self.process.pid}

    def reply(self) -> dict[str, Any]:
        return json.loads(self.process.stdout.readline())

    def ask(self, directory: Path) -> None:
        self.process.stdin.write(json.dumps({"type": "run", "directory": str(directory)}) + "\n")
        self.process.stdin.flush()

    def run(self, directory: Path) -> str:
        self.ask(directory)
        reply = self.reply()
        assert (reply["type"], reply["directory"]) == ("done", str(directory))
        return reply["status"]

    def ended(self) -> int:
        return self.process.wait(timeout=60)


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.process.kill()
    made.process.communicate()


def wait_for_step(directory: Path, step: int, process: subprocess.Popen[str]) -> None:
    while max(tiny.curve(directory, "train/loss"), default=0) < step:
        assert process.poll() is None, process.stderr.read() if process.stderr else process.returncode
        time.sleep(0.02)


def test_warm_and_cold_give_the_same_results(world: World, host: Host, tmp_path: Path) -> None:
    """Also after other trials, one stopped by the agent, have been through the host. Its input closes in the last one,
    which ends well all the same."""

    def attempt(name: str, **changes: Any) -> Path:
        return tiny.write_attempt(tmp_path / name, world.trial(**changes))

    cold = attempt("cold")
    ran = tiny.run_cold(cold)
    assert ran.returncode == 0, ran.stderr
    assert "step 21/21" in ran.stdout

    warm = [attempt("warm-1"), attempt("other", adapter__rank=16, top__seed=5), attempt("warm-2")]
    assert [host.run(directory) for directory in warm] == ["finished"] * 3

    stopped = attempt("stopped", **ENDLESS)
    host.ask(stopped)
    wait_for_step(stopped, 3, host.process)
    with (stopped / "control.jsonl").open("a") as control:
        control.write('{"type": "stop", "reason": "overfitting"}\n')
    assert host.reply()["status"] == "finished"
    finished = tiny.events(stopped)[-1]
    assert finished["interrupted"]
    assert 3 <= finished["step"] < 100_000

    last = attempt("warm-3")
    host.ask(last)
    host.process.stdin.close()
    assert host.reply()["status"] == "finished"
    assert host.ended() == 0
    host.process.stdin = None
    assert [tiny.events(directory)[0]["warm"] for directory in (warm[0], warm[2], last)] == [False, True, True]
    for directory in (warm[0], warm[2], last):
        for name in ("train/loss", "eval/loss", "eval/token_accuracy", "train/grad_norm"):
            assert tiny.curve(directory, name) == tiny.curve(cold, name)
        assert (directory / WEIGHTS).read_bytes() == (cold / WEIGHTS).read_bytes()
        assert tiny.of_type(directory, "sample")[0]["answer"] == tiny.of_type(cold, "sample")[0]["answer"]
    assert tiny.curve(warm[1], "train/loss") != tiny.curve(cold, "train/loss")
    assert "step 21/21" in (last / "stdout.log").read_text()
    assert (last / "stderr.log").read_text() == ""


def test_every_variant_gives_the_same_warm(
    world: World, host: Host, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    """One host trains them all, one after the other, and LoRA again in the end."""
    altering = {name for name, adapter in adapters.registry.items() if adapter.alters_base}
    held = None
    for number, name in enumerate([*VARIANTS, "lora"]):
        variant = VARIANTS[name]
        changes = variant.changes()
        directory = tiny.write_attempt(tmp_path / str(number), world.trial(**changes))
        assert host.run(directory) == "finished"
        assert tiny.events(directory)[0]["warm"] == (held == variant.quantization), name
        held = None if variant.adapter in altering else variant.quantization
        cold = uninterrupted(**changes)
        for metric in ("train/loss", "eval/loss", "train/grad_norm"):
            assert tiny.curve(directory, metric) == tiny.curve(cold, metric), name
        for file in (cold / "adapter").glob("*.safetensors"):
            assert (directory / "adapter" / file.name).read_bytes() == file.read_bytes(), name


def test_sigterm_saves_leaves_and_is_resumed_exactly(
    world: World, train: Train, long_run: Path, tmp_path: Path
) -> None:
    directory = tiny.write_attempt(tmp_path / "first", world.trial(**LONG))
    process = subprocess.Popen(
        tiny.command("run", directory),
        env=tiny.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_step(directory, 20, process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143, process.stderr.read()
    process.stderr.close()
    events = tiny.events(directory)
    assert events[-1]["type"] == "checkpoint"
    step = events[-1]["step"]
    assert 20 <= step < 105

    second = train(prepare=lambda new: shutil.copytree(directory / "checkpoints", new / "checkpoints") and None, **LONG)
    assert tiny.events(second)[0]["resumed_from_step"] == step
    for name in ("train/loss", "eval/loss"):
        assert {**tiny.curve(directory, name), **tiny.curve(second, name)} == tiny.curve(long_run, name)
    assert (second / WEIGHTS).read_bytes() == (long_run / WEIGHTS).read_bytes()


def test_sigterm_to_a_host_in_a_run(world: World, host: Host, tmp_path: Path) -> None:
    directory = tiny.write_attempt(tmp_path / "run", world.trial(**ENDLESS))
    host.ask(directory)
    wait_for_step(directory, 2, host.process)
    host.process.send_signal(signal.SIGTERM)
    assert host.reply() == {"type": "done", "directory": str(directory), "status": "preempted"}
    assert host.ended() == 143
    assert tiny.events(directory)[-1]["type"] == "checkpoint"


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Host]:
    """A host whose PEFT cannot be imported; it is ready at once."""
    (tmp_path / "peft.py").write_text("raise ImportError('undefined symbol: foo', name='peft')", encoding="utf-8")
    made = Host(extra_path=tmp_path)
    yield made
    made.process.kill()
    made.process.communicate()


def test_a_broken_package_is_a_dependency_failure(world: World, broken: Host, tmp_path: Path) -> None:
    directory = tiny.write_attempt(tmp_path / "run", world.trial())
    assert broken.run(directory) == "failed"
    event = tiny.events(directory)[-1]
    assert event["class"] == "dependency"
    assert event["message"] == "the Python package 'peft' is missing or broken: undefined symbol: foo"
    assert "undefined symbol: foo" in (directory / "stderr.log").read_text()
    assert broken.ended() == 1


def test_an_idle_host_leaves_at_once(broken: Host) -> None:
    broken.process.send_signal(signal.SIGINT)  # the agent's business, not the host's
    broken.process.send_signal(signal.SIGTERM)
    assert broken.ended() == 143


@pytest.mark.parametrize("request_", ['{"type": "run"}', "run", '{"type": "run", "directory": "/nowhere"}', "[]"])
def test_what_is_no_request_ends_the_host(broken: Host, request_: str) -> None:
    broken.process.stdin.write(request_ + "\n")
    broken.process.stdin.flush()
    assert broken.ended() == 2
    assert 'expected {"type": "run"' in broken.process.stderr.read()


def test_a_used_directory_is_refused(world: World, tmp_path: Path) -> None:
    directory = tiny.write_attempt(tmp_path / "used", world.trial())
    (directory / "events.jsonl").write_text('{"seq":1}\n')
    ran = tiny.run_cold(directory)
    assert ran.returncode == 2
    assert "a directory of its own" in ran.stderr
    assert tiny.run_cold(tmp_path / "none").returncode == 2
