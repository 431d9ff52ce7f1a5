"""`python -m sweep_llamafactory run DIR | host | keys | describe`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from sweep_trainer.contract.events import AttemptUsed
from sweep_trainer.contract.preemption import EXIT_STATUS, Preempted, Preemption

from . import attempt, distributed, environment

_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    parser = argparse.ArgumentParser(prog="sweep_llamafactory", description="Trains trials with LLaMA-Factory.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("run", "train the attempt in a directory and exit"), ("worker", "one process of several")):
        command = commands.add_parser(name, help=text)
        command.add_argument("directory", type=Path, help="holds trial.json; receives events.jsonl, adapter/")
    commands.add_parser("host", help="train one attempt after another, asked for on standard input")
    commands.add_parser("keys", help="print the keys of LLaMA-Factory's configurations, as JSON")
    commands.add_parser("describe", help="print the versions in use, as JSON")
    parsed = parser.parse_args(arguments)
    environment.prepare()
    if parsed.command == "host":
        from .host import serve

        return serve()
    if parsed.command == "keys":
        with contextlib.redirect_stdout(sys.stderr):  # LLaMA-Factory prints while it is imported
            from .keys import keys

            found = keys()
        print(json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True))
        return 0
    if parsed.command == "describe":
        from .callback import versions

        print(json.dumps({"package": "sweep-llamafactory", "contract": 1, "versions": versions()}))
        return 0
    if not parsed.directory.is_dir():
        print(f"{parsed.directory} is not a folder that exists", file=sys.stderr)
        return _USAGE
    if parsed.command == "run" and (count := distributed.processes(parsed.directory)) > 1:
        return distributed.run(parsed.directory, count)
    return _run(parsed.directory, attempt.worker_rank())


def _run(directory: Path, rank: int) -> int:
    preemption = Preemption(signal.SIGTERM, signal.SIGINT)
    try:
        status = attempt.run(directory, preemption, warm=False, rank=rank)
    except Preempted:
        status = "preempted"
    except (AttemptUsed, OSError) as error:
        print(error, file=sys.stderr)
        return _USAGE
    if status == "preempted" and "WORLD_SIZE" in os.environ and rank == 0:
        (directory / "llamafactory" / "preempted").touch()
    return {"finished": 0, "failed": 1, "preempted": EXIT_STATUS}[status]


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
