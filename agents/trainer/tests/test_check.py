"""`check` and `describe`: what is known about a trial and a machine without loading torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from conftest import World

from sweep_trainer.process.check import check
from sweep_trainer.process.describe import describe


def written(folder: Path, trial: dict[str, Any]) -> Path:
    return tiny.write_attempt(folder / "checked", trial) / "trial.json"


def test_a_good_trial(world: World, tmp_path: Path) -> None:
    result = check(written(tmp_path, world.trial()))
    assert result["ok"]
    assert result["model"] == {"name": str(world.model), "architecture": "LlamaForCausalLM", "checked": True}
    assert result["data"]["train"]["records"] == 52
    assert len(result["data"]["eval"]["sha256"]) == 64
    assert (result["steps_per_epoch"], result["total_steps"]) == (7, 21)


def test_a_hub_id_is_left_to_the_trainer(world: World, tmp_path: Path) -> None:
    result = check(written(tmp_path, world.trial(model="org/name-1.5B")))
    assert result["ok"]
    assert not result["model"]["checked"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "/nowhere/model"}, "the base model /nowhere/model is not a folder that exists"),
        ({"model": "org/name/too/many"}, "training.model: expected an absolute path or a hub id such as org/name"),
        ({"model": "modelscope:org/name"}, "training.model: download 'modelscope:org/name' first"),
        ({"adapter__rank": 0}, "training.adapter.rank: expected a whole number"),
        ({"data__eval": "/nowhere/eval.json"}, "the data file /nowhere/eval.json does not exist"),
    ],
)
def test_a_bad_trial(world: World, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    result = check(written(tmp_path, world.trial(**changes)))
    assert (result["ok"], result["class"], result["record"]) == (False, "data", None)
    assert result["message"].startswith(message)


def test_a_quantised_checkpoint_is_refused(world: World, tmp_path: Path) -> None:
    folder = shutil.copytree(world.model, tmp_path / "awq")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "awq"}}))
    result = check(written(tmp_path, world.trial(model=str(folder))))
    assert result["class"] == "data"
    assert "is quantised already (awq), and this trainer has no runtime for such checkpoints" in result["message"]


def test_a_bad_record(world: World, tmp_path: Path) -> None:
    data = tmp_path / "bad.json"
    data.write_text(json.dumps([{"instruction": "x", "output": "y"}, {"instruction": "x"}]), encoding="utf-8")
    trial = written(tmp_path, world.trial(data__train=str(data)))
    ran = subprocess.run(
        tiny.command("check", trial), env=tiny.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    result = json.loads(ran.stdout)
    assert (result["class"], result["record"]) == ("data", 2)
    assert result["message"] == f"{data}: record 2: field 'output' is missing, expected text"


def test_neither_loads_torch(world: World, tmp_path: Path) -> None:
    trial = written(tmp_path, world.trial())
    script = (
        "import sys; from sweep_trainer.__main__ import main;"
        "assert main(['check', sys.argv[1]]) == 0; assert main(['describe']) == 0;"
        "print(sorted({'torch', 'transformers', 'peft', 'numpy'} & sys.modules.keys()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(trial)],
        env=tiny.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_describe_says_what_runs_here() -> None:
    described = describe()
    assert described["contract"] == 1
    assert described["versions"]["peft"]
    assert described["axes"]["adapter"]["lora"] == {"ok": True, "quantization": ["int8", "nf4", "none"]}
    assert described["axes"]["quantization"] == {name: {"ok": True} for name in ("int8", "nf4", "none")}
    assert described["axes"]["objective"] == {"sft": {"ok": True}, "upft": {"ok": True}}
    assert described["axes"]["precision"]["fp32"] == {"ok": True}
    import torch

    assert described["devices"]["cuda"]["ok"] == torch.cuda.is_available()
    if not torch.cuda.is_available():
        assert described["axes"]["precision"]["fp16"]["reason"]
