"""Task metrics: the built-in ones against their definitions, a user's function, and what goes wrong in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny
from conftest import Train, Uninterrupted, World

from sweep_trainer.model.warm_state import WarmState
from sweep_trainer.training.task_metrics import exact_match, rouge_l

SCORING = """
seen = []

def first_letter(predictions, references):
    seen.append(len(predictions))
    return sum(p[:1] == r[:1] for p, r in zip(predictions, references)) / len(references)

def raises(predictions, references):
    return 1 / 0

def no_number(predictions, references):
    return "good"
"""


def test_exact_match_is_about_words_in_order() -> None:
    assert exact_match(["a b", "a  b\n", "b a", "A b"], ["a b"] * 4) == 0.5


@pytest.mark.parametrize(
    ("predicted", "expected", "f1"),
    [
        ("police killed the gunman", "police kill the gunman", 3 / 4),  # the paper's example, section 3.1
        ("the gunman kill police", "police kill the gunman", 2 / 4),
        ("The cat, sat.", "the cat sat", 1.0),
        ("cat", "the cat sat", 2 * 1 * (1 / 3) / (1 + 1 / 3)),
        ("", "the cat sat", 0.0),
        ("dog", "the cat sat", 0.0),
        ("小猫坐着", "小狗坐着", 3 / 4),
        ("Mira 是老师", "Mira 是医生", 2 * (2 / 4) * (2 / 4) / 1),
    ],
)
def test_rouge_l(predicted: str, expected: str, f1: float) -> None:
    assert rouge_l([predicted], [expected]) == pytest.approx(f1)
    assert rouge_l([predicted, "x"], [expected, "y"]) == pytest.approx(f1 / 2)


def wanted(*metrics: str, samples: int | None = 10) -> dict[str, Any]:
    return {"top__task_metrics": {"metrics": list(metrics), "samples": samples, "max_new_tokens": 6}}


@pytest.fixture
def scoring(tmp_path: Path) -> Path:
    file = tmp_path / "scoring.py"
    file.write_text(SCORING, encoding="utf-8")
    return file


def test_every_evaluation_gives_them_and_changes_nothing(train: Train, whole: Path, scoring: Path) -> None:
    metrics = wanted("exact_match", "rouge_l", f"{scoring}:first_letter")
    directory = train(**metrics)
    steps = tiny.curve(directory, "eval/loss").keys()
    for name in ("exact_match", "rouge_l", "first_letter"):
        values = tiny.curve(directory, f"eval/{name}")
        assert values.keys() == steps
        assert all(0 <= value <= 1 for value in values.values())
        assert tiny.events(directory)[-1]["values"][f"eval/{name}"] == values[21]
    assert tiny.curve(directory, "eval/exact_match")[21] <= tiny.curve(directory, "eval/rouge_l")[21]
    for name in ("train/loss", "eval/loss"):
        assert tiny.curve(directory, name) == tiny.curve(whole, name)


def test_they_agree_with_the_probes_answers(train: Train, world: World) -> None:
    """The answer to one question that is both asked and scored."""
    import json

    (record,) = tiny.records(1, 2)
    file = world.held_out.with_name("one.json")
    answer = ""
    for expected in ("something", None):
        record["output"] = record["output"] if expected else answer
        file.write_text(json.dumps([record]), encoding="utf-8")
        probe = {"instruction": record["instruction"], "input": record["input"], "max_new_tokens": 6}
        directory = train(data__eval=str(file), evals_per_epoch=1, top__probes=[probe], **wanted("exact_match"))
        answer = tiny.of_type(directory, "sample")[0]["answer"]
        if expected is None:
            best = tiny.events(directory)[-1]["values"]["eval/best_step"]
            assert tiny.curve(directory, "eval/exact_match")[best] == 1


def test_the_sweeps_metric_says_which_checkpoint_is_best(train: Train, scoring: Path) -> None:
    """A function that is best at the third evaluation: that is what is exported, whatever the loss says."""
    scoring.write_text(
        "calls = []\ndef third(predictions, references):\n"
        "    calls.append(1)\n    return 5.0 if len(calls) == 3 else 1.0 / len(calls)\n"
    )
    metric = {"name": "eval/third", "goal": "maximize"}
    directory = train(top__metric=metric, **wanted(f"{scoring}:third"))
    finished = tiny.events(directory)[-1]["values"]
    assert finished["eval/best_step"] == 7  # after the base's and step 4's
    assert finished["eval/best_loss"] == tiny.curve(directory, "eval/loss")[7]


def test_a_warm_host_sees_a_changed_function(train: Train, scoring: Path) -> None:
    warm = WarmState()
    train(warm=warm, **wanted(f"{scoring}:first_letter"))
    scoring.write_text("def first_letter(predictions, references):\n    return 7\n")
    changed = train(warm=warm, **wanted(f"{scoring}:first_letter"))
    assert set(tiny.curve(changed, "eval/first_letter").values()) == {7}


@pytest.mark.parametrize(
    ("metric", "complaint"),
    [
        ("bleu", "task_metrics.metrics: 'bleu' is no metric; there are exact_match, rouge_l and path.py:function"),
        ("{scoring}:nothing", "scoring.py has no function nothing; it has first_letter, no_number, raises"),
        ("/nowhere.py:f", "the task metric f: the file /nowhere.py does not exist"),
        ("{scoring}:raises", "scoring.py:9: ZeroDivisionError: division by zero"),
        ("{scoring}:no_number", "the task metric no_number must return a finite number, and returned 'good'"),
        ("{scoring}:loss", "task_metrics.metrics: there is another metric called 'loss'; rename the function"),
    ],
)
def test_what_is_wrong_is_said(train: Train, scoring: Path, metric: str, complaint: str) -> None:
    failed = tiny.events(train(status="failed", **wanted(metric.format(scoring=scoring))))[-1]
    assert failed["class"] == "data"
    assert complaint in failed["message"]


def test_a_file_that_is_no_python_is_named_with_its_line(train: Train, scoring: Path) -> None:
    scoring.write_text("def good(a, b):\n    return 1\ndef bad(:\n")
    failed = tiny.events(train(status="failed", **wanted(f"{scoring}:good")))[-1]
    assert failed["class"] == "data"
    assert "scoring.py:3: SyntaxError" in failed["message"]


def test_all_records_are_asked_without_a_limit(uninterrupted: Uninterrupted, tmp_path: Path) -> None:
    file = tmp_path / "count.py"
    file.write_text("def count(predictions, references):\n    return len(references)\n")
    directory = uninterrupted(schedule__max_steps=2, **wanted(f"{file}:count", samples=None))
    assert set(tiny.curve(directory, "eval/count").values()) == {20}
