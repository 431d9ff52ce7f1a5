"""MLflow without MLflow: runs, parameters and metrics as functions; everything else does nothing."""

import os
import types

from sweep_sdk.permissive import missing
from sweep_sdk.run import init

from ._report import report

__version__ = "3.17.2"
_active = None


class _Run:
    def __init__(self):
        run = init()
        identity = f"{run.sweep or 'run'}-{run.trial or 0}"
        self.info = types.SimpleNamespace(
            run_id=identity, run_uuid=identity, run_name=identity, experiment_id="0", artifact_uri=str(run.directory)
        )
        self.data = types.SimpleNamespace(metrics=run.values, params={}, tags={})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_run()


def start_run(*args, **kwargs):
    global _active
    _active = _Run()
    return _active


def active_run():
    return _active


last_active_run = active_run


def end_run(*args, **kwargs):
    global _active
    _active = None


def log_metric(key, value, step=None, *args, **kwargs):
    report({key: value}, step)


def log_metrics(metrics, step=None, *args, **kwargs):
    report(metrics, step)


def _ignored(*args, **kwargs):
    return None


log_param = log_params = set_tag = set_tags = set_tracking_uri = set_registry_uri = _ignored
log_artifact = log_artifacts = log_text = log_dict = log_figure = log_image = log_table = log_input = _ignored
autolog = enable_system_metrics_logging = disable_system_metrics_logging = _ignored
set_experiment = create_experiment = get_experiment_by_name = _ignored
utils = types.SimpleNamespace(
    validation=types.SimpleNamespace(MAX_PARAM_VAL_LENGTH=6000, MAX_PARAMS_TAGS_PER_BATCH=100)
)
environment_variables = types.SimpleNamespace(
    MLFLOW_TRACKING_URI=types.SimpleNamespace(get=lambda: os.environ.get("MLFLOW_TRACKING_URI"))
)


def is_tracking_uri_set():
    return False


def get_tracking_uri():
    return ""


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return missing("mlflow", name)
