"""tensorboardX: the real library with its scalars reported, too; where it is not installed, a writer that reports and
writes no file."""

from sweep_sdk.notices import notice
from sweep_sdk.numbers import flatten
from sweep_sdk.passthrough import real_module
from sweep_sdk.run import init

_real = real_module(__name__, __file__)


def _report(numbers, step):
    found, _ = flatten(numbers)
    run = init()
    run.record(found, run.step if step is None else step, source="tensorboard")


if _real is not None:
    _add = _real.SummaryWriter.add_scalar

    def _add_scalar(self, tag, scalar_value, global_step=None, *args, **kwargs):
        _report({tag: scalar_value}, global_step)
        return _add(self, tag, scalar_value, global_step, *args, **kwargs)

    _real.SummaryWriter.add_scalar = _add_scalar
else:
    __version__ = "2.6"

    class SummaryWriter:
        def __init__(self, logdir=None, *args, log_dir=None, **kwargs):
            self.logdir = self.log_dir = logdir or log_dir or "runs"

        def add_scalar(self, tag, scalar_value, global_step=None, *args, **kwargs):
            _report({tag: scalar_value}, global_step)

        def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, *args, **kwargs):
            _report({f"{main_tag}/{tag}": value for tag, value in tag_scalar_dict.items()}, global_step)

        def add_hparams(self, hparam_dict, metric_dict, name=None, global_step=None, *args, **kwargs):
            _report(metric_dict, global_step)

        def flush(self):
            pass

        def close(self):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __getattr__(self, name):
            if not name.startswith("add_"):
                raise AttributeError(name)
            notice(f"only scalars of TensorBoard's writer are recorded, not {name}")
            return lambda *args, **kwargs: None
