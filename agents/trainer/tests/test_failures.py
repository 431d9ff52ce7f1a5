"""Everything that can go wrong with a trial ends in the right class and in one sentence a person can act on."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from conftest import Train, World
from transformers import AutoConfig, LlamaForCausalLM

from sweep_trainer.adapters.lora import Lora
from sweep_trainer.contract.failures import classify


def failed(directory: Path) -> dict[str, Any]:
    events = tiny.events(directory)
    assert [event["type"] for event in events[-2:]] == ["memory", "failed"]
    return events[-1]


def test_an_absurd_learning_rate_diverges(train: Train) -> None:
    event = failed(
        directory := train(
            status="failed", optimizer__learning_rate=1e30, optimizer__max_grad_norm=0, schedule__type="constant"
        )
    )
    assert event["class"] == "diverged"
    assert "lower the learning rate (1e+30)" in event["message"]
    values = [value for metric in tiny.of_type(directory, "metrics") for value in metric["values"].values()]
    assert {"NaN", "Infinity"} & {value for value in values if isinstance(value, str)}
    json.loads((directory / "events.jsonl").read_text().splitlines()[-1], parse_constant=pytest.fail)


def test_a_bad_record_is_named(train: Train, tmp_path: Path) -> None:
    data = tmp_path / "bad.json"
    data.write_text(json.dumps([*tiny.records(3, 1), {"instruction": "x", "output": 5}]), encoding="utf-8")
    event = failed(train(status="failed", data__train=str(data)))
    assert event["class"] == "data"
    assert event["message"] == f"{data}: record 4: field 'output' must be text, found 5"
    assert event["detail"] is None


def test_a_missing_eval_file(train: Train) -> None:
    event = failed(train(status="failed", data__eval="/nowhere/eval.json"))
    assert (event["class"], event["message"]) == ("data", "the data file /nowhere/eval.json does not exist")


class Hub(BaseHTTPRequestHandler):
    """A hub whose only model is gated."""

    def do_HEAD(self) -> None:
        self.send_response(401)
        self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("X-Error-Message", "Access to model org/gated is restricted.")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("token", "says"), [(None, "add `secrets: [HF_TOKEN]` to the sweep file"), ("hf_0123456789", "ask for access")]
)
def test_a_gated_model_needs_a_token_that_the_sweep_names(tmp_path: Path, token: str | None, says: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = """
import torch
from sweep_trainer.model import base_model, model_files
from sweep_trainer.contract.failures import classify
try:
    base_model.load(model_files.locate("org/gated"), None, "fp32", torch.device("cpu"))
except Exception as error:
    failure = classify(error)
    print(failure.kind, failure.message)
"""
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HF_") and "proxy" not in name.lower()
        },
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": str(tiny.SOURCE),
        **({} if token is None else {"HF_TOKEN": token}),
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    server.shutdown()
    assert done.stdout.startswith("dependency the hub refuses the base model org/gated"), done.stdout + done.stderr
    assert says in done.stdout
    assert "hf_0123456789" not in done.stdout


class Pickled:
    """What a pickle can be: it leaves a folder behind when it is read."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.parent / "it ran"),)


def broken_model(folder: Path, what: str, world: World) -> Path:
    folder.mkdir()
    for file in world.model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    if what == "config":
        (folder / "config.json").unlink()
    elif what == "garbled config":
        (folder / "config.json").write_text("{", encoding="utf-8")
    elif what == "unknown architecture":
        (folder / "config.json").write_text('{"model_type": "quartic"}', encoding="utf-8")
    elif what == "weights":
        (folder / "model.safetensors").unlink()
    elif what == "pickled weights":
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Pickled(folder.parent)))
    elif what == "garbled weights":
        (folder / "model.safetensors").write_bytes(b"not safetensors at all")
    elif what == "tokenizer":
        for file in folder.glob("tokenizer*"):
            file.unlink()
    return folder


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("config", "has no config.json; expected a transformers model folder"),
        ("garbled config", "config.json is not JSON"),
        ("unknown architecture", "cannot be loaded"),
        ("weights", "holds no weights; expected *.safetensors beside config.json"),
        ("pickled weights", "holds its weights as pickles (*.bin), which are not read"),
        ("garbled weights", "cannot be loaded"),
        ("tokenizer", "holds no tokenizer; expected tokenizer.json beside config.json"),
    ],
)
def test_an_incomplete_model(train: Train, world: World, tmp_path: Path, what: str, message: str) -> None:
    folder = broken_model(tmp_path / "broken", what, world)
    event = failed(train(status="failed", model=str(folder)))
    assert event["class"] == "data"
    assert message in event["message"]
    assert str(folder) in event["message"]
    assert not (tmp_path / "it ran").exists()


