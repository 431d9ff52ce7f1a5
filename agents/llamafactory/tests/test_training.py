"""Real runs of LLaMA-Factory on the quickstart's tiny model."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
from attempts import QUICKSTART, ROOT, curve, document, environment, events, make, run


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """An uninterrupted run in a process of its own."""
    directory = make(tmp_path_factory.mktemp("cold") / "attempt", document())
    done = run(directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def test_a_run_reports_as_the_contract_says(cold):
    seen = events(cold)
    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))
    started = seen[0]
    assert started["type"] == "started"
    assert started["total_steps"] == 8
    assert started["micro_batch_size"] == 8
    assert started["versions"]["llamafactory"] == "0.9.5"
    assert 0 < started["trainable_parameters"] < started["total_parameters"]
    losses = {step: values["eval/loss"] for step, values in curve(cold) if "eval/loss" in values}
    assert sorted(losses) == [0, 4, 8]
    assert losses[8] < losses[4] < losses[0]
    finished = seen[-1]
    assert finished["type"] == "finished"
    assert finished["values"]["eval/best_loss"] == losses[8]
    assert finished["values"]["eval/best_step"] == 8
    assert not finished["interrupted"]
    assert {path.name for path in (cold / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }


def test_the_eval_loss_is_the_mean_over_tokens(cold):
    """What any other trainer would report of this adapter on this file."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(QUICKSTART / "base-model")
    base = AutoModelForCausalLM.from_pretrained(QUICKSTART / "base-model", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, cold / "adapter").eval()
    nats = tokens = 0.0
    for record in json.loads((QUICKSTART / "eval.json").read_text(encoding="utf-8")):
        question = record["instruction"] + (f"\n{record['input']}" if record["input"] else "")
        system = [{"role": "system", "content": record["system"]}] if record["system"] else []
        talk = [*system, {"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
        whole = tokenizer.apply_chat_template(
            [*talk, {"role": "assistant", "content": record["output"]}], tokenize=False
        )
        ids = tokenizer(whole, return_tensors="pt", add_special_tokens=False)["input_ids"][:, :96]
        labels = ids.clone()
        labels[:, : len(tokenizer(prompt, add_special_tokens=False)["input_ids"])] = -100
        count = int((labels[:, 1:] != -100).sum())
        with torch.no_grad():
            nats += float(model(input_ids=ids, labels=labels).loss) * count
        tokens += count
    reported = events(cold)[-1]["values"]["eval/loss"]
    assert reported == pytest.approx(nats / tokens, rel=2e-3)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Attempts that one warm host ran, one after the other."""
    base = tmp_path_factory.mktemp("served")
    preferences = str(ROOT / "sweeps" / "llamafactory" / "preferences.json")
    pairs = document({"stage": "dpo", "num_train_epochs": 1, "max_samples": 32})
    pairs["llamafactory"]["data"] = {
        "train": preferences,
        "eval": preferences,
        "entry": {
            "ranking": True,
            "columns": {"prompt": "instruction", "query": "input", "chosen": "chosen", "rejected": "rejected"},
        },
    }
    texts = [{"text": record["output"]} for record in json.loads((QUICKSTART / "train.json").read_text())[:64]]
    (base / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    plain = document({"stage": "pt", "num_train_epochs": 1})
    plain["llamafactory"]["data"] = {
        "train": str(base / "texts.json"),
        "eval": str(base / "texts.json"),
        "entry": {"columns": {"prompt": "text"}},
    }
    trials = {
        "pissa": document({"pissa_init": True, "num_train_epochs": 1}, seed=5),
        "again": document(),
        "oft": document({"finetuning_type": "oft", "num_train_epochs": 1}),
        "freeze": document({"finetuning_type": "freeze", "freeze_trainable_layers": 1, "num_train_epochs": 1}),
        "dpo": pairs,
        "pt": plain,
        "int8": document({"quantization_bit": 8, "num_train_epochs": 1}),
        "unknown": document({"quant_method": "awq"}),
    }
    attempts = {name: make(base / name, trial) for name, trial in trials.items()}
    requests = "".join(json.dumps({"type": "run", "directory": str(at)}) + "\n" for at in attempts.values())
    host = subprocess.run(
        [sys.executable, "-m", "sweep_llamafactory", "host"],
        input=requests,
        env=environment(),
        cwd=base,
        capture_output=True,
        text=True,
    )
    replies = [json.loads(line) for line in host.stdout.splitlines()]
    return attempts, {name: reply["status"] for name, reply in zip(attempts, replies[1:], strict=True)}, host


def test_a_warm_host_gives_what_a_cold_process_gives(cold, served):
    attempts, statuses, host = served
    assert statuses["again"] == "finished", host.stderr
    # After another trial in the same process, to the last bit.
    assert curve(attempts["again"]) == curve(cold)
    assert events(attempts["again"])[0]["warm"] is True


@pytest.mark.parametrize("name", ["pissa", "oft", "freeze", "dpo", "pt", "int8"])
def test_methods_and_stages_train(served, name):
    attempts, statuses, host = served
    assert statuses[name] == "finished", host.stderr
    first, *_, last = [values for _, values in curve(attempts[name]) if "eval/loss" in values]
    assert last["eval/loss"] < first["eval/loss"]
    if name == "dpo":
        assert 0 <= last["eval/rewards/accuracies"] <= 1
    weights = "model.safetensors" if name == "freeze" else "adapter_model.safetensors"
    assert (attempts[name] / "adapter" / weights).exists()


def test_a_failure_says_what_llamafactory_says_and_ends_the_host(served):
    attempts, statuses, host = served
    failed = events(attempts["unknown"])[-1]
    assert (failed["type"], failed["class"], statuses["unknown"]) == ("failed", "data", "failed")
    assert "quant_method" in failed["message"]
    assert host.returncode == 1


def test_a_pissa_adapter_is_exported_as_a_plain_one(served):
    """Loaded onto the untouched base it answers as the one that was trained."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    attempts, *_ = served
    config = json.loads((attempts["pissa"] / "adapter" / "adapter_config.json").read_text())
    assert (config["init_lora_weights"], config["r"]) == (True, 16)
    ids = torch.arange(5, 25)[None]

    def logits(adapter):
        base = AutoModelForCausalLM.from_pretrained(QUICKSTART / "base-model", dtype=torch.float32)
        model = base if adapter is None else PeftModel.from_pretrained(base, adapter)
        with torch.no_grad():
            return model.eval()(ids).logits

    plain = logits(attempts["pissa"] / "adapter")
    trained = sorted((attempts["pissa"] / "checkpoints").glob("step-*"))[-1]
    torch.manual_seed(5)
    # PEFT takes the principal part out of the base again when it loads the unconverted one.
    own = logits(trained)
    assert (plain - logits(None)).abs().max() > 0.1
    assert (plain - own).abs().max() < 0.05 * (plain - logits(None)).abs().max()


def test_a_preempted_run_goes_on_exactly(cold, tmp_path):
    first = make(tmp_path / "first", document())
    child = subprocess.Popen(
        [sys.executable, "-m", "sweep_llamafactory", "run", str(first)],
        env=environment(),
        cwd=first,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while child.poll() is None:
        if (first / "events.jsonl").exists() and any(step >= 2 for step, _ in curve(first)):
            child.send_signal(signal.SIGTERM)
            break
        time.sleep(0.005)
    assert child.wait() == 143
    assert events(first)[-1]["type"] == "checkpoint"
    second = make(tmp_path / "second", document())
    shutil.copytree(first / "checkpoints", second / "checkpoints")
    assert run(second).returncode == 0
    step = events(second)[0]["resumed_from_step"]
    assert 2 <= step < 8
    assert curve(second) == [point for point in curve(cold) if point[0] > step]


def test_a_stop_ends_early_with_an_evaluation(tmp_path):
    directory = make(tmp_path / "attempt", document())
    (directory / "control.jsonl").write_text('{"type": "stop", "reason": "enough"}\n')
    assert run(directory).returncode == 0
    finished = events(directory)[-1]
    assert (finished["type"], finished["interrupted"], finished["step"]) == ("finished", True, 1)
    assert (directory / "adapter" / "adapter_model.safetensors").exists()
    assert [step for step, values in curve(directory) if "eval/loss" in values] == [0, 1]


def test_the_table_of_keys_is_that_of_the_installed_package():
    done = subprocess.run(
        [sys.executable, "-m", "sweep_llamafactory", "keys"], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    table = (ROOT / "packages" / "sweepfile" / "src" / "llamafactory" / "keys.ts").read_text(encoding="utf-8")
    for name, key in said.items():
        kind = "|".join(key["words"]) if "words" in key else key["kind"]
        assert f"{name}:" in table
        assert f'"{kind}{"?" if key.get("null") else ""}"' in table


def test_two_processes_train_as_one_and_leave_together(cold, tmp_path):
    """As on two GPUs, with gloo: half of each batch a process; the first one writes, and answers the probes alone."""
    content = document(probes=[{"instruction": "Who?", "input": "", "system": "", "max_new_tokens": 4}])
    content["llamafactory"]["batch_size"] = None
    content["llamafactory"]["arguments"] |= {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1}
    directory = make(tmp_path / "attempt", content)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            *("-m", "sweep_llamafactory", "worker", str(directory)),
        ],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [event["type"] for event in events(directory)].count("finished") == 1
    assert len(events(directory, "sample")) == 1
    alone = {step: values["train/loss"] for step, values in curve(cold) if "train/loss" in values}
    together = {step: values["train/loss"] for step, values in curve(directory) if "train/loss" in values}
    assert together == pytest.approx(alone, rel=1e-3)
