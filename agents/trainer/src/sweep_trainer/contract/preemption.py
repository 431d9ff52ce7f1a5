"""SIGTERM: leave soon, with a checkpoint where there is something to save.

Owns the signal and when it may interrupt. While nothing would be lost (loading, the first evaluation, the probes) it
interrupts at once; in `deferred` parts, where a step is half done, it waits for the next `check`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_STATUS = 128 + signal.SIGTERM


class Preempted(BaseException):
    """The trial must leave now. Not an Exception, so that no handler for errors swallows it."""


class Preemption:
    """One request at most: a second signal while the first is being obeyed changes nothing."""

    def __init__(self, *signals: signal.Signals) -> None:
        self.requested = False
        self._deferred = False
        for number in signals:
            signal.signal(number, self._on_signal)

    def check(self) -> None:
        """Raises Preempted when leaving was asked for."""
        if self.requested:
            raise Preempted

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """A part that only `check` may interrupt."""
        self.check()
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        self.check()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            return
        self.requested = True
        if not self._deferred:
            raise Preempted
