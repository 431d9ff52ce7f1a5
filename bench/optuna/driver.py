"""Optuna behind ask and tell over JSON lines, for the benchmarks. Owns no objective: values come from the caller.

One request a line on standard input, one answer a line on standard output:
  {"type": "study", "sampler": "tpe" | "gp" | "cmaes" | "nsga2" | "random", "seed": 1, "dimensions": [...],
   "objectives": 2}                    one unless given; a value to tell is then a list
  {"type": "ask"}                      -> {"parameters": {...}, "seconds": 0.01}, CPU time of the thread
  {"type": "tell", "value": 0.3}       of the oldest trial that was asked for and not told
  {"type": "importance"}               -> {"fanova": {...}, "ped_anova": {...}}, by parameter
  {"type": "add", "trials": [{"parameters": {...}, "value": 0.3}, ...]}   finished trials, given by hand
"""

import json
import sys
import time
import warnings

import optuna
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore")

SAMPLERS = {
    # Optuna's defaults: what `create_study()` takes is TPESampler().
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(
        seed=seed, warn_independent_sampling=False
    ),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def distribution(d):
    kind = d["_tag"]
    if kind == "Categorical":
        return CategoricalDistribution(d["values"])
    if kind == "IntUniform":
        return IntDistribution(d["min"], d["max"])
    return FloatDistribution(d["min"], d["max"], log=kind == "LogUniform")


def suggest(trial, name, dist):
    if isinstance(dist, CategoricalDistribution):
        return trial.suggest_categorical(name, dist.choices)
    if isinstance(dist, IntDistribution):
        return trial.suggest_int(name, dist.low, dist.high)
    return trial.suggest_float(name, dist.low, dist.high, log=dist.log)


def main():
    study = None
    # Under way, oldest first: a value is told of the oldest.
    asked = []
    dimensions = []
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["type"]
        if kind == "study":
            asked = []
            study = optuna.create_study(
                sampler=SAMPLERS[request["sampler"]](request["seed"]),
                directions=["minimize"] * request.get("objectives", 1),
            )
            dimensions = [
                (d["name"], distribution(d["distribution"]), d.get("when"))
                for d in request["dimensions"]
            ]
            reply = {"version": optuna.__version__}
        elif kind == "ask":
            start = time.thread_time()
            trial = study.ask()
            asked.append(trial)
            parameters = {}
            for name, dist, when in dimensions:
                if when is None or parameters.get(when["parameter"]) == when["value"]:
                    parameters[name] = suggest(trial, name, dist)
            reply = {"parameters": parameters, "seconds": time.thread_time() - start}
        elif kind == "tell":
            study.tell(asked.pop(0), request["value"])
            reply = {}
        elif kind == "importance":
            evaluators = {
                "fanova": optuna.importance.FanovaImportanceEvaluator(seed=1),
                "ped_anova": optuna.importance.PedAnovaImportanceEvaluator(),
            }
            reply = {
                name: optuna.importance.get_param_importances(
                    study, evaluator=evaluator
                )
                for name, evaluator in evaluators.items()
            }
        else:
            study.add_trials(
                optuna.trial.create_trial(
                    params=t["parameters"],
                    distributions={
                        name: dist
                        for name, dist, _ in dimensions
                        if name in t["parameters"]
                    },
                    value=t["value"],
                )
                for t in request["trials"]
            )
            reply = {}
        print(json.dumps(reply), flush=True)


main()
