"""The Run: what scripts report, what they are asked, how they leave and resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from conftest import source


def test_configuration_and_metrics(attempt):
    attempt.trial(
        parameters={"lr": 0.1, "optimizer.name": "adam", "layers": "[1, 2]", "text": "[x"},
        groups=["optimizer"],
        structured=["layers", "text"],
    )
    attempt.ok(
        """
        import sweep
        run = sweep.init(config={"lr": 5, "batch": 8})
        assert run.config.lr == 0.1 and run.config["batch"] == 8 and run.config.optimizer == {"name": "adam"}
        assert run.config.layers == [1, 2] and run.config.text == "[x" and dict(run.config)["lr"] == 0.1
        assert run.seed == 7 and run.trial == 3 and sweep.init() is run
        run.log({"loss": 1, "deep": {"a": 2.5, "b": True}, "name": "text"}, step=10, epoch=0.5)
        run.log(loss=float("nan"))
        run.log({"loss": float("-inf"), "量": 10**30})
        """
    )
    assert attempt.points()[0] == (10, {"loss": 1, "deep.a": 2.5, "deep.b": 1})
    assert attempt.points()[1:] == [(11, {"loss": "NaN"}), (12, {"loss": "-Infinity", "量": 1e30})]
    assert attempt.events("metrics")[0]["epoch"] == 0.5


def test_numbers_of_numpy_and_torch(attempt):
    done = attempt.ok(
        """
        import numpy, sweep
        run = sweep.init()
        run.log({"f": numpy.float32(0.5), "i": numpy.int64(3), "one": numpy.array([2.0]), "many": numpy.zeros(3)})
        """
    )
    assert attempt.points() == [(0, {"f": 0.5, "i": 3, "one": 2.0})]
    assert "left out: many" in done.stderr


def test_several_processes_share_the_numbering(attempt):
    attempt.ok(
        """
        import os, sweep
        run = sweep.init()
        children = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                for step in range(200):
                    run.log({f"m{child}": step}, step=step)
                os._exit(0)
            children.append(pid)
        for step in range(200):
            run.log({"loss": step}, step=step)
        for pid in children:
            os.waitpid(pid, 0)
        """
    )
    assert len(attempt.points()) == 1000


def test_a_torn_line_is_left_behind(attempt):
    (attempt.directory / "events.jsonl").write_text(
        '{"seq":1,"at":"","type":"metrics","step":0,"values":{}}\n{"seq":2,"at'
    )
    attempt.ok("import sweep; sweep.log({'loss': 1})")
    lines = (attempt.directory / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["seq"] for line in (lines[0], *lines[2:])] == [1, 2, 3]


def test_other_ranks_are_silent(attempt):
    attempt.ok("import sweep; sweep.init().log({'loss': 1})", RANK="1")
    assert attempt.events() == []


def test_no_training_library_is_imported(attempt):
    attempt.ok(
        """
        import sys, sweep, wandb
        sweep.init()
        loaded = {"transformers", "torch", "numpy", "lightning", "keras"} & set(sys.modules)
        assert not loaded, loaded
        """
    )


def test_outside_of_a_sweep(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(source)}
    script = (
        "import sweep; r = sweep.init(config={'lr': 2}); r.log(loss=1); print(r.config.lr, r.requested(), r.active)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "2 None False\n")
    assert "not started by a sweep" in done.stderr


_loop = """
import json, sweep, sys, time
run = sweep.init()
start = 0
if run.last_checkpoint():
    start = json.loads((run.last_checkpoint() / "state.json").read_text())["step"]
def save(folder):
    (folder / "state.json").write_text(json.dumps({"step": step}))
print("from", start, flush=True)
for step in range(start + 1, start + 100000):
    run.log({"loss": 1 / step}, step=step, epoch=step / 10)
    print("at", step, flush=True)
    if run.obey(step, save):
        break
    time.sleep(0.01)
