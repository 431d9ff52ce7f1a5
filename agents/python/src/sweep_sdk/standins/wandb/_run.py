"""wandb's Run, configuration and summary on top of the trial. Owns wandb's rules of steps: a call without `step` moves
on by one, `commit=False` does not, and a metric may have another metric as its step."""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from sweep_sdk.config import Config, as_mapping
from sweep_sdk.notices import notice
from sweep_sdk.numbers import flatten, number
from sweep_sdk.run import init as init_trial

from ._media import Artifact


class Error(Exception):
    """wandb's base of errors."""


class UsageError(Error):
    """wandb's error of wrong use."""


def _without_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """wandb's files of defaults hold `name: {value: …}`."""
    return {k: v["value"] if isinstance(v, Mapping) and "value" in v else v for k, v in given.items()}


def _read_yaml(path: str) -> dict[str, Any]:
    try:
        import yaml

        with open(path, encoding="utf-8") as file:
            return _without_values(yaml.safe_load(file) or {})
    except ImportError:
        notice(f"{path} is not read: PyYAML is not installed")
    except (OSError, ValueError, AttributeError) as error:
        notice(f"{path} is not read: {error}")
    return {}


class Summary:
    """The last value of everything, or the best where `define_metric` says so. A number set here is reported."""

    def __init__(self, run: Run):
        self.__dict__.update(_run=run, _values={})

    def _set(self, name: str, value: Any) -> None:
        self._values[name] = value
        read = number(value)
        if read is not None:
            self._run._record({name: read})

    def update(self, values: Any = None, **more: Any) -> None:
        for name, value in {**as_mapping(values), **more}.items():
            self._set(name, value)

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def keys(self) -> Any:
        return self._values.keys()

    def items(self) -> Any:
        return self._values.items()

    def values(self) -> Any:
        return self._values.values()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._set(name, value)

    def __delitem__(self, name: str) -> None:
        self._values.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._set(name, value)


class _Metric:
    def __init__(self, name: str, step_metric: str | None, summary: str | None, goal: str | None):
        self.name, self.step_metric, self.summary, self.goal = name, step_metric, summary, goal


