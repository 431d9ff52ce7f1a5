"""Writes the quickstart's train.json and eval.json: `python make_data.py [FOLDER]`.

This file owns the mix, the sizes and the promise that no eval prompt occurs in train; what is asked is in `tasks.py`.
The same seed gives the same bytes on every Python from 3.10 on (a test compares them with the committed files).
"""

import json
import random
import sys
from pathlib import Path

from tasks import TASKS, Example

SEED = 7
SIZES = {"eval": 200, "train": 1800}


def prompt_of(row: Example) -> tuple[str, str]:
    """What makes two examples the same question, whatever style the system prompt asks for."""
    return row["instruction"], row["input"]


def make_split(split: str, size: int, taken: set[tuple[str, str]]) -> list[Example]:
    """`size` examples in the shares of `TASKS`, half English and half Chinese, none with a prompt in `taken`."""
    rng = random.Random(f"{SEED}/{split}")
    rows: list[Example] = []
    seen = set(taken)
    for task, percent in TASKS.items():
        for language in ("en", "zh"):
            wanted = size * percent // 200
            for _ in range(100 * wanted):
                if wanted == 0:
                    break
                row = task(rng, language, split)
                if prompt_of(row) in seen:
                    continue
                seen.add(prompt_of(row))
                rows.append(row)
                wanted -= 1
            if wanted > 0:
                raise SystemExit(f"{task.__name__}: {wanted} {language} prompts too few for {size} {split} examples")
    # Shuffled, so that the first rows (`max_samples`) are a fair sample of all.
    rng.shuffle(rows)
    return rows


def make_data(folder: Path) -> None:
    taken: set[tuple[str, str]] = set()
    for split, size in SIZES.items():  # eval first: it chooses its prompts, train takes from the rest
        rows = make_split(split, size, taken)
        taken |= {prompt_of(row) for row in rows}
        text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
        (folder / f"{split}.json").write_text(text, encoding="utf-8", newline="\n")
        print(f"{split}.json: {len(rows)} examples")


if __name__ == "__main__":
    make_data(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
