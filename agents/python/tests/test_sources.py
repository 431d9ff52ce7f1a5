"""Metrics of programs that report none: from their output, from JSON, CSV and TensorBoard's files, while they grow."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys

import pytest

from sweep_sdk.sources import sources_of


def watched(attempt, wanted: dict, script: str):
    attempt.trial(parameters={}, metrics_from=wanted)
    (attempt.directory / "program.py").write_text(script)
    log = (attempt.directory / "stdout.log").open("w")
    argv = [sys.executable, "-u", str(attempt.directory / "program.py")]
    import os

    from conftest import source

    env = {**os.environ, **attempt.environment, "PYTHONPATH": str(source)}
    command = [sys.executable, "-m", "sweep_sdk.watch", *argv]
    return subprocess.Popen(command, cwd=attempt.directory, env=env, stdout=log, stderr=subprocess.PIPE, text=True)


def test_patterns_on_standard_output(attempt):
    wanted = {
        "stdout": [r"^Epoch (?P<epoch>\d+)/", r"val_loss: (?P<val_loss>[-+.\deE]+|nan)(?:, acc=(?P<acc>[\d.]+)%)?"]
    }
    script = """
for epoch in range(3):
    print(f"Epoch {epoch}/3")
    print("x" * 100_000 + "val_loss: 9")
    print(f"... val_loss: {1e-2 / (epoch + 1)}, acc=5{epoch}%", end="" if epoch == 2 else "\\n")
"""
    process = watched(attempt, wanted, script)
    assert process.wait() == 0
    assert attempt.points() == [(e, {"val_loss": 0.01 / (e + 1), "acc": 50 + e}) for e in range(3)]


@pytest.mark.parametrize("form", ["lines", "list", "state", "object"])
def test_json(attempt, form):
    (attempt.directory / "m.json").write_text('{"step": 99, "loss": 99}\n' * 5)
    write = {
        "lines": "open('m.json', 'a' if step else 'w').write(json.dumps(rows[-1]) + '\\n')",
        "list": "open('m.json', 'w').write(json.dumps(rows, indent=1))",
        "state": "open('m.json', 'w').write(json.dumps({'log_history': rows, 'global_step': step}))",
        "object": "open('m.json', 'w').write(json.dumps(rows[-1]))",
    }[form]
    script = f"""
import json, time
rows = []
for step in range(3):
    rows.append({{"step": step * 10, "loss": 1 / (step + 1), "deep": {{"a": "0.5"}}, "name": "text"}})
    {write}
    time.sleep(0.5)
"""
    assert watched(attempt, {"json": "m.json"}, script).wait() == 0
    assert attempt.points() == [(s * 10, {"loss": 1 / (s + 1), "deep.a": 0.5}) for s in range(3)]


def test_csv_that_an_earlier_run_began(attempt):
    (attempt.directory / "log.csv").write_text("iter,loss\n1,9\n")
    script = """
with open("log.csv", "a") as file:
    file.write("2,0.5\\n3,0.25\\n")
"""
    assert watched(attempt, {"csv": "log.csv"}, script).wait() == 0
    assert attempt.points() == [(2, {"loss": 0.5}), (3, {"loss": 0.25})]


def test_the_programs_end_is_passed_on(attempt):
    assert watched(attempt, {"csv": "log.csv"}, "raise SystemExit(3)").wait() == 3
    process = watched(attempt, {"stdout": ["(?P<up>1)"]}, "import time\nprint(1)\ntime.sleep(600)")
    while not attempt.points():
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM


def test_files_of_the_real_tensorboard(tmp_path):
    if importlib.util.find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed")
    from torch.utils.tensorboard import SummaryWriter

    (source,) = sources_of({"tensorboard": "runs"}, [str(tmp_path)], "")
    with SummaryWriter(str(tmp_path / "runs" / "a")) as writer:
        for step in range(3):
            writer.add_scalar("loss", 0.5 / (step + 1), step * 10)
            writer.add_scalar("new", 2.0, step, new_style=True)
            writer.add_text("t", "text", step)
    points = list(source.read(True))
    assert [(step, numbers) for step, _, numbers in points if "loss" in numbers] == [
        (step * 10, {"loss": pytest.approx(0.5 / (step + 1))}) for step in range(3)
    ]
    assert sum("new" in numbers for _, _, numbers in points) == 3
    assert json.dumps([numbers for _, _, numbers in points])