class Run:
    def __init__(self, options: Mapping[str, Any], ended: Callable[[], None]):
        self._trial = init_trial()
        self._forget = ended
        self._ended = False
        self._rows = 0
        self._step = int(options.get("step") or 0)
        self._metrics: list[_Metric] = []
        self._last: dict[str, float] = {}
        self.summary = Summary(self)
        self.config: Config = self._trial.config
        identity = f"{self._trial.sweep or 'run'}-{self._trial.trial or 0}"
        self.id: str = options.get("id") or os.environ.get("WANDB_RUN_ID") or identity
        self.name: str = options.get("name") or identity
        self.project: str = options.get("project") or os.environ.get("WANDB_PROJECT") or "sweep"
        self.entity: str = options.get("entity") or ""
        self.group: str = options.get("group") or ""
        self.job_type: str = options.get("job_type") or ""
        self.notes: str | None = options.get("notes")
        self.tags = tuple(options.get("tags") or ())
        self.sweep_id = self._trial.sweep
        self.path = self.project
        self.url = self.sweep_url = self.project_url = ""
        self.resumed = self._trial.attempt > 1
        self.mode = "offline"
        self.offline, self.disabled = True, False
        self.settings: Any = options.get("settings") or {}
        self.start_time = time.time()
        self.starting_step = self._step
        self._files = self._trial.directory / "wandb" / "files"

    @property
    def dir(self) -> str:
        self._files.mkdir(parents=True, exist_ok=True)
        return str(self._files)

    @property
    def step(self) -> int:
        return self._step

    def log(self, data: Any = None, step: Any = None, commit: Any = None, sync: Any = None, **_: Any) -> None:
        if data is None:
            data = {}
        if not isinstance(data, Mapping):
            raise ValueError("wandb.log: expected a dictionary of names and values")
        numbers, others = flatten(data)
        for name in others:
            self.summary._values[name] = data.get(name)
        if others:
            kinds = sorted({type(data[name]).__name__ for name in others if name in data})
            notice(f"wandb.log: only numbers are recorded, no {', '.join(kinds) or 'other values'}")
        if step is not None:
            wanted = number(step)
            if wanted is not None:
                if wanted < self._step:
                    notice(
                        f"wandb.log: step {step} is below an earlier one ({self._step}); it is recorded all the same"
                    )
                self._step = int(wanted)
        self._record(numbers)
        for name, value in numbers.items():
            self._summarize(name, value)
        if commit if commit is not None else step is None:
            self._step += 1

    def _record(self, numbers: Mapping[str, Any]) -> None:
        """Lines of metrics: one for each step that the metrics have."""
        epoch = numbers.get("epoch", numbers.get("train/epoch"))
        if not self._metrics:
            self._trial.record(numbers, self._step, epoch, source="wandb")
            return
        self._last.update(numbers)
        rows: dict[Any, dict[str, Any]] = {}
        for name, value in numbers.items():
            metric = self._metric(name)
            own = None if metric is None or metric.step_metric in (None, name) else self._last.get(metric.step_metric)
            rows.setdefault(self._step if own is None else own, {})[name] = value
        for step, row in rows.items():
            self._trial.record(row, step, epoch, source="wandb")

    def _metric(self, name: str) -> _Metric | None:
        best = None
        for metric in self._metrics:
            if metric.name == name:
                return metric
            if best is None and fnmatch.fnmatchcase(name, metric.name):
                best = metric
        return best

    def _summarize(self, name: str, value: Any) -> None:
        known = self.summary._values
        metric = self._metric(name)
        rule = (metric.summary if metric is not None else None) or "last"
        if rule == "best":
            rule = "max" if metric.goal == "maximize" else "min"
        before = known.get(name)
        if isinstance(before, (int, float)) and rule in ("min", "max"):
            value = min(before, value) if rule == "min" else max(before, value)
        known[name] = value

    def define_metric(
        self,
        name: Any,
        step_metric: Any = None,
        step_sync: Any = None,
        hidden: Any = None,
        summary: Any = None,
        goal: Any = None,
        overwrite: Any = None,
        **_: Any,
    ) -> Any:
        step = getattr(step_metric, "name", step_metric)
        rule = summary.split(",")[0] if isinstance(summary, str) else None
        metric = _Metric(str(name), step, rule, goal)
        self._metrics = [other for other in self._metrics if other.name != metric.name] + [metric]
        return metric

    def finish(self, exit_code: Any = None, quiet: Any = None) -> None:
        if self._ended:
            return
        self._ended = True
        if exit_code:
            self._trial.fail(f"wandb.finish was told that the script failed (exit code {exit_code})")
        self._forget()

    def join(self, exit_code: Any = None) -> None:
        self.finish(exit_code)

    def alert(self, title: str = "", text: str = "", *_: Any, **__: Any) -> None:
        print(f"alert: {title}: {text}" if text else f"alert: {title}", flush=True)

    def watch(self, *_: Any, **__: Any) -> None:
        notice("wandb.watch: gradients and parameters are not recorded")

    def unwatch(self, *_: Any, **__: Any) -> None:
        return None

    def save(self, glob_str: Any = None, base_path: Any = None, policy: Any = None) -> list[str]:
        notice("wandb.save: files stay where the script wrote them (run.dir is in the attempt's directory)")
        return []

    def restore(self, name: str, *_: Any, **__: Any) -> Any:
        path = Path(self.dir) / name
        return path.open() if path.is_file() else None

    def log_artifact(self, artifact: Any = None, *_: Any, **__: Any) -> Any:
        notice("wandb.log_artifact: files stay where the script wrote them")
        return artifact if isinstance(artifact, Artifact) else Artifact(str(artifact))

    upsert_artifact = finish_artifact = log_artifact

    def use_artifact(self, artifact: Any = None, *_: Any, **__: Any) -> Any:
        notice("wandb.use_artifact: nothing is fetched; the artifact is empty")
        return artifact if isinstance(artifact, Artifact) else Artifact(str(artifact))

    def log_model(self, *_: Any, **__: Any) -> None:
        notice("wandb.log_model: files stay where the script wrote them")

    def use_model(self, name: str = "", *_: Any, **__: Any) -> str:
        return name

    def link_artifact(self, *_: Any, **__: Any) -> None:
        return None

    link_model = log_code = mark_preempting = display = status = link_artifact

    def project_name(self) -> str:
        return self.project

    def get_url(self) -> str:
        return ""

    get_project_url = get_sweep_url = get_url

    def to_html(self, *_: Any, **__: Any) -> str:
        return ""

    def _label(self, *_: Any, **__: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        notice(f"wandb.run.{name} has no effect here")
        return lambda *_, **__: None

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        # A failure is what the script's own end says.
        self.finish()


def start(job_type: Any = None, *_: Any, ended: Callable[[], None], **options: Any) -> Run:
    """`wandb.init`: the parameters of the trial win over the script's configuration."""
    if job_type is not None:
        options.setdefault("job_type", job_type)
    run = Run(options, ended)
    given = options.get("config")
    if isinstance(given, (str, os.PathLike)):
        given = _read_yaml(os.fspath(given))
    given = as_mapping(given)
    for names, keep in ((options.get("config_include_keys"), True), (options.get("config_exclude_keys"), False)):
        if names is not None:
            given = {k: v for k, v in given.items() if (k in names) is keep}
    run.config.setdefaults(given)
    if os.path.isfile("config-defaults.yaml"):
        run.config.setdefaults(_read_yaml("config-defaults.yaml"))
    return run
