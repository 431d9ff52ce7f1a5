"""Task metrics: what the model answers to eval questions, compared with the answers of the data.

Owns the two built-in metrics, calling a user's Python function, and what goes wrong in one. Decoding is generation's.
"""

from __future__ import annotations

import importlib.util
import math
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.failures import DataError
from ..contract.fields import Fields, shown
from ..data.alpaca import Record

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..data.encoding import Encoder

#: (predictions, references) → a number; both lists hold stripped texts, in the order of the eval file.
Metric = Callable[[list[str], list[str]], float]

#: Names that the evaluation itself reports.
_TAKEN = frozenset({"loss", "perplexity", "token_accuracy"})
_FUNCTION = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)")
# A word, or one character of a script that writes words without spaces between them.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def exact_match(predictions: list[str], references: list[str]) -> float:
    """Share of the answers that are the expected one, but for white space."""
    right = (p.split() == r.split() for p, r in zip(predictions, references, strict=True))
    return sum(right) / len(references)


def rouge_l(predictions: list[str], references: list[str]) -> float:
    """Mean F1 of ROUGE-L (Lin 2004, section 3.1, β = 1): precision and recall of the longest common subsequence of
    words, lower case, without punctuation; where words are not spaced, of characters. 0 where either has none."""
    scores = [_rouge_l(_tokens(p), _tokens(r)) for p, r in zip(predictions, references, strict=True)]
    return sum(scores) / len(scores)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _rouge_l(predicted: list[str], expected: list[str]) -> float:
    common = _longest_common_subsequence(predicted, expected)
    # 2·P·R / (P + R) with P = common / predicted and R = common / expected.
    return 2 * common / (len(predicted) + len(expected)) if common else 0.0


def _longest_common_subsequence(first: list[str], second: list[str]) -> int:
    row = [0] * (len(second) + 1)
    for one in first:
        previous = 0
        for at, other in enumerate(second, start=1):
            previous, row[at] = row[at], previous + 1 if one == other else max(row[at], row[at - 1])
    return row[-1]


_BUILT_IN: dict[str, Metric] = {"exact_match": exact_match, "rouge_l": rouge_l}


@dataclass(frozen=True)
class TaskMetrics:
    """`metrics`: built-in names and `/abs/file.py:function`. They are taken of the first `samples` eval records (None:
    of all), answered greedily with at most `max_new_tokens` tokens."""

    metrics: tuple[str, ...]
    samples: int | None
    max_new_tokens: int

    @classmethod
    def parse(cls, fields: Fields) -> TaskMetrics:
        metrics = fields.raw("metrics")
        if not isinstance(metrics, list) or not metrics or not all(isinstance(metric, str) for metric in metrics):
            raise DataError(f"{fields.at('metrics')}: expected a list of metrics, found {shown(metrics)}")
        made = cls(
            metrics=tuple(metrics),
            samples=fields.optional_integer("samples", 1),
            max_new_tokens=fields.integer("max_new_tokens", 1, 48),
        )
        fields.close()
        names = [_name(metric) for metric in metrics]
        for name in names:
            if name in _TAKEN or names.count(name) > 1:
                raise DataError(f"{fields.at('metrics')}: there is another metric called {name!r}; rename the function")
        return made

    def prepare(self, records: list[Record], encoder: Encoder, device: torch.device) -> TaskEvaluation:
        """Raises DataError when a user's file or function is not there or cannot be read."""
        asked = records[: self.samples]
        return TaskEvaluation(
            metrics={_name(metric): _BUILT_IN.get(metric) or _function(metric) for metric in self.metrics},
            prompts=[encoder.prompt(record) for record in asked],
            references=[record.output.strip() for record in asked],
            max_new_tokens=self.max_new_tokens,
            encoder=encoder,
            device=device,
        )

    def stamp(self) -> tuple[object, ...]:
        """What the values depend on besides the answers: the user's files as they are now."""
        files = (Path(match["path"]) for match in map(_FUNCTION.fullmatch, self.metrics) if match)
        return tuple((str(file), file.stat().st_mtime_ns) for file in files if file.is_file())


@dataclass(frozen=True)
class TaskEvaluation:
    """The questions and what to make of a model's answers."""

    metrics: dict[str, Metric]
    prompts: list[list[int]]
    references: list[str]
    max_new_tokens: int
    encoder: Encoder
    device: torch.device

    def values(self, model: nn.Module) -> dict[str, float]:
        """`eval/NAME` of each metric; the model is left in the mode it was in. Raises DataError when a user's function
        raises or gives no finite number."""
        from .generation import generate

        was_training = model.training
        limits = [self.max_new_tokens] * len(self.prompts)
        answers = generate(model, self.encoder, self.prompts, limits, self.device)
        model.train(was_training)
        said = [self.encoder.text(answer.tokens) for answer in answers]
        return {f"eval/{name}": _value(name, metric, said, self.references) for name, metric in self.metrics.items()}


def _value(name: str, metric: Metric, predictions: list[str], references: list[str]) -> float:
    try:
        value: Any = metric(list(predictions), list(references))
    except Exception as error:
        raise DataError(f"the task metric {name} failed {_place(error)}: {_said(error)}") from error
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DataError(f"the task metric {name} must return a finite number, and returned {value!r:.80}")
    return float(value)


def _name(metric: str) -> str:
    if metric in _BUILT_IN:
        return metric
    match = _FUNCTION.fullmatch(metric)
    if match is None:
        raise DataError(
            f"task_metrics.metrics: {metric!r} is no metric; there are {', '.join(_BUILT_IN)} and path.py:function"
        )
    return match["name"]


def _function(metric: str) -> Metric:
    match = _FUNCTION.fullmatch(metric)
    assert match is not None
    path, name = Path(match["path"]), match["name"]
    if not path.is_file():
        raise DataError(f"the task metric {name}: the file {path} does not exist")
    spec = importlib.util.spec_from_file_location(f"sweep_task_metric_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DataError(
            f"the task metric {name}: {path} cannot be imported, {_place(error)}: {_said(error)}"
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        functions = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise DataError(
            f"the task metric {name}: {path} has no function {name}; it has {', '.join(functions) or 'none'}"
        )
    return found


def _place(error: Exception) -> str:
    """Where in the user's file, the innermost frame."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"at {error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {frames[-1].filename}:{frames[-1].lineno}"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
