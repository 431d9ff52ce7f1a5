"""What other tools have recorded: each file is written by the real library where that is installed."""

from __future__ import annotations

import json

import pytest

from sweep_sdk.failure import SweepError
from sweep_sdk.history import read


def test_outputs_of_transformers(tmp_path):
    from transformers import TrainerState

    for name, rank in (("a", 4), ("b", 8)):
        folder = tmp_path / name
        history = [
            {"loss": 2.0, "learning_rate": 1e-4, "epoch": 0.5, "step": 5},
            {"eval_loss": 1.5 / rank, "eval_runtime": 1.0, "epoch": 1.0, "step": 10},
            {"train_loss": 1.8, "epoch": 1.0, "step": 10},
        ]
        for place in (folder, folder / "checkpoint-5"):
            place.mkdir(parents=True)
            state = TrainerState(log_history=history, global_step=10, train_batch_size=4, num_train_epochs=1)
            state.save_to_json(str(place / "trainer_state.json"))
        (folder / "adapter_config.json").write_text(json.dumps({"r": rank, "lora_alpha": 16, "lora_dropout": 0.1}))
        listed = "### Training hyperparameters\n\n- learning_rate: 0.0001\n- optimizer: adamw\n\n"
        card = f"---\nlicense: other\n---\n{listed}### More\n- x: 1"
        (folder / "README.md").write_text(card)
    found = read(str(tmp_path))
    assert found["source"] == "transformers"
    assert [trial["parameters"] for trial in found["trials"]] == [
        {
            "batch_size": 4,
            "epochs": 1,
            "learning_rate": 0.0001,
            "optimizer": "adamw",
            "rank": r,
            "alpha": 16,
            "dropout": 0.1,
        }
        for r in (4, 8)
    ]
    first, last = found["trials"][1]["reports"]
    assert first == {"step": 5, "values": {"train/loss": 2.0, "train/learning_rate": 1e-4}}
    assert last["values"]["eval/loss"] == 1.5 / 8


def test_an_optuna_study(tmp_path):
    optuna = pytest.importorskip("optuna")

    def objective(trial):
        x = trial.suggest_float("x", 1e-4, 1, log=True)
        n = trial.suggest_int("n", 1, 5)
        trial.suggest_categorical("c", ["a", None])
        trial.report(x + 1, 0)
        if trial.number == 1:
            raise ValueError
        return x + n

    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/o.db", direction="maximize")
    study.optimize(objective, n_trials=3, catch=ValueError)
    found = read(f"{tmp_path}/o.db")
    assert found["goal"] == "maximize"
    for mine, theirs in zip(found["trials"], study.trials):
        assert mine["parameters"] == pytest.approx(theirs.params)
        assert mine["failed"] is (theirs.number == 1)
        assert mine["values"] == ({} if theirs.number == 1 else {"value": theirs.value})
        assert mine["reports"] == [{"step": 0, "values": {"value": theirs.params["x"] + 1}}]


def test_an_mlflow_store(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/m.db")
    with mlflow.start_run():
        mlflow.log_params({"lr": 0.1, "name": "adam"})
        for step in range(3):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
    (trial,) = read(f"{tmp_path}/m.db")["trials"]
    assert trial["parameters"] == {"lr": 0.1, "name": "adam"}
    assert trial["reports"] == [{"step": s, "values": {"loss": 1 / (s + 1)}} for s in range(3)]


def test_offline_runs_of_wandb(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = wandb.init(project="p", dir=str(tmp_path), config={"lr": 0.1, "model": {"depth": 3}})
    for step in range(3000):
        run.log({"val": {"loss": 1 / (step + 1)}, "note": "x" * 100})
    run.finish()
    (trial,) = read(str(tmp_path))["trials"]
    assert trial["parameters"] == {"lr": 0.1, "model.depth": 3}
    assert trial["reports"][-1] == {"step": 2999, "values": {"val.loss": 1 / 3000}}
    assert len(trial["reports"]) == 3000


def test_event_files(tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    for rate in (0.1, 0.2):
        with SummaryWriter(str(tmp_path / f"lr{rate}")) as writer:
            writer.add_scalar("loss", rate, 3)
    trials = read(str(tmp_path))["trials"]
    assert [trial["parameters"] for trial in trials] == [{"run": "lr0.1"}, {"run": "lr0.2"}]
    assert trials[1]["reports"] == [{"step": 3, "values": {"loss": pytest.approx(0.2)}}]


def test_what_is_unknown_is_refused(tmp_path):
    (tmp_path / "x.txt").write_text("text")
    for path in (tmp_path, tmp_path / "x.txt", tmp_path / "none"):
        with pytest.raises(SweepError, match=r"nothing that can be imported|no such file"):
            read(str(path))
