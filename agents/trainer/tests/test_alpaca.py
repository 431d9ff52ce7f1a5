"""Alpaca files: every way a record can be wrong is named with its number, field and what was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sweep_trainer.contract.failures import DataError
from sweep_trainer.data.alpaca import Record, read_records

GOOD = {"instruction": "name it", "input": "", "output": "done"}


def written(folder: Path, content: Any, name: str = "data.json") -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_reads_all_fields_and_ignores_others(tmp_path: Path) -> None:
    full = {**GOOD, "input": "a cat", "system": "be brief", "history": [["hi", "hello"]], "source": "made up"}
    assert read_records(written(tmp_path, [full, {**GOOD, "input": None}])) == [
        Record("name it", "a cat", "done", "be brief", (("hi", "hello"),)),
        Record("name it", "", "done", "", ()),
    ]


def test_reads_only_the_first_records(tmp_path: Path) -> None:
    assert len(read_records(written(tmp_path, [GOOD, GOOD, {"bad": 1}]), limit=2)) == 2


def test_reads_json_lines(tmp_path: Path) -> None:
    # A line separator of Unicode inside a text is no end of a line.
    lines = [json.dumps({**GOOD, "output": "one\u2028two"}, ensure_ascii=False), "", json.dumps(GOOD)]
    records = read_records(written(tmp_path, "\n".join(lines), "data.jsonl"))
    assert [record.output for record in records] == ["one\u2028two", "done"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"instruction": "x"}, "record 2: field 'output' is missing, expected text"),
        (
            {"instruction": "x", "outptu": "y"},
            "record 2: field 'output' is missing, expected text (is it called 'outptu'?)",
        ),
        ({"instruction": 7, "output": "y"}, "record 2: field 'instruction' must be text, found 7"),
        ({"instruction": "x", "output": None}, "record 2: field 'output' must be text, found null"),
        (
            {"instruction": "x", "output": "y", "input": ["z"]},
            "record 2: field 'input' must be text, found a list of 1",
        ),
        ({"instruction": " ", "output": "y"}, "record 2: expected an instruction or an input, found both empty"),
        ("text", "record 2: expected an object with instruction and output, found 'text'"),
        ({**GOOD, "history": [["a"]]}, "record 2: field 'history' must be a list of [question, answer] pairs of texts"),
        ({**GOOD, "history": {}}, "record 2: field 'history' must be a list of [question, answer] pairs of texts"),
    ],
)
def test_names_the_record_at_fault(tmp_path: Path, second: Any, message: str) -> None:
    file = written(tmp_path, [GOOD, second])
    with pytest.raises(DataError) as raised:
        read_records(file)
    assert str(raised.value).startswith(f"{file}: {message}")
    assert raised.value.record == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("[]", "holds no records"),
        ('{"instruction": "x"}', "expected a list of Alpaca records, found an object"),
        ('[{"instruction": "x",]', ":1:22: not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_refuses_what_is_no_data(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_records(written(tmp_path, content))


def test_refuses_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_records(tmp_path / "none.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_records(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\x93NUMPY\xff")
    with pytest.raises(DataError, match=r"not UTF-8 text \(byte 0\)"):
        read_records(tmp_path / "binary.json")
    with pytest.raises(DataError, match="record 2 is not JSON") as raised:
        read_records(written(tmp_path, json.dumps(GOOD) + "\n{", "data.jsonl"))
    assert raised.value.record == 2