run.finish()
"""


def test_stop_ends_the_loop_and_keeps_the_result(attempt):
    process = attempt.start(_loop)
    assert process.stdout.readline() == "from 0\n"
    attempt.ask(type="stop", reason="enough")
    process.communicate()
    assert process.returncode == 0
    (finished,) = attempt.events("finished")
    assert finished["interrupted"] is True
    assert finished["values"]["loss"] == 1 / finished["step"]


def test_preempted_with_a_checkpoint_and_resumed(attempt):
    process = attempt.start(_loop)
    while process.stdout.readline() != "at 5\n":
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    (checkpoint,) = attempt.events("checkpoint")
    assert checkpoint["step"] >= 5
    assert not attempt.events("finished")
    manifest = json.loads((attempt.directory / checkpoint["path"] / "manifest.json").read_text())
    assert list(manifest["files"]) == ["state.json"]
    again = attempt.start(_loop)
    assert again.stdout.readline() == f"from {checkpoint['step']}\n"
    again.kill()
    again.communicate()


def test_pauses_where_its_population_does(attempt):
    attempt.trial(parameters={}, pause_at={"resource": "epoch", "at": 0.7})
    assert attempt.run(_loop).returncode == 143
    assert [event["step"] for event in attempt.events("paused")] == [7]
    assert [event["step"] for event in attempt.events("checkpoint")] == [7]


def test_a_script_that_never_asks_ends_at_once(attempt):
    process = attempt.start("import sweep, time; sweep.init(); print('up', flush=True); time.sleep(600)")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_a_failure_in_the_context(attempt):
    done = attempt.run("import sweep\nwith sweep.init() as run:\n    raise MemoryError('no room')")
    assert done.returncode == 1
    (failed,) = attempt.events("failed")
    assert failed["class"] == "oom"
    assert "Traceback" in failed["detail"]


def test_a_script_named_sweep_does_not_hide_the_sdk(attempt):
    (attempt.directory / "sweep.py").write_text("mine = True\n")
    attempt.ok("import sweep, wandb; assert sweep.mine; wandb.init(); wandb.log({'loss': 1})")
    assert attempt.points() == [(0, {"loss": 1})]


_trainer = """
import signal, os, torch
from sweep import SweepCallback
from transformers import Trainer, TrainerCallback, TrainingArguments

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(1))
    def forward(self, x=None, labels=None):
        return {"loss": ((self.w * x - labels) ** 2).mean(), "logits": self.w * x}

class Ask(TrainerCallback):
    def on_step_begin(self, args, state, control, **_):
        if state.global_step == 3 and not callback.last_checkpoint():
            os.kill(os.getpid(), signal.SIGTERM)

callback = SweepCallback()
callback.run.requested()
data = [{"x": torch.tensor([1.0]), "labels": torch.tensor([2.0])} for _ in range(16)]
args = TrainingArguments("out", max_steps=8, per_device_train_batch_size=2, logging_steps=1, save_strategy="no",
    eval_strategy="steps", eval_steps=4, report_to="none", use_cpu=True, learning_rate=0.1)
trainer = Trainer(Model(), args, train_dataset=data, eval_dataset=data, callbacks=[callback, Ask()])
trainer.train(resume_from_checkpoint=callback.last_checkpoint())
print("steps", trainer.state.global_step)
"""


def test_a_transformers_trainer_leaves_resumes_and_stops(attempt):
    assert attempt.run(_trainer).returncode == 143
    assert [event["step"] for event in attempt.events("checkpoint")] == [4]
    before = [step for step, values in attempt.points() if "train/loss" in values]
    assert before == [1, 2, 3, 4]
    (attempt.directory / "events.jsonl").write_text("")
    assert attempt.ok(_trainer).stdout.endswith("steps 8\n")
    assert [step for step, values in attempt.points() if "train/loss" in values] == [5, 6, 7, 8]
    (attempt.directory / "events.jsonl").write_text("")
    attempt.ask(type="stop", reason="enough")
    assert attempt.ok(_trainer).stdout.endswith("steps 5\n")
    assert any("eval/loss" in values for _, values in attempt.points())