def test_targets_that_no_layer_answers_to(train: Train) -> None:
    event = failed(train(status="failed", adapter__target_modules="query"))
    assert event["class"] == "data"
    assert "no layer of the model matches 'query'" in event["message"]
    assert "down_proj, gate_proj, k_proj" in event["message"]


def test_targets_that_are_no_linear_layers(train: Train) -> None:
    event = failed(train(status="failed", adapter__target_modules=r"/.*\.mlp\..*/"))
    assert event["class"] == "data"
    assert "target_modules: Target module SiLUActivation() is not supported" in event["message"]


def test_a_device_that_is_not_there(train: Train) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    event = failed(train(status="failed", top__devices=[{"kind": "cuda", "index": 0, "threads": 1}]))
    assert event["class"] == "dependency"
    assert "CUDA" in event["message"]


def test_no_trial(train: Train) -> None:
    event = failed(train(status="failed", prepare=lambda directory: (directory / "trial.json").unlink()))
    assert event["class"] == "data"
    assert "trial.json cannot be read" in event["message"]


def test_anything_else_is_a_bug_with_its_traceback(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def attach(*_: object) -> None:
        raise RuntimeError("a wheel came off\nsomewhere")

    monkeypatch.setattr(Lora, "attach", attach)
    event = failed(train(status="failed"))
    assert (event["class"], event["message"]) == ("bug", "RuntimeError: a wheel came off")
    assert "in attach" in event["detail"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "oom"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "oom"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 34 bytes."), "oom"),
        (OSError(12, "Cannot allocate memory"), "oom"),
        (OSError(28, "No space left on device"), "bug"),
        (RuntimeError("shapes differ"), "bug"),
        (ModuleNotFoundError("No module named 'bitsandbytes'", name="bitsandbytes"), "dependency"),
    ],
)
def test_classes(error: Exception, kind: str) -> None:
    assert classify(error).kind == kind


LIMITED = """
import resource, sys
import torch._dynamo, peft
from sweep_trainer.training import training_run
from sweep_trainer.__main__ import main
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[2]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(main(["run", sys.argv[1]]))
"""


def test_out_of_memory_on_the_cpu(world: World, tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    data = tmp_path / "long.json"
    long = [{"instruction": "x", "output": "red blue green one two three cat dog " * 250}] * 64
    data.write_text(json.dumps(long), encoding="utf-8")
    # A vocabulary so large that the logits of one sequence are more than the model and all the rest.
    config = AutoConfig.from_pretrained(world.model)
    config.vocab_size = 200_000
    for file in world.model.iterdir():
        (tmp_path / "wide").mkdir(exist_ok=True)
        (tmp_path / "wide" / file.name).write_bytes(file.read_bytes())
    LlamaForCausalLM(config).save_pretrained(tmp_path / "wide")
    model = str(tmp_path / "wide")
    trial = world.trial(model=model, data__train=str(data), batch_size=2, micro_batch_size=2, max_length=4096)
    directory = tiny.write_attempt(tmp_path / "attempt", trial)
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(directory), "600"],
        env=tiny.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    event = failed(directory)
    assert event["class"] == "oom"
    assert "were asked for" in event["message"]
    assert "the process's peak was" in event["message"]
    assert "even micro_batch_size 1 with gradient checkpointing is too much" in event["message"]
