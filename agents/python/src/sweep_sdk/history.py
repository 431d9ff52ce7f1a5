"""`python -m sweep_sdk.history PATH`: what another tool has recorded, as one JSON object of trials with their parameters and
curves. Reads transformers' and LLaMA-Factory's output folders, TensorBoard's event files, W&B's offline runs, Optuna's and
MLflow's SQLite databases; none of these libraries is needed."""

from __future__ import annotations

import glob
import json
import os
import re
import sqlite3
import struct
import sys
from collections.abc import Iterator
from typing import Any

from .callbacks import _renamed
from .failure import SweepError
from .numbers import text
from .sources import TensorBoard, _fields


def _trial(
    parameters: dict[str, Any], points: dict[float, dict[str, float]], failed: bool = False, **more: Any
) -> dict[str, Any]:
    reports = [{"step": step, "values": points[step]} for step in sorted(points)]
    return {"parameters": parameters, "failed": failed, "reports": reports, "values": {}, **more}


def _scalar(value: Any) -> Any:
    """A parameter as a sweep holds it: lists and maps as their JSON text."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else json.dumps(value)


def _guess(value: str) -> Any:
    try:
        read = json.loads(value)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(value, value)
    return _scalar(read)


def _card(folder: str) -> dict[str, Any]:
    """The parameters that a model card lists, and those of the adapter beside it."""
    found: dict[str, Any] = {}
    try:
        with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
            section = file.read().partition("hyperparameters")[2].partition("\n#")[0]
        for name, value in re.findall(r"^- (\w+): (.+)$", section, re.MULTILINE):
            found[name] = _guess(value.strip())
    except OSError:
        pass
    try:
        with open(os.path.join(folder, "adapter_config.json"), encoding="utf-8") as file:
            adapter = json.load(file)
        for name, key in (("rank", "r"), ("alpha", "lora_alpha"), ("dropout", "lora_dropout")):
            if key in adapter:
                found[name] = adapter[key]
    except (OSError, ValueError):
        pass
    return found


def trainer_states(paths: list[str]) -> list[dict[str, Any]]:
    trials = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
            raise SweepError(_unknown(path))
        points: dict[float, dict[str, float]] = {}
        for row in state.get("log_history", []):
            numbers = {k: v for k, v in _renamed(row).items() if isinstance(v, (int, float)) and k != "train/step"}
            points.setdefault(row.get("step", 0), {}).update(numbers)
        parameters = {"batch_size": state.get("train_batch_size"), "epochs": state.get("num_train_epochs")}
        parameters = {k: v for k, v in parameters.items() if v is not None}
        trials.append(_trial({**parameters, **_card(os.path.dirname(path) or ".")}, points))
    return trials


def tensorboard(folder: str) -> list[dict[str, Any]]:
    trials = []
    files = glob.glob(os.path.join(glob.escape(folder), "**", "*tfevents*"), recursive=True)
    for run in sorted({os.path.dirname(file) for file in files}):
        points: dict[float, dict[str, float]] = {}
        for step, _, numbers in TensorBoard(run, nested=False).read(True):
            points.setdefault(step, {}).update(numbers)
        if points:
            trials.append(_trial({"run": os.path.relpath(run, folder)}, points))
    return trials


def _leveldb(path: str) -> Iterator[bytes]:
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
        part = data[at + 7 : at + 7 + length]
        parts = part if kind in (1, 2) else parts + part
        at += 7 + length
        if kind in (1, 4):
            yield parts


def _items(message: bytes) -> Iterator[tuple[str, Any]]:
    """The name and value of W&B's items: `key` or the parts of `nested_key`, and `value_json`."""
    name, parts, value = "", [], None
    for field, content in _fields(message):
        if field == 1:
            name = content.decode()
        elif field == 2:
            parts.append(content.decode())
        elif field == 16:
            value = json.loads(content)
    yield ".".join(parts) or name, value


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, value


def wandb_runs(paths: list[str]) -> list[dict[str, Any]]:
    trials = []
    for path in paths:
        parameters: dict[str, Any] = {}
        points: dict[float, dict[str, float]] = {}
        code: int | None = None
        for record in _leveldb(path):
            for field, content in _fields(record):
                if field == 2:
                    row = dict(pair for f, item in _fields(content) if f == 1 for pair in _items(item))
                    step = row.pop("_step", len(points))
                    numbers = dict(pair for name, value in row.items() for pair in _flat(name, value))
                    kept = {k: v for k, v in numbers.items() if type(v) in (int, float) and not k.startswith("_")}
                    points.setdefault(step, {}).update(kept)
                elif field in (5, 17):
                    configs = [content] if field == 5 else [c for f, c in _fields(content) if f == 4]
                    for config in configs:
                        for f, item in _fields(config):
                            if f == 1:
                                for name, value in _items(item):
                                    parameters.update({} if name.startswith("_wandb") else dict(_flat(name, value)))
                elif field == 18:
                    code = next((value for f, value in _fields(content) if f == 1), 0)
        trials.append(_trial({k: _scalar(v) for k, v in parameters.items()}, points, failed=bool(code)))
    return trials


