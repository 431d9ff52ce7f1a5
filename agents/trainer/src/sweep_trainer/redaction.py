"""Secrets of the environment, and text without them.

Owns which variables hold one and taking their values out of what the trainer writes into events.jsonl: a library's
error message can quote the token it was given. The agent does the same for whatever leaves the box.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_SECRET = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|AUTH|CREDENTIALS?)(_|$)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"_(PATH|FILE|DIR|URL|URI|HOST)$", re.IGNORECASE)
# Shorter values are words, numbers and switches, which stand everywhere.
_SHORTEST = 8


def secrets(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The values of the variables that hold a secret by their names, longest first."""
    values = {value.strip() for name, value in environment.items() if _SECRET.search(name) and not _PLACE.search(name)}
    return tuple(sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True))


def redact(text: str, values: tuple[str, ...]) -> str:
    """`text` with `[redacted]` in the place of every one of `values`."""
    for value in values:
        text = text.replace(value, "[redacted]")
    return text
