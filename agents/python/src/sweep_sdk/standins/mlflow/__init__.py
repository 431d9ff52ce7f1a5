"""MLflow: the real library with its metrics reported, too; where it is not installed, what scripts and callbacks call of
it, reporting metrics and keeping nothing else."""

from sweep_sdk.passthrough import real_module

_real = real_module(__name__, __file__)

if _real is not None:
    from mlflow.tracking import client as _client

    from ._report import report

    _log_metric = _client.MlflowClient.log_metric
    _log_batch = _client.MlflowClient.log_batch

    def _metric(self, run_id, key, value, timestamp=None, step=None, *args, **kwargs):
        report({key: value}, step)
        return _log_metric(self, run_id, key, value, timestamp, step, *args, **kwargs)

    def _batch(self, run_id, metrics=(), *args, **kwargs):
        for metric in metrics:
            report({metric.key: metric.value}, metric.step)
        return _log_batch(self, run_id, metrics, *args, **kwargs)

    _client.MlflowClient.log_metric = _metric
    _client.MlflowClient.log_batch = _batch
else:
    from ._absent import *  # noqa: F403
    from ._absent import __getattr__, __version__  # noqa: F401