def optuna(database: sqlite3.Connection) -> list[dict[str, Any]]:
    trials = []
    states = {"COMPLETE": False, "PRUNED": False, "FAIL": True}
    rows = database.execute("SELECT trial_id, state FROM trials ORDER BY study_id, number").fetchall()
    for identity, state in rows:
        if state not in states:
            continue
        parameters: dict[str, Any] = {}
        wanted = "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?"
        for name, value, text_ in database.execute(wanted, (identity,)):
            distribution = json.loads(text_)
            kind, attributes = distribution["name"], distribution["attributes"]
            if kind == "CategoricalDistribution":
                parameters[name] = _scalar(attributes["choices"][int(value)])
            else:
                parameters[name] = int(value) if "Int" in kind else value
        wanted = "SELECT step, intermediate_value FROM trial_intermediate_values WHERE trial_id = ? ORDER BY step"
        points = {step: {"value": value} for step, value in database.execute(wanted, (identity,)) if value is not None}
        wanted = "SELECT objective, value FROM trial_values WHERE trial_id = ? ORDER BY objective"
        values = {f"value_{n}" if n else "value": v for n, v in database.execute(wanted, (identity,)) if v is not None}
        trials.append(_trial(parameters, points, states[state], **{"values": values}))
    return trials


def mlflow(database: sqlite3.Connection) -> list[dict[str, Any]]:
    trials = []
    wanted = "SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time"
    for identity, status in database.execute(wanted).fetchall():
        rows = database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (identity,))
        parameters = {name: _guess(value) for name, value in rows}
        points: dict[float, dict[str, float]] = {}
        wanted = "SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY step, timestamp"
        for name, step, value, is_nan in database.execute(wanted, (identity,)):
            points.setdefault(step, {})[name] = float("nan") if is_nan else value
        trials.append(_trial(parameters, points, status == "FAILED"))
    return trials


def _tables(path: str) -> sqlite3.Connection | None:
    with open(path, "rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            return None
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def read(path: str) -> dict[str, Any]:
    """Raises SweepError when nothing there is known."""
    if not os.path.exists(path):
        raise SweepError(f"{path}: no such file or folder")
    goal, found = "minimize", []
    if os.path.isfile(path):
        database = _tables(path)
        if database is not None:
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "study_directions" in names:
                direction = database.execute("SELECT direction FROM study_directions ORDER BY objective").fetchone()
                goal = "maximize" if direction and direction[0] == "MAXIMIZE" else "minimize"
                return {"source": "Optuna", "goal": goal, "trials": optuna(database)}
            if {"runs", "params", "metrics"} <= names:
                return {"source": "MLflow", "goal": goal, "trials": mlflow(database)}
        if path.endswith(".wandb"):
            return {"source": "W&B", "goal": goal, "trials": wandb_runs([path])}
        if path.endswith(".json"):
            return {"source": "transformers", "goal": goal, "trials": trainer_states([path])}
        raise SweepError(_unknown(path))
    inside = glob.escape(path)
    # `latest-run` is a link to one of the others.
    runs = {os.path.realpath(run) for run in glob.glob(f"{inside}/**/*.wandb", recursive=True)}
    found = sorted(runs, key=lambda run: os.path.basename(os.path.dirname(run)))
    if found:
        return {"source": "W&B", "goal": goal, "trials": wandb_runs(found)}
    found = sorted(glob.glob(f"{inside}/**/trainer_state.json", recursive=True))
    if found:
        # Those of checkpoints are the beginnings of the folder's own.
        own = [name for name in found if not re.search(r"checkpoint-\d+$", os.path.dirname(name))]
        return {"source": "transformers", "goal": goal, "trials": trainer_states(own or found[-1:])}
    trials = tensorboard(path)
    if trials:
        return {"source": "TensorBoard", "goal": goal, "trials": trials}
    raise SweepError(_unknown(path))


def _unknown(path: str) -> str:
    return (
        f"{path}: nothing that can be imported; expected a folder with trainer_state.json (transformers, LLaMA-Factory), "
        "event files of TensorBoard or offline runs of W&B, or an SQLite database of Optuna or MLflow"
    )


def _named(value: Any) -> Any:
    """Values that JSON has no numbers for, as their names."""
    if isinstance(value, float):
        return json.loads(text(value))
    if isinstance(value, dict):
        return {key: _named(item) for key, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    try:
        print(json.dumps(_named(read(sys.argv[1])), allow_nan=False))
    except (SweepError, OSError, ValueError, KeyError, struct.error, sqlite3.Error) as error:
        print(error if isinstance(error, SweepError) else f"{sys.argv[1]}: it cannot be read: {error}", file=sys.stderr)
        sys.exit(65)
