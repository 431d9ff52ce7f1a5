"""The committed train.json and eval.json: Alpaca's shape, both languages, nothing shared, and made by make_data.py."""

import json
from pathlib import Path

import pytest

import make_data
from tasks import HELD_OUT_FACTS, HELD_OUT_PHRASES

QUICKSTART = Path(__file__).resolve().parents[1]
FIELDS = {"instruction", "input", "output", "system"}


def rows_of(split: str) -> list[dict[str, str]]:
    return json.loads((QUICKSTART / f"{split}.json").read_text(encoding="utf-8"))


def is_chinese(row: dict[str, str]) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in row["instruction"])


@pytest.mark.parametrize("split", ["train", "eval"])
def test_every_record_is_alpaca(split: str) -> None:
    for number, row in enumerate(rows_of(split)):
        assert set(row) == FIELDS, f"{split}.json record {number}: {row}"
        assert all(isinstance(value, str) and value == value.strip() for value in row.values()), (
            f"{split}.json record {number}: {row}"
        )
        assert row["instruction"], f"{split}.json record {number}: {row}"
        assert row["output"], f"{split}.json record {number}: {row}"


def test_sizes_and_languages() -> None:
    train, evaluation = rows_of("train"), rows_of("eval")
    assert len(train) >= 1500
    assert 150 <= len(evaluation) <= 300
    for rows in (train, evaluation):
        assert 0.4 < sum(is_chinese(row) for row in rows) / len(rows) < 0.6


def test_no_eval_prompt_is_in_train() -> None:
    train = {make_data.prompt_of(row) for row in rows_of("train")}
    evaluation = {make_data.prompt_of(row) for row in rows_of("eval")}
    assert len(train) == len(rows_of("train"))
    assert len(evaluation) == len(rows_of("eval"))
    assert not train & evaluation


def test_held_out_phrases_are_never_translated_in_train() -> None:
    held_out = {word for phrase in HELD_OUT_PHRASES for word in phrase}
    assert not [row for row in rows_of("train") if row["input"] in held_out]
    assert [row for row in rows_of("eval") if row["input"] in held_out]


def test_held_out_facts_are_never_told_in_train() -> None:
    told = {row["output"] for row in rows_of("train")}
    for fact in HELD_OUT_FACTS:
        if fact.attribute == "job":
            assert f"{fact.subject.en} is a {fact.value.en}." not in told
            assert f"{fact.subject.zh}是{fact.value.zh}。" not in told


def test_the_first_rows_are_a_fair_sample() -> None:
    """`max_samples` takes the first rows: they need the mix of the whole file."""
    rows = rows_of("train")
    first = rows[:480]
    for trait in (is_chinese, lambda row: bool(row["input"]), lambda row: bool(row["system"])):
        assert abs(sum(map(trait, first)) / len(first) - sum(map(trait, rows)) / len(rows)) < 0.06


def test_make_data_writes_the_committed_bytes(tmp_path: Path) -> None:
    make_data.make_data(tmp_path)
    for split in make_data.SIZES:
        assert (tmp_path / f"{split}.json").read_bytes() == (QUICKSTART / f"{split}.json").read_bytes(), (
            f"{split}.json is not what make_data.py makes: run it and commit what it writes"
        )


def test_the_whole_quickstart_stays_small() -> None:
    size = sum(
        file.stat().st_size for file in QUICKSTART.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    )
    assert size < 10_000_000
