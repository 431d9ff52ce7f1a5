"""The public names of the SDK. The implementation has a name of its own (sweep_sdk), because many scripts have a
`sweep.py` beside them, and the stand-ins have to find the SDK nevertheless."""

from sweep_sdk import AskTell, Config, Request, Run, SweepCallback, SweepError, Trial, ask_tell, current, init, log

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
