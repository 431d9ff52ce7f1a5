"""`python -m sweep_sdk.watch PROGRAM …`: runs a program that reports nothing itself and reads its metrics from where
`metrics_from` of trial.json says. Owns the program's life as far as this is between it and the agent: signals are passed
on, and the program's end is this process's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from .numbers import number
from .run import init
from .sources import sources_of

# Seconds between two looks at the files.
_look = 0.2


def main(argv: list[str]) -> int:
    run = init()
    with open(os.environ["SWEEP_CONFIG"], encoding="utf-8") as file:
        wanted = json.load(file).get("metrics_from") or {}
    stdout = os.path.join(os.environ["SWEEP_DIRECTORY"], "stdout.log")
    # Below the attempt's own folder, where no other trial writes, or where the program runs.
    sources = sources_of(wanted, [os.environ["SWEEP_DIRECTORY"], os.getcwd()], stdout)
    for source in sources:
        # What an earlier run left there is not this trial's.
        source.skip()
    try:
        program = subprocess.Popen(argv)
    except OSError as error:
        print(f"cannot start {argv[0]}: {error.strerror}", file=sys.stderr)
        return 127

    def forward(received: int, _frame: Any) -> None:
        program.send_signal(received)

    for received in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(received, forward)

    def read(last: bool) -> None:
        for source in sources:
            for step, epoch, numbers in source.read(last):
                found = {name: value for name, value in numbers.items() if number(value) is not None}
                run.record(found, step, epoch, source="files")

    while program.poll() is None:
        try:
            program.wait(_look)
        except subprocess.TimeoutExpired:
            read(False)
    read(True)
    code = program.returncode
    if code >= 0:
        return code
    # Ended by a signal: so does this process, that the agent sees which.
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
