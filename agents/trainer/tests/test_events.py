"""The two files an agent and a trainer talk through."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tiny

from sweep_trainer.contract.control import Control
from sweep_trainer.contract.events import AttemptUsed, EventLog


def test_lines_are_numbered_stamped_and_valid_json(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    values = {"a": float("nan"), "b": float("inf"), "c": -float("inf"), "d": 0.1}
    log.append("metrics", step=1, values=values)
    log.append("sample", answer="über\n“日本”")
    log.append("finished", step=1)
    first, second, third = tiny.events(tmp_path)
    assert [first["seq"], second["seq"], third["seq"]] == [1, 2, 3]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["at"])
    assert first["values"] == {"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 0.1}
    assert second["answer"] == "über\n“日本”"
    with pytest.raises(RuntimeError):
        log.append("failed")
    assert len(tiny.events(tmp_path)) == 3


def test_a_secret_of_the_environment_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary_0123456789")
    monkeypatch.setenv("HF_TOKEN_PATH", "/root/.cache/token")
    monkeypatch.setenv("SHORT_SECRET", "true")
    log = EventLog(tmp_path / "events.jsonl")
    log.append("failed", message="401 for hf_canary_0123456789", detail=["true", {"hf_canary_0123456789": 1}])
    text = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    assert "hf_canary" not in text
    (event,) = tiny.events(tmp_path)
    assert (event["message"], event["detail"]) == ("401 for [redacted]", ["true", {"[redacted]": 1}])


def test_a_used_directory_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"seq":1}\n', encoding="utf-8")
    with pytest.raises(AttemptUsed, match="a directory of its own"):
        EventLog(tmp_path / "events.jsonl")
    assert tiny.events(tmp_path) == [{"seq": 1}]


def test_control_waits_for_whole_lines_and_skips_nonsense(tmp_path: Path) -> None:
    file = tmp_path / "control.jsonl"
    control = Control(file)
    assert control.poll() is None
    request = json.dumps({"type": "stop", "reason": "rung 1"})
    with file.open("a", encoding="utf-8") as appended:
        appended.write('nonsense\n[1]\n{"type": "other"}\n' + request[:9])
        appended.flush()
        assert control.poll() is None
        appended.write(request[9:])
        appended.flush()
        assert control.poll() is None
        appended.write("\n")
        appended.flush()
        assert control.poll() == "rung 1"
    assert control.poll() == "rung 1"
