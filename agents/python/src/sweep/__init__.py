"""The public names of the SDK. The implementation has a name of its own (sweep_sdk), because many scripts have a
`sweep.py` beside them, and the stand-ins have to find the SDK nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweep_sdk import AskTell, Config, Request, Run, SweepError, Trial, ask_tell, current, init, log

if TYPE_CHECKING:
    from sweep_sdk import SweepCallback

__all__ = [
    "AskTell",
    "Config",
    "Request",
    "Run",
    "SweepCallback",
    "SweepError",
    "Trial",
    "ask_tell",
    "current",
    "init",
    "log",
]


def __getattr__(name: str) -> Any:
    # A training library is imported only by a script that uses its callback.
    if name == "SweepCallback":
        import sweep_sdk

        return sweep_sdk.SweepCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
