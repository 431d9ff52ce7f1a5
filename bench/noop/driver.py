"""A trial that does nothing, in Optuna and Ray Tune: `driver.py optuna|ray TRIALS` prints seconds a trial.

Two trials at a time. Optuna's starts the same program as sweep's does; Ray's is a function, for which Ray starts a
process. The framework's own start is not counted.
"""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

command = [sys.executable, "-S", str(Path(__file__).with_name("trial.py"))]


def objective() -> float:
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def with_optuna(trials: int) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))

    def run(trial: optuna.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        return objective()

    study.optimize(run, n_trials=4, n_jobs=2)
    began = time.perf_counter()
    study.optimize(run, n_trials=trials, n_jobs=2)
    return (time.perf_counter() - began) / trials


def with_ray(trials: int) -> float:
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    import ray
    from ray import tune

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
    )

    def run(config: dict[str, float]) -> None:
        tune.report({"loss": 1.0})

    def fit(count: int) -> None:
        with tempfile.TemporaryDirectory() as directory:
            tune.Tuner(
                run,
                param_space={"x": tune.uniform(0, 1)},
                tune_config=tune.TuneConfig(num_samples=count, max_concurrent_trials=2),
                run_config=tune.RunConfig(verbose=0, storage_path=directory),
            ).fit()

    random.seed(1)
    fit(2)
    began = time.perf_counter()
    fit(trials)
    return (time.perf_counter() - began) / trials


if __name__ == "__main__":
    which = {"optuna": with_optuna, "ray": with_ray}[sys.argv[1]]
    print(which(int(sys.argv[2])))
