"""The committed pictures and questions are what their script makes, and the model's processor sees them as intended."""

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image
from transformers import AutoProcessor

FOLDER = Path(__file__).parents[1]


def test_the_data_is_what_its_script_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "make_data.py", tmp_path], check=True, timeout=120)
    for name in ("train.json", "eval.json"):
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text()
    made = sorted(file.name for file in (tmp_path / "images").iterdir())
    assert made == sorted(file.name for file in (FOLDER / "images").iterdir())
    for name in made:
        assert Image.open(tmp_path / "images" / name).tobytes() == Image.open(FOLDER / "images" / name).tobytes()


def test_no_eval_picture_is_trained_on_and_no_answer_is_the_only_one() -> None:
    train, held_out = (json.loads((FOLDER / name).read_text()) for name in ("train.json", "eval.json"))
    assert {tuple(record["images"]) for record in train}.isdisjoint(tuple(record["images"]) for record in held_out)
    answers: dict[str, set[str]] = {}
    for record in train:
        answers.setdefault(record["instruction"].split()[0], set()).add(record["output"])
    assert all(len(found) > 1 for found in answers.values()), answers


def test_a_picture_is_a_token_a_corner() -> None:
    processor = AutoProcessor.from_pretrained(FOLDER / "base-model")
    record = json.loads((FOLDER / "eval.json").read_text())[0]
    image = Image.open(FOLDER / record["images"][0])
    made = processor(text=["<image>\nWhere?"], images=[[image]], return_mm_token_type_ids=True)
    assert sum(made["mm_token_type_ids"][0]) == 4
