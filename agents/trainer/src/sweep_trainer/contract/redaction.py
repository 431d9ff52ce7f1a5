"""Secrets of the environment, and text without them.

Owns which variables hold one and taking their values out of what the trainer writes into events.jsonl: a library's
error message can quote the token it was given. The agent does the same for whatever leaves the host.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

_SECRET = re.compile(
    r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|AUTH|CREDENTIALS?)(_|$)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"_(PATH|FILE|DIR|URL|URI|HOST)$", re.IGNORECASE)
# scheme://user:password@host, as proxies, package indexes and databases are named.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/:@]*):([^\s/@]+)@")
# Shorter values are words, numbers and switches, which stand everywhere.
_SHORTEST = 8


def secrets(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The values of the variables that hold a secret by their names, longest first."""
    values = {value.strip() for name, value in environment.items() if _SECRET.search(name) and not _PLACE.search(name)}
    named = {value for value in values if len(value) >= _SHORTEST}
    return tuple(sorted(named | _in_addresses(environment.values()), key=len, reverse=True))


def _in_addresses(values: Iterable[str]) -> set[str]:
    """Passwords in addresses: with the user's name whatever their length, alone when long enough."""
    found: set[str] = set()
    for value in values:
        for user, password in _ADDRESS.findall(value):
            found.add(f"{user}:{password}@")
            found |= {text for text in (password, unquote(password)) if len(text) >= _SHORTEST}
    return found


def redact(text: str, values: tuple[str, ...]) -> str:
    """`text` with `[redacted]` in the place of every one of `values`."""
    for value in values:
        text = text.replace(value, "[redacted]")
    return text
