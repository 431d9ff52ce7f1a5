"""`python -m sweep_trainer.winner.merge BASE ADAPTER DIR`: one model that needs no adapter.

Owns the merge and its folder, written whole or not at all.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..contract.failures import DataError
from ..process import environment
from ..training.checkpoints import write_folder


def merge(base: str, adapter: Path, target: Path) -> None:
    """Raises DataError. The weights have the precision they were loaded in."""
    from .loading import load

    answering = load(base, adapter)
    model = answering.model
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload(safe_merge=True)

    def fill(folder: Path) -> None:
        model.save_pretrained(str(folder))
        answering.tokenizer.save_pretrained(str(folder))

    target.parent.mkdir(parents=True, exist_ok=True)
    write_folder(target, fill)


def main(arguments: list[str]) -> int:
    environment.prepare()
    try:
        merge(arguments[0], Path(arguments[1]), Path(arguments[2]))
    except (DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
