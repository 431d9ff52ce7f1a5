"""One tracker's time for a call that logs three metrics at a step. `driver.py NAME CALLS time|kill|count DIRECTORY`: `time`
prints the seconds of every call and of all of them until everything is written; `kill` ends itself by SIGKILL after the last
call; `count` prints how many steps are on the disk then."""

from __future__ import annotations

import glob
import json
import os
import signal
import sqlite3
import sys
import time


class Sweep:
    def __init__(self, directory):
        os.environ["SWEEP_EVENTS"] = os.path.join(directory, "events.jsonl")
        import sweep

        self.run = sweep.init()

    def log(self, step, values):
        self.run.log(values, step=step)

    def finish(self):
        self.run.finish()

    @staticmethod
    def count(directory):
        with open(os.path.join(directory, "events.jsonl")) as file:
            return sum('"type":"metrics"' in line for line in file)


class Wandb:
    def __init__(self, directory):
        os.environ.update(
            WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=directory
        )
        import wandb

        self.run = wandb.init(project="bench", dir=directory)

    def log(self, step, values):
        self.run.log(values, step=step)

    def finish(self):
        self.run.finish()

    @staticmethod
    def count(directory):
        from wandb.proto import wandb_internal_pb2

        # Its own process may still be writing.
        time.sleep(5)
        (path,) = glob.glob(os.path.join(directory, "wandb/offline-run-*/*.wandb"))
        steps = 0
        for data in _leveldb_records(path):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            steps += record.WhichOneof("record_type") == "history"
        return steps


def _leveldb_records(path):
    """The records of a log in LevelDB's format behind a header of 7 bytes: blocks of 32 KiB, parts with checksum, length and
    kind (1 whole, 2 first, 3 middle, 4 last)."""
    with open(path, "rb") as file:
        data = file.read()
    at, parts = 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        if kind == 0 or at + 7 + length > len(data):
            return
        parts = (
            data[at + 7 : at + 7 + length]
            if kind in (1, 2)
            else parts + data[at + 7 : at + 7 + length]
        )
        at += 7 + length
        if kind in (1, 4):
            yield parts


class Mlflow:
    def __init__(self, directory):
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{directory}/mlflow.db"
        import mlflow

        self.mlflow = mlflow
        mlflow.start_run()

    def log(self, step, values):
        self.mlflow.log_metrics(values, step=step)

    def finish(self):
        self.mlflow.end_run()

    @staticmethod
    def count(directory):
        database = sqlite3.connect(os.path.join(directory, "mlflow.db"))
        return database.execute("SELECT count(DISTINCT step) FROM metrics").fetchone()[
            0
        ]


class TensorBoard:
    def __init__(self, directory):
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.writer, self.event, self.summary = (
            EventFileWriter(directory),
            Event,
            Summary,
        )

    def log(self, step, values):
        held = self.summary(
            value=[
                self.summary.Value(tag=tag, simple_value=value)
                for tag, value in values.items()
            ]
        )
        self.writer.add_event(
            self.event(wall_time=time.time(), step=step, summary=held)
        )

    def finish(self):
        self.writer.close()

    @staticmethod
    def count(directory):
        from sweep_sdk.sources import TensorBoard as Files

        return sum(1 for _ in Files(directory).read(True))


class Trackio:
    def __init__(self, directory):
        os.environ["TRACKIO_DIR"] = directory
        import trackio

        self.trackio = trackio
        with open(os.devnull, "w") as nowhere:
            out, sys.stdout = sys.stdout, nowhere
            trackio.init(project="bench")
            sys.stdout = out

    def log(self, step, values):
        self.trackio.log(values, step=step)

    def finish(self):
        with open(os.devnull, "w") as nowhere:
            out, sys.stdout = sys.stdout, nowhere
            self.trackio.finish()
            sys.stdout = out

    @staticmethod
    def count(directory):
        time.sleep(5)
        files = glob.glob(os.path.join(directory, "**/*.db"), recursive=True)
        return sum(
            sqlite3.connect(file).execute("SELECT count(*) FROM metrics").fetchone()[0]
            for file in files
        )


trackers = {
    "sweep": Sweep,
    "wandb": Wandb,
    "mlflow": Mlflow,
    "tensorboard": TensorBoard,
    "trackio": Trackio,
}


def main(name: str, calls: int, mode: str, directory: str) -> None:
    if mode == "count":
        print(json.dumps({"steps": trackers[name].count(directory)}))
        return
    tracker = trackers[name](directory)
    seconds = []
    values = [
        {"train/loss": 1 / (i + 1), "train/accuracy": i / calls, "train/rate": 1e-3}
        for i in range(calls)
    ]
    begun = time.perf_counter()
    for step in range(calls):
        before = time.perf_counter()
        tracker.log(step, values[step])
        seconds.append(time.perf_counter() - before)
    if mode == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    tracker.finish()
    print(json.dumps({"calls": seconds, "total": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
