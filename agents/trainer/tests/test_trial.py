"""trial.json: what is refused, and that the message names the place, what was expected and what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny

from sweep_trainer.contract import trial
from sweep_trainer.contract.failures import DataError
from sweep_trainer.sharing import population, prefix

PLACE = Path("/nowhere")


def parse(**changes: Any) -> trial.Trial:
    return trial.parse(tiny.trial(PLACE, PLACE, PLACE, **changes))


def test_reads_every_field() -> None:
    parsed = parse(adapter__target_modules="q_proj, v_proj")
    assert parsed.seed == 11
    assert parsed.training.adapter.rank == 4
    assert parsed.training.adapter.targets == ["q_proj", "v_proj"]
    assert parsed.training.schedule.epochs == 3
    assert parsed.probes[0].record.question == "after cat"
    assert parsed.device.threads == 1


def test_a_run_has_the_same_name_on_every_host() -> None:
    sent = tiny.trial(PLACE, PLACE, PLACE)
    names = set()
    for host in ("one", "two"):
        here = tiny.trial(PLACE, Path("/agents") / host / "train.json", PLACE)
        parsed = trial.parse({**here, "assigned": {"training": sent["training"]}})
        assert parsed.training.data.train == Path("/agents") / host / "train.json"
        names.add((prefix.run_name(parsed), population.kind_name(parsed)))
    assert names == {(prefix.run_name(trial.parse(sent)), population.kind_name(trial.parse(sent)))}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapter__rank": "eight"}, "training.adapter.rank: expected a whole number of at least 1, found 'eight'"),
        ({"adapter__rank": 0}, "training.adapter.rank: expected a whole number of at least 1, found 0"),
        (
            {"adapter__dropout": 1.5},
            "training.adapter.dropout: expected a number of at least 0 and at most 1, found 1.5",
        ),
        ({"optimizer__learning_rate": 0}, "training.optimizer.learning_rate: expected a number above 0, found 0"),
        ({"optimizer__learning_rate": float("nan")}, "training.optimizer.learning_rate: expected a number above 0"),
        ({"optimizer__learning_rate": None}, "training.optimizer.learning_rate: expected a number above 0, found null"),
        ({"schedule__epochs": True}, "training.schedule.epochs: expected a number above 0, found true"),
        ({"schedule__type": "cosin"}, "training.schedule.type: 'cosin' is not known here (did you mean 'cosine'?)"),
        ({"adapter__type": "lorra"}, "training.adapter.type: 'lorra' is not known here (did you mean 'lora'?)"),
        ({"micro_batch_size": 3}, "training.micro_batch_size: expected a divisor of batch_size (8), found 3"),
        ({"adapter__use_dora": True}, "training.adapter.use_dora: unknown option; this trainer would ignore it"),
        ({"adapter__droput": 0.1}, "training.adapter.droput: unknown option (did you mean 'dropout'?)"),
        ({"precision": "fp16"}, "training.precision: fp16 needs a CUDA device, found a CPU"),
        ({"flash_attention": True}, "training.flash_attention: unknown option"),
        ({"adapter": "lora"}, "training.adapter: expected an object, found 'lora'"),
        ({"adapter__target_modules": "/(/"}, "training.adapter.target_modules: /(/ is not a regular expression"),
        ({"top__contract": 2}, "contract: this trainer speaks version 1 of the trainer contract, found 2"),
        ({"top__devices": []}, "devices: this trainer trains on exactly one device, found 0"),
        ({"top__probes": [{"input": 3}]}, "probes[0]: field 'instruction' is missing"),
        ({"top__probes": "x"}, "probes: expected a list, found 'x'"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as raised:
        parse(**changes)
    assert str(raised.value).startswith(message)


def test_an_option_that_is_off_is_not_in_the_way() -> None:
    assert parse(packing=False, neftune_alpha=None).training.batch_size == 8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", ":1:2: not JSON"),
        ("", ":1:1: not JSON"),
        ("[]", "expected an object, found a list of 0"),
        ("{}", "contract: missing"),
    ],
)
def test_refuses_what_is_no_trial(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "trial.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        trial.read(file)
