"""Out of memory is answered by steps in smaller pieces that give the same result; the limit here is a real one, of the
process' address space, so that torch's own allocator is refused."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from conftest import World

from sweep_trainer.contract.failures import classify, is_out_of_memory, memory_kind
from sweep_trainer.model.memory_ladder import Rung, below

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited on Linux only")

QUICKSTART = Path(__file__).parents[3] / "sweeps/quickstart/base-model"
_PROGRAM = """
import sys
from sweep_trainer.__main__ import main
status = main(["run", sys.argv[1]])
print(next(line for line in open("/proc/self/status") if line.startswith("VmPeak:")).split()[1])
sys.exit(status)
"""


def run(directory: Path, address_space: int | None = None) -> tuple[int, int]:
    """Exit status and the peak of the address space in bytes, of a process that may have no more than
    `address_space`."""

    def limit() -> None:
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    # Freed memory goes back to the system at once, so that the limit counts what is in use.
    environment = {**tiny.environment(), "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, directory],
        env=environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, int(done.stdout.split()[-1]) * 1024


@pytest.fixture(scope="module")
def attempt(world: World, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("out-of-memory")
    long = [{"instruction": f"say {index}", "input": "", "output": "north bread seven " * 100} for index in range(64)]
    data = folder / "long.json"
    data.write_text(json.dumps(long), encoding="utf-8")
    short = folder / "short.json"
    short.write_text(json.dumps([{"instruction": "say", "input": "", "output": "yes"}]), encoding="utf-8")

    def make(name: str, **changes: Any) -> Path:
        settings: dict[str, Any] = {
            "model": str(QUICKSTART),
            "data__train": str(data),
            "data__eval": str(short),
            "adapter__dropout": 0.0,
            "batch_size": 32,
            "micro_batch_size": 32,
            "max_length": 256,
            "schedule__epochs": 1,
        }
        return tiny.write_attempt(folder / name, world.trial(**{**settings, **changes}))

    return make


def test_a_step_that_does_not_fit_is_done_in_pieces_with_the_same_result(attempt: Any) -> None:
    free = attempt("free")
    status, whole = run(free)
    assert status == 0
    _, small = run(attempt("small", micro_batch_size=8))
    assert whole - small > 2**28, "the two must differ for the limit between them to mean anything"
    limited = attempt("limited")
    status, _ = run(limited, (whole + small) // 2)
    assert status == 0
    changes = [event for event in tiny.of_type(limited, "memory") if "next" in event]
    assert [change["out_of_memory"]["micro_batch_size"] for change in changes][:1] == [32]
    assert changes[-1]["next"]["micro_batch_size"] in (8, 16)
    assert {change["kind"] for change in changes} == {"host"}
    assert len(tiny.of_type(limited, "started")) == 1
    for name in ("eval/loss", "train/loss"):
        expected, found = tiny.curve(free, name), tiny.curve(limited, name)
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, abs=1e-5)
    steps = [(event["step"], name) for event in tiny.of_type(limited, "metrics") for name in event["values"]]
    assert len(steps) == len(set(steps)), "nothing is reported twice"


def test_what_fits_in_no_way_fails_once_and_says_what_was_tried(attempt: Any) -> None:
    _, least = run(attempt("least", batch_size=1, micro_batch_size=1, max_length=8, schedule__max_steps=1))
    # Not even one sequence: less than its activations beyond what one of eight tokens takes.
    directory = attempt("none", batch_size=2, micro_batch_size=2, max_length=512)
    status, _ = run(directory, least - 2**20)
    assert status == 1
    failed = tiny.events(directory)[-1]
    assert (failed["type"], failed["class"]) == ("failed", "oom")
    assert "out of memory" in failed["message"]
    assert failed["memory"]["kind"] == "host"
    tried = failed["memory"]["tried"]
    assert tried is None or tried["micro_batch_size"] == 1, "down to one sequence, or not even loaded"


def test_the_order_of_the_ladder() -> None:
    rungs, rung = [], below(Rung(12, False), 12)
    while rung is not None:
        rungs.append((rung.micro_batch_size, rung.gradient_checkpointing))
        rung = below(rung, 12)
    assert rungs == [(6, False), (3, False), (1, False), (1, True)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cuda", "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB"),
        ("rocm", "HIP out of memory. Tried to allocate 20.00 MiB"),
        ("rocm", "HIP error: hipErrorOutOfMemory"),
        ("mps", "MPS backend out of memory (MPS allocated: 17.93 GB, other: 180.19 MB, max allowed: 18.13 GB)"),
        ("cuda", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        ("cuda", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        ("bitsandbytes", "Error out of memory at line 380 in file /src/csrc/pythonInterface.cpp"),
        ("cuda", "CUDA driver error: CUDA_ERROR_OUT_OF_MEMORY"),
        ("host", "unable to mmap 42 bytes from file </home/gpu/cuda/model.safetensors>: Cannot allocate memory (12)"),
        (
            "host",
            "[enforce fail at alloc_cpu.cpp:128] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
            "allocate 8589934592 bytes. Error code 12 (Cannot allocate memory)",
        ),
    ],
)
def test_what_allocators_say_is_known(kind: str, text: str) -> None:
    assert memory_kind(RuntimeError(text)) == kind
    assert is_out_of_memory(RuntimeError(text))
    assert classify(RuntimeError(text), 2**30, 0, "micro_batch_size 1").kind == "oom"
    assert not is_out_of_memory(ValueError("expected memory format"))
