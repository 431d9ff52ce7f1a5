"""The SDK of sweep for Python scripts. Depends on the standard library alone and imports a training library only when a
callback for it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asktell import AskTell, Trial, ask_tell
from .config import Config
from .failure import SweepError
from .requests import Request
from .run import Run, current, init, log

if TYPE_CHECKING:
    from .callbacks import SweepCallback

__version__ = "0.1.0"
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
    if name == "SweepCallback":
        from . import callbacks

        return callbacks.SweepCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
