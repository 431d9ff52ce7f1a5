"""What the SDK tells the person at the terminal: one line on standard error, each once."""

from __future__ import annotations

import sys

_told: set[str] = set()


def notice(text: str) -> None:
    """Prints the line unless this process has printed it before."""
    if text in _told:
        return
    _told.add(text)
    print(f"sweep: {text}", file=sys.stderr, flush=True)
