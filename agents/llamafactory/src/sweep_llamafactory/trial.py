"""trial.json of a LLaMA-Factory trial: what is to be trained, as LLaMA-Factory's own arguments.

Owns reading the file and the arguments that the sweep sets whatever the configuration says: where output goes, which
data is trained and evaluated, when is logged, evaluated and saved. Loads no library.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep_trainer.contract.failures import DataError
from sweep_trainer.contract.fields import Fields

_LOGS = 100
_MICRO_BATCH = 8

#: What a configuration may say and the sweep says otherwise. The program refuses to vary these.
OWNED: dict[str, Any] = {
    "do_train": True,
    "do_eval": False,
    "do_predict": False,
    "predict_with_generate": False,
    "load_best_model_at_end": False,
    "save_strategy": "no",
    "save_only_model": False,
    "plot_loss": False,
    "push_to_hub": False,
    "disable_tqdm": True,
    "logging_nan_inf_filter": False,
    "eval_on_each_dataset": False,
}

#: Of the data, and of where an earlier run ended; the sweep has its own.
_DROPPED = (
    "dataset",
    "eval_dataset",
    "dataset_dir",
    "max_samples",
    "val_size",
    "tokenized_path",
    "resume_from_checkpoint",
    "overwrite_output_dir",
    "output_dir",
    "logging_dir",
    "run_name",
    "save_steps",
    "save_total_limit",
)


@dataclass(frozen=True)
class Probe:
    instruction: str
    input: str
    system: str
    max_new_tokens: int


@dataclass(frozen=True)
class Trial:
    """One attempt at one trial. `arguments` are those of the configuration and the trial's parameters."""

    name: str
    seed: int
    arguments: dict[str, Any]
    batch_size: int | None
    micro_batch_size: int | None
    evals_per_epoch: int | None
    train: Path
    eval: Path
    entry: dict[str, Any]
    metric: str
    maximize: bool
    probes: tuple[Probe, ...]
    gpus: int
    threads: int
    resume: bool
    # As the coordinator sent them: the same on every host. In `arguments` are this host's paths.
    assigned_arguments: dict[str, Any]

    @property
    def stage(self) -> str:
        return str(self.arguments.get("stage", "sft"))

    def fingerprint(self) -> str:
        """Names the run: a checkpoint of another one is not taken up."""
        content = [
            self.assigned_arguments,
            self.batch_size,
            self.micro_batch_size,
            self.evals_per_epoch,
            self.entry,
            self.seed,
            *(hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.train, self.eval)),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def read(path: Path) -> Trial:
    """Raises DataError."""
    try:
        top = Fields(json.loads(path.read_text(encoding="utf-8")), "")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    own = top.section("llamafactory")
    data = own.section("data")
    metric = top.section("metric")
    devices = top.raw("devices")
    cards = [device for device in devices if device["kind"] == "cuda"]
    arguments = own.raw("arguments")
    files = {}
    for part in ("train", "eval"):
        files[part] = Path(data.text(part))
        if not files[part].is_file():
            raise DataError(f"llamafactory.data.{part}: there is no file {files[part]}")
    problem = unsupported(arguments, has_gpu=bool(cards))
    if problem is not None:
        raise DataError(problem)
    return Trial(
        name=f"{top.raw('sweep', '')}/{top.raw('trial', 0)}",
        seed=top.integer("seed", 0) % 2**32,
        arguments=arguments,
        batch_size=own.optional_integer("batch_size", 1),
        micro_batch_size=own.optional_integer("micro_batch_size", 1),
        evals_per_epoch=own.optional_integer("evals_per_epoch", 1),
        train=files["train"],
        eval=files["eval"],
        entry=data.raw("entry"),
        metric=metric.text("name"),
        maximize=metric.text("goal") == "maximize",
        probes=tuple(Probe(**probe) for probe in top.raw("probes", [])),
        gpus=len(cards),
        threads=int(devices[0].get("threads", 1)) if devices else 1,
        resume=bool(top.raw("resume", False)),
        assigned_arguments=((top.raw("assigned", None) or {}).get("llamafactory") or {}).get("arguments", arguments),
    )


