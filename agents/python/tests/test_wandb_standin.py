"""The stand-ins: what scripts written for other trackers call, and what is recorded of it."""

from __future__ import annotations

import importlib.util

import pytest


def test_configuration_is_the_trials(attempt):
    attempt.trial(parameters={"lr": 0.1, "opt.name": "adam"}, groups=["opt"])
    done = attempt.ok(
        """
        import argparse, wandb
        args = argparse.Namespace(lr=5.0, batch=3)
        run = wandb.init(project="p", entity="e", mode="disabled", anonymous="must", config=args, unknown=1)
        assert wandb.config is run.config and wandb.run is run
        assert wandb.config.lr == 0.1 and wandb.config["lr"] == 0.1 and wandb.config.batch == 3
        assert wandb.config.opt["name"] == "adam" and wandb.config.get("none", 4) == 4 and "lr" in wandb.config
        wandb.config.update({"lr": 9, "more": 1}, allow_val_change=True)
        wandb.config.setdefaults({"batch": 100, "extra": 2})
        assert dict(wandb.config) == {"lr": 0.1, "opt": {"name": "adam"}, "batch": 3, "more": 1, "extra": 2}
        try:
            wandb.config.nothing
        except AttributeError:
            pass
        else:
            raise SystemExit("an unknown name was found")
        """
    )
    assert done.stderr.count("config.lr is set by the sweep") == 1


def test_steps(attempt):
    attempt.ok(
        """
        import wandb
        wandb.init()
        wandb.log({"a": 1}, commit=False)
        wandb.log({"b": {"c": 2}})
        wandb.log({"a": 3})
        wandb.log({"a": 4}, step=10)
        wandb.log({"b": 5})
        wandb.log({"a": 6})
        """
    )
    at = [(0, {"a": 1}), (0, {"b.c": 2}), (1, {"a": 3}), (10, {"a": 4}), (10, {"b": 5}), (11, {"a": 6})]
    assert attempt.points() == at


def test_defined_metrics_and_summary(attempt):
    attempt.ok(
        """
        import wandb
        with wandb.init() as run:
            run.define_metric("epoch")
            run.define_metric("val/*", step_metric="epoch", summary="min")
            for epoch, loss in enumerate([3, 1, 2]):
                wandb.log({"epoch": epoch * 5, "val/loss": loss, "train": 0})
            assert wandb.summary["val/loss"] == 1 and run.summary.epoch == 10
            wandb.summary["best"] = 0.5
            wandb.run.summary.update({"note": "text"})
            assert dict(run.summary)["note"] == "text"
        assert wandb.run is None
        """
    )
    assert [step for step, values in attempt.points() if "val/loss" in values] == [0, 5, 10]
    assert attempt.points()[-1] == (3, {"best": 0.5})
    # More may come after `finish`: the script's own end is the end.
    assert attempt.events("finished") == []


def test_what_is_not_there_never_crashes(attempt):
    done = attempt.ok(
        """
        import wandb, wandb.util
        from wandb.sdk.lib.config_util import ConfigError
        from wandb.integration.sb3 import WandbCallback
        from wandb.errors import CommError
        wandb.login(key="x" * 40)
        run = wandb.init(settings=wandb.Settings(start_method="thread"))
        table = wandb.Table(columns=["a"], data=[[1]])
        table.add_data(2)
        wandb.log({"loss": 1, "t": table, "i": wandb.Image([[0]], caption="c"), "none": None})
        wandb.log({"h": wandb.Histogram([1])}, commit=False)
        wandb.log({"plot": wandb.plot.line(table, "a", "b")})
        artifact = wandb.Artifact("model", type="model", metadata={"a": 1})
        with artifact.new_file("x.txt") as file:
            file.write("x")
        run.log_artifact(artifact).wait()
        wandb.watch(object()); wandb.save("*.pt"); wandb.alert(title="t", text="x")
        wandb.Api().runs("x/y"); wandb.run.log_code("."); wandb.run.new_method(); wandb.sklearn.plot_roc(1, 2)
        for _ in range(3):
            wandb.beta.workflows.log_model(1)
        class Mine(WandbCallback):
            pass
        Mine(verbose=2)
        assert len(wandb.util.generate_id()) == 8 and wandb.run.name and wandb.run.id and wandb.run.dir
        """
    )
    assert attempt.points()[0] == (0, {"loss": 1})
    assert done.stderr.count("wandb.beta ") == 1


def test_agent_runs_the_function_once(attempt):
    attempt.ok(
        """
        import wandb
        def train():
            wandb.init()
            wandb.log({"loss": wandb.config.lr})
        wandb.agent(wandb.sweep({"method": "random"}, project="p"), function=train, count=20)
        """
    )
    assert attempt.points() == [(0, {"loss": 0.1})]


def test_finish_with_an_exit_code_is_a_failure(attempt):
    attempt.ok("import wandb; wandb.init(); wandb.finish(exit_code=1)")
    assert attempt.events("failed")[0]["class"] == "bug"


def test_libraries_find_it(attempt):
    attempt.ok(
        """
        import importlib.metadata, importlib.util
        assert importlib.util.find_spec("wandb").loader is not None
        assert importlib.metadata.version("wandb").startswith("0.")
        """
    )


def test_transformers_trainer(attempt):
    kinds = ["wandb", "tensorboard", "mlflow", "callback", "all"]
    attempt.ok(
        f"""
        import os, torch, wandb
        import sweep_sdk.run
        from transformers import Trainer, TrainingArguments

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.w = torch.nn.Parameter(torch.zeros(1))
            def forward(self, x=None, labels=None):
                return {{"loss": ((self.w * x - labels) ** 2).mean(), "logits": self.w * x}}

        data = [{{"x": torch.tensor([1.0]), "labels": torch.tensor([2.0])}} for _ in range(8)]
        for kind in {kinds!r}:
            os.environ["SWEEP_EVENTS"] = f"events-{{kind}}.jsonl"
            sweep_sdk.run._current = None
            wandb.finish()
            callbacks, report_to = [], kind
            if kind == "callback":
                from sweep import SweepCallback
                callbacks, report_to = [SweepCallback()], "none"
            elif kind == "all":
                report_to = ["wandb", "tensorboard", "mlflow"]
            args = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=2, logging_steps=2,
                save_strategy="no", eval_strategy="epoch", report_to=report_to, use_cpu=True, learning_rate=0.1)
            Trainer(Model(), args, train_dataset=data, eval_dataset=data, callbacks=callbacks).train()
        """,
        HF_HUB_OFFLINE="1",
        MLFLOW_TRACKING_URI=f"file:{attempt.directory}/mlruns",
        MLFLOW_ALLOW_FILE_STORE="true",
    )
    for kind in kinds:
        name = "eval_loss" if kind == "mlflow" else "eval/loss"
        (attempt.directory / f"events-{kind}.jsonl").rename(attempt.directory / "events.jsonl")
        losses = [(step, values[name]) for step, values in attempt.points() if name in values]
        assert [step for step, _ in losses] == [4, 8], kind
        assert losses[1][1] < losses[0][1]


def test_the_real_tensorboard_is_listened_to(attempt):
    if importlib.util.find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed")
    attempt.ok(
        """
        from torch.utils.tensorboard import SummaryWriter
        with SummaryWriter("runs") as writer:
            writer.add_scalar("loss", 0.5, 3)
            writer.add_histogram("h", __import__("numpy").zeros(3), 3)
        """
    )
    assert attempt.points() == [(3, {"loss": 0.5})]
    assert list((attempt.directory / "runs").iterdir())
