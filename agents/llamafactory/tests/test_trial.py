"""What a trial.json comes to in LLaMA-Factory's arguments. Loads no library."""

import json

import pytest
from attempts import document, make
from sweep_trainer.contract.failures import DataError

from sweep_llamafactory import trial as trials


def arguments(tmp_path, changes=None, own=None, checkpoint=None):
    content = document(changes)
    content["llamafactory"].update(own or {})
    directory = make(tmp_path / "attempt", content)
    return trials.complete(trials.read(directory / "trial.json"), directory, checkpoint), directory


def test_the_sweep_sets_where_data_and_output_are(tmp_path):
    given = {"output_dir": "saves", "val_size": 0.1, "dataset": "identity", "save_steps": 500, "plot_loss": True}
    made, directory = arguments(tmp_path, given)
    assert made["dataset"] == "train"
    assert made["eval_dataset"] == "eval"
    assert made["output_dir"] == str(directory / "llamafactory" / "output")
    assert "val_size" not in made
    assert made["plot_loss"] is False
    info = json.loads((directory / "llamafactory" / "dataset_info.json").read_text())
    # Only the training set is cut: all trials are measured on the same eval set.
    assert info["train"]["split"] == "train[:64]"
    assert "split" not in info["eval"]


@pytest.mark.parametrize(
    ("own", "given", "expected"),
    [
        ({"batch_size": 16}, {}, (8, 2)),
        ({"batch_size": 12}, {}, (6, 2)),
        ({"batch_size": 7}, {}, (7, 1)),
        ({"batch_size": 16}, {"per_device_train_batch_size": 4}, (4, 4)),
        ({"batch_size": 6}, {"per_device_train_batch_size": 4}, (3, 2)),
        ({"batch_size": 16, "micro_batch_size": 2}, {"per_device_train_batch_size": 4}, (2, 8)),
        (
            {"batch_size": None},
            {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 3},
            (4, 3),
        ),
    ],
)
def test_an_effective_batch_is_accumulated(tmp_path, own, given, expected):
    made, _ = arguments(tmp_path, given, own)
    assert (made["per_device_train_batch_size"], made["gradient_accumulation_steps"]) == expected


def test_evaluations_follow_the_configuration_unless_the_sweep_counts_them(tmp_path):
    made, _ = arguments(tmp_path, {"eval_strategy": "epoch"}, {"evals_per_epoch": None})
    assert made["eval_strategy"] == "epoch"
    made, _ = arguments(tmp_path / "2", {"eval_strategy": "epoch"}, {"evals_per_epoch": 3})
    assert made["eval_steps"] == pytest.approx(1 / 6)


def test_a_resumed_run_does_not_repeat_the_first_evaluation(tmp_path):
    made, directory = arguments(tmp_path, checkpoint=tmp_path / "step-1")
    assert made["eval_on_start"] is False
    assert made["resume_from_checkpoint"] == str(tmp_path / "step-1")
    assert arguments(tmp_path / "2")[0]["eval_on_start"] is True
    assert directory.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stage": "ppo"}, "trl"),
        ({"quantization_bit": 4, "use_dora": True}, "use_dora"),
        ({"quantization_bit": 4, "quantization_method": "hqq"}, "hqq"),
        ({"pure_bf16": True}, "GPU"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_loaded(tmp_path, changes, words):
    with pytest.raises(DataError, match=words):
        arguments(tmp_path, changes)
