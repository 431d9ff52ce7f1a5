"""The trial that does nothing: one value, as a line of standard output and, where sweep started it, as its events."""

import os

path = os.environ.get("SWEEP_EVENTS")
if path is not None:
    at = '"at": "2026-01-01T00:00:00Z"'
    with open(path, "a") as events:
        events.write(
            f'{{"seq": 1, {at}, "type": "started", "pid": {os.getpid()}, "warm": false, "versions": {{}}, "device": "cpu"}}\n'
            f'{{"seq": 2, {at}, "type": "finished", "step": 1, "values": {{"loss": 1}}, "interrupted": false}}\n'
        )
print(1)
