"""events.jsonl of one attempt: numbers the lines, writes each whole, and stays right when several processes of a trial
report. Owns the file alone; what is written is the Run's."""

from __future__ import annotations

import fcntl
import os
import threading
import time

# A line of this much holds any event; longer ones are found by reading further back.
_tail = 65536


def _last_seq(descriptor: int, size: int) -> tuple[int, bool]:
    """The number of the last complete line, and whether the file ends within one."""
    window = _tail
    while True:
        start = max(0, size - window)
        data = os.pread(descriptor, size - start, start)
        end = data.rfind(b"\n")
        torn = end != len(data) - 1
        if end == -1:
            if start == 0:
                return 0, size > 0
        else:
            for line in reversed(data[: end + 1].split(b"\n")):
                head, _, rest = line.partition(b'"seq":')
                digits = rest.lstrip()
                length = 0
                while length < len(digits) and digits[length : length + 1].isdigit():
                    length += 1
                if head.startswith(b"{") and length > 0:
                    return int(digits[:length]), torn
            if start == 0:
                return 0, torn
        window *= 16


class EventLog:
    """Appends events. A line is in the file when `append` returns: it survives a crash of the script."""

    def __init__(self, path: str):
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._process = 0
        self._size = -1
        self._seq = 0
        self._second = -1
        self._stamp = ""

    def _open(self) -> None:
        # A lock belongs to the open file: after a fork the child needs one of its own.
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._process = os.getpid()
        self._size = -1

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int((now - second) * 1000):03d}Z"

    def append(self, fields: str) -> None:
        """`fields`: the members of the event's JSON object without its braces. Raises OSError when the disk is full."""
        with self._lock:
            if self._process != os.getpid():
                self._open()
            descriptor = self._descriptor
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                size = os.fstat(descriptor).st_size
                torn = False
                if size != self._size:
                    self._seq, torn = _last_seq(descriptor, size)
                line = f'{{"seq":{self._seq + 1},"at":"{self._now()}",{fields}}}\n'.encode()
                if torn:
                    line = b"\n" + line
                written = os.write(descriptor, line)
                while written < len(line):
                    written += os.write(descriptor, line[written:])
                self._seq += 1
                self._size = size + len(line)
            except BaseException:
                self._size = -1
                raise
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
