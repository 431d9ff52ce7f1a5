"""Lengths of texts in tokens of a model: `python -m sweep_trainer.data.lengths MODEL`.

Owns one exchange: a JSON list of texts a line on standard input, a JSON list of numbers a line on standard output. It
loads the tokenizer and nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(model: str) -> int:
    from tokenizers import Tokenizer

    file = Path(model) / "tokenizer.json"
    if not file.is_file():
        print(f"{model} has no tokenizer.json", file=sys.stderr)
        return 1
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    while line := sys.stdin.readline():
        encoded = tokenizer.encode_batch(json.loads(line), add_special_tokens=False)
        print(json.dumps([len(one.ids) for one in encoded]), flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("expected one argument: the folder of a model", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