def unsupported(arguments: dict[str, Any], has_gpu: bool) -> str | None:
    """What LLaMA-Factory has a key for and cannot train here, in one sentence."""
    if arguments.get("stage") == "ppo":
        return "stage ppo: LLaMA-Factory's PPO needs trl 0.9.6 or older, which does not go with its other requirements"
    if arguments.get("quantization_method") == "hqq":
        return "quantization_method hqq does not run with this LLaMA-Factory; take bnb"
    if arguments.get("use_dora") and arguments.get("quantization_bit") == 4:
        return "use_dora with quantization_bit 4 fails in LLaMA-Factory; take quantization_bit 8, or LoRA"
    if arguments.get("use_badam") and arguments.get("badam_mode") == "ratio":
        return "badam_mode ratio does not run with this torch; take layer"
    if arguments.get("pure_bf16") and not has_gpu:
        return "pure_bf16 needs a GPU; take bf16"
    if arguments.get("use_ray"):
        return "use_ray: the sweep starts the trials itself; leave it out"
    return None


def complete(trial: Trial, directory: Path, checkpoint: Path | None) -> dict[str, Any]:
    """The arguments for `run_exp`. Writes the description of the data into `directory`/llamafactory."""
    work = directory / "llamafactory"
    work.mkdir(exist_ok=True)
    entry = {key: value for key, value in trial.entry.items() if value is not None}
    most = trial.arguments.get("max_samples")
    # LLaMA-Factory would cut the eval set, too; all trials are measured on the same one.
    part = {} if most is None else {"split": f"train[:{int(most)}]"}
    described = {
        "train": {**entry, **part, "file_name": str(trial.train)},
        "eval": {**entry, "file_name": str(trial.eval)},
    }
    (work / "dataset_info.json").write_text(json.dumps(described, ensure_ascii=False, indent=1), encoding="utf-8")
    given = trial.arguments
    arguments = {key: value for key, value in given.items() if key not in _DROPPED and value is not None}
    defaults: dict[str, Any] = {
        "report_to": "none",
        # Ratios of all steps: how many there are is known only once the data is read.
        "logging_steps": 1 / _LOGS,
        "logging_first_step": True,
        "per_device_eval_batch_size": _MICRO_BATCH,
        "media_dir": str(trial.train.parent),
    }
    if not {"eval_steps", "eval_strategy", "evaluation_strategy"} & arguments.keys() or trial.evals_per_epoch:
        arguments.pop("evaluation_strategy", None)
        epochs = float(given.get("num_train_epochs") or 3)
        arguments["eval_strategy"] = "steps"
        arguments["eval_steps"] = min(0.999, 1 / max(1.0, (trial.evals_per_epoch or 2) * epochs))
    elif "eval_strategy" not in arguments:
        arguments["eval_strategy"] = arguments.pop("evaluation_strategy", "steps")
    arguments = {**defaults, **arguments, **_batch(trial), **OWNED}
    arguments |= {
        "dataset": "train",
        "eval_dataset": "eval",
        "dataset_dir": str(work),
        "output_dir": str(work / "output"),
        "seed": trial.seed,
        "eval_on_start": checkpoint is None,
    }
    if checkpoint is not None:
        arguments["resume_from_checkpoint"] = str(checkpoint)
    if trial.gpus == 0:
        arguments["use_cpu"] = True
    return arguments


def _batch(trial: Trial) -> dict[str, int]:
    """Sequences per optimiser step, made of what fits a device at a time and accumulation."""
    given = trial.arguments
    micro = trial.micro_batch_size or given.get("per_device_train_batch_size")
    if trial.batch_size is None:
        return {} if micro is None else {"per_device_train_batch_size": int(micro)}
    share = trial.batch_size // max(1, trial.gpus)
    if share * max(1, trial.gpus) != trial.batch_size:
        raise DataError(f"batch_size {trial.batch_size} cannot be divided by {trial.gpus} GPUs")
    most = min(share, int(micro or _MICRO_BATCH))
    size = next(size for size in range(most, 0, -1) if share % size == 0)
    return {"per_device_train_batch_size": size, "gradient_accumulation_steps": share // size}
