"""Why an attempt failed, in the contract's classes, and which exception belongs to which.

Owns the typed failures of this package and the one table that maps any other exception to a class. It does not
write events and does not decide about a retry: that is the coordinator's.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Literal

FailureClass = Literal["oom", "diverged", "data", "dependency", "bug"]
MemoryKind = Literal["cuda", "rocm", "mps", "bitsandbytes", "host"]


class DataError(Exception):
    """The model, the data or the configuration is not what it must be; `record` is the 1-based record at fault."""

    def __init__(self, message: str, record: int | None = None) -> None:
        super().__init__(message)
        self.record = record


class Diverged(Exception):
    """A loss is no longer finite."""


class Unavailable(Exception):
    """Something this configuration needs is not installed, or not there on this machine."""


@dataclass(frozen=True)
class Failure:
    """What a `failed` event says: the class, one sentence for a person, and a traceback where it helps."""

    kind: FailureClass
    message: str
    detail: str | None


# What allocators say when they are refused memory. Raised as plain RuntimeErrors by torch's CPU allocator and by the
# CUDA libraries, so that only the text tells them apart.
_OUT_OF_MEMORY = re.compile(
    r"can(no|')?t allocate memory|not enough memory|out[ _]of[ _]memory|OutOfMemory|bad_alloc"
    r"|(?:BLAS|DNN)_STATUS_ALLOC_FAILED|MemoryAllocation"
    # bitsandbytes' kernels; oneDNN, whose scratch memory is refused.
    r"|cudaMalloc\w* failed|could not create a memory",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(r"(?:allocate|of|mmap)\s+([\d.]+\s*(?:bytes|[KMGT]i?B))", re.IGNORECASE)
_NO_MEMORY = 12  # errno ENOMEM


def classify(
    error: BaseException, peak_host_bytes: int = 0, peak_device_bytes: int = 0, tried: str | None = None
) -> Failure:
    """The failure that `error` is. The peaks, in bytes, go into the sentence of an `oom`, and what was `tried` at last
    where nothing that keeps the result is left to try."""
    if isinstance(error, DataError):
        return Failure("data", str(error), None)
    if isinstance(error, Diverged):
        return Failure("diverged", str(error), None)
    if is_out_of_memory(error):
        return Failure("oom", _memory_sentence(error, peak_host_bytes, peak_device_bytes, tried), _trace(error))
    if isinstance(error, Unavailable):
        return Failure("dependency", str(error), None)
    if isinstance(error, ImportError):
        missing = (
            f"the Python package {error.name!r} is missing or broken" if error.name else "a Python package is broken"
        )
        return Failure("dependency", f"{missing}: {_first_line(error)}", _trace(error))
    return Failure("bug", f"{type(error).__name__}: {_first_line(error)}", _trace(error))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator, of the host or of a device, was refused memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == _NO_MEMORY
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None


# Who refused the memory, by what it says; the first that matches. Whatever else a device of torch says is CUDA's.
_REFUSALS: tuple[tuple[MemoryKind, re.Pattern[str]], ...] = (
    ("mps", re.compile(r"MPS backend", re.IGNORECASE)),
    ("rocm", re.compile(r"\bhip|rocm|rocblas|miopen", re.IGNORECASE)),
    ("bitsandbytes", re.compile(r"error out of memory at line|cudaMalloc\w* failed|bitsandbytes", re.IGNORECASE)),
    ("cuda", re.compile(r"cuda|cublas|cudnn|torch\.OutOfMemoryError", re.IGNORECASE)),
)


def memory_kind(error: BaseException) -> MemoryKind:
    """Which allocator refused memory, of an error that is out of memory."""
    # A path may name anything.
    text = re.sub(r"\S*/\S*", "", f"{type(error).__module__}.{type(error).__name__}: {error}")
    return next((kind for kind, words in _REFUSALS if words.search(text)), "host")


def _memory_sentence(error: BaseException, peak_host_bytes: int, peak_device_bytes: int, tried: str | None) -> str:
    asked = _ASKED_FOR.search(str(error))
    parts = [f"out of memory: {asked.group(1)} were asked for" if asked else "out of memory"]
    if peak_device_bytes:
        parts.append(f"the device's peak was {_gib(peak_device_bytes)}")
    if peak_host_bytes:
        parts.append(f"the process's peak was {_gib(peak_host_bytes)}")
    if tried is not None:
        return ", ".join(parts) + f"; even {tried} is too much: lower max_length, or take a quantised variant"
    return ", ".join(parts) + "; lower micro_batch_size or max_length, or turn gradient_checkpointing on"


def _gib(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else "no message"


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
