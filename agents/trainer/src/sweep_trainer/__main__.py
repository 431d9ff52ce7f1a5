"""`python -m sweep_trainer COMMAND`: the commands of the trainer contract.

Owns arguments and exit statuses: 0 finished or valid, 1 failed or not valid, 2 wrong use, 143 preempted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from . import __version__
from .contract import attempt
from .contract.events import AttemptUsed
from .contract.preemption import EXIT_STATUS, Preempted, Preemption
from .process import environment

_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    parser = argparse.ArgumentParser(prog="sweep_trainer", description="Trains fine-tuning trials with PEFT.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train the attempt in a directory and exit")
    run.add_argument("directory", type=Path, help="holds trial.json; receives events.jsonl, checkpoints/, adapter/")
    commands.add_parser("host", help="train one attempt after another, asked for on standard input")
    commands.add_parser("describe", help="print what can be trained on this machine, as JSON")
    check = commands.add_parser("check", help="validate a trial without training it; prints JSON")
    check.add_argument("trial", type=Path, help="a trial.json")
    parsed = parser.parse_args(arguments)
    if parsed.command == "run":
        return _run(parsed.directory)
    if parsed.command == "host":
        from .process.host import serve

        return serve()
    if parsed.command == "describe":
        from .process.describe import describe

        print(json.dumps(describe(), indent=1))
        return 0
    from .process.check import check as checked

    result = checked(parsed.trial)
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["ok"] else 1


def _run(directory: Path) -> int:
    if not directory.is_dir():
        print(f"{directory} is not a folder that exists", file=sys.stderr)
        return _USAGE
    environment.prepare()
    preemption = Preemption(signal.SIGTERM, signal.SIGINT)
    try:
        status = attempt.run(directory, None, preemption)
    except Preempted:
        return EXIT_STATUS
    except (AttemptUsed, OSError) as error:
        print(error, file=sys.stderr)
        return _USAGE
    return {"finished": 0, "failed": 1, "preempted": EXIT_STATUS}[status]


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Past the interpreter's own shutdown, which takes its time over a loaded torch and has nothing left to save.
    os._exit(code)
