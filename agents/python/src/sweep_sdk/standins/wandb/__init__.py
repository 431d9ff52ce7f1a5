"""A stand-in for `wandb` in the trials of a sweep: what a script logs goes to events.jsonl, its configuration is the
trial's parameters, and nothing leaves the machine. Owns wandb's module-level names; docs/wandb.md lists what each does.
Whatever is not here does nothing and says so once."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any

from sweep_sdk.notices import notice
from sweep_sdk.permissive import missing

from ._media import (
    Artifact,
    Audio,
    Graph,
    Histogram,
    Html,
    Image,
    JoinedTable,
    Molecule,
    Object3D,
    Plotly,
    Table,
    Video,
)
from ._run import Error, Run, UsageError, start

__version__ = "0.31.0"

CommError = AuthenticationError = Error
_run: Run | None = None


class Settings(dict):
    """Accepted and without effect."""

    def __init__(self, **settings: Any):
        super().__init__(settings)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def init(*args: Any, **options: Any) -> Run:
    """One Run per process, begun again by the next call after `finish`."""
    global _run
    if _run is None or options.get("reinit") or _run._ended:
        _run = start(*args, ended=_forget, **options)
    elif options.get("config") is not None:
        _run.config.setdefaults(options["config"])
    return _run


def _forget() -> None:
    global _run
    _run = None


def _current() -> Run:
    return _run if _run is not None else init()


def log(data: Any = None, step: Any = None, commit: Any = None, sync: Any = None, **_: Any) -> None:
    _current().log(data, step=step, commit=commit)


def finish(exit_code: Any = None, quiet: Any = None) -> None:
    if _run is not None:
        _run.finish(exit_code)


def join(exit_code: Any = None) -> None:
    finish(exit_code)


def setup(*_: Any, **__: Any) -> None:
    return None


teardown = setup


def login(*_: Any, **__: Any) -> bool:
    """No account is needed; a key is not looked at."""
    return True


def ensure_configured() -> None:
    return None


def define_metric(name: Any, *args: Any, **options: Any) -> Any:
    return _current().define_metric(name, *args, **options)


def watch(*_: Any, **__: Any) -> Any:
    notice("wandb.watch: gradients and parameters are not recorded")


def unwatch(*_: Any, **__: Any) -> None:
    return None


def alert(title: str = "", text: str = "", *_: Any, **__: Any) -> None:
    _current().alert(title, text)


def save(*args: Any, **options: Any) -> Any:
    return _current().save(*args, **options)


def restore(name: str, *_: Any, **__: Any) -> Any:
    return _current().restore(name)


def log_artifact(*args: Any, **options: Any) -> Any:
    return _current().log_artifact(*args, **options)


def use_artifact(*args: Any, **options: Any) -> Any:
    return _current().use_artifact(*args, **options)


def log_model(*args: Any, **options: Any) -> Any:
    return _current().log_model(*args, **options)


def link_artifact(*_: Any, **__: Any) -> None:
    return None


link_model = mark_preempting = log_code = link_artifact


def use_model(name: str = "", *_: Any, **__: Any) -> str:
    return name


def sweep(sweep: Any = None, *_: Any, **__: Any) -> str:
    """Within a trial there is a sweep already: this one is not made."""
    run = _current()
    notice("wandb.sweep: this process is a trial of a sweep already; the configuration given here has no effect")
    return str(run.sweep_id)


def agent(sweep_id: Any = None, function: Any = None, *_: Any, **__: Any) -> None:
    """Runs the function once: this process is one trial."""
    if function is None:
        notice("wandb.agent without a function has no effect in a trial")
        return
    function()


def controller(*_: Any, **__: Any) -> Any:
    return missing("wandb", "controller")()


def termlog(string: str = "", newline: bool = True, **_: Any) -> None:
    print(string, file=sys.stderr, end="\n" if newline else "")


termwarn = termerror = termlog


def __getattr__(name: str) -> Any:
    if name == "run":
        return _run
    if name == "config":
        return _current().config
    if name == "summary":
        return _current().summary
    if name.startswith("__"):
        raise AttributeError(name)
    if name in ("WandbCallback", "WandbMetricsLogger", "WandbModelCheckpoint", "WandbEvalCallback"):
        return _callback(name)
    if f"{__name__}.{name}" in sys.modules:
        return sys.modules[f"{__name__}.{name}"]
    if name in _submodules:
        return importlib.import_module(f"{__name__}.{name}")
    return missing("wandb", name)


_submodules = (
    "sdk",
    "util",
    "errors",
    "integration",
    "keras",
    "plot",
    "sklearn",
    "xgboost",
    "lightgbm",
    "apis",
    "data_types",
)


def _callback(name: str) -> Any:
    """Keras' callbacks report at the end of an epoch; elsewhere the name does nothing."""
    if name in ("WandbCallback", "WandbMetricsLogger"):
        try:
            from sweep_sdk.callbacks import KerasCallback
        except ImportError:
            return missing("wandb", name)
        return KerasCallback
    try:
        from keras.callbacks import Callback
    except ImportError:
        return missing("wandb", name)
    notice(f"wandb.{name} records nothing; metrics are those of WandbMetricsLogger")
    return type(name, (Callback,), {"__init__": lambda self, *_, **__: Callback.__init__(self)})


class _Submodule(ModuleType):
    """Any `wandb.x.y`: has the names of wandb itself, and for the others what does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = _elsewhere.get(f"{self.__name__}.{name}") or globals().get(name)
        if known is not None and not isinstance(known, ModuleType):
            return known
        if name in ("WandbCallback", "WandbMetricsLogger", "WandbModelCheckpoint", "WandbEvalCallback"):
            if ".keras" in self.__name__:
                return _callback(name)
        elif name == "run":
            return _run
        return missing(self.__name__, name)


def _generate_id(length: int = 8) -> str:
    import secrets
    import string

    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


class _ConfigError(Error):
    """Thrown by the real library alone; scripts catch it."""


_elsewhere = {
    "wandb.util.generate_id": _generate_id,
    "wandb.sdk.lib.runid.generate_id": _generate_id,
    "wandb.sdk.lib.config_util.ConfigError": _ConfigError,
    "wandb.errors.Error": Error,
    "wandb.errors.UsageError": UsageError,
    "wandb.errors.CommError": Error,
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds every module below `wandb` that has no file here."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if not name.startswith("wandb."):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        return _Submodule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []


sys.meta_path.append(_Finder())

__all__ = [
    "Artifact",
    "Audio",
    "Error",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "JoinedTable",
    "Molecule",
    "Object3D",
    "Plotly",
    "Run",
    "Settings",
    "Table",
    "UsageError",
    "Video",
    "agent",
    "alert",
    "define_metric",
    "finish",
    "init",
    "log",
    "log_artifact",
    "login",
    "save",
    "sweep",
    "use_artifact",
    "watch",
]
