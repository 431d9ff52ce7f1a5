"""Writes the pictures and the questions about them: `python make_data.py [FOLDER]`.

This file owns what is in `train.json`, `eval.json` and `images/`, and in which order; what can be asked is in
`pictures.py`. The eval pictures are others than those trained on.
"""

import argparse
import json
import random
from pathlib import Path

import pictures

SEED = 7
PICTURES = {"train": 192, "eval": 60}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent)
    folder = parser.parse_args().folder
    (folder / "images").mkdir(parents=True, exist_ok=True)
    seen: set[pictures.Picture] = set()
    for name, count in PICTURES.items():
        rng = random.Random(f"{SEED}/{name}")
        records = []
        for number in range(count):
            picture = pictures.random_picture(rng)
            while picture in seen:
                picture = pictures.random_picture(rng)
            seen.add(picture)
            file = f"images/{name}-{number:03d}.png"
            pictures.by_other_camera(pictures.draw(picture, rng)).save(folder / file, optimize=True)
            records += [
                {"instruction": question, "input": "", "output": answer, "images": [file]}
                for question, answer in pictures.questions(picture)
            ]
        rng.shuffle(records)
        lines = ",\n".join(json.dumps(record) for record in records)
        (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
