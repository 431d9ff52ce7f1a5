"""The eval loss per trained token, as the other trainers report it.

The Trainer's own is a mean over batches of their means: it depends on the batch size and on which answers are short.
Owns the sums of one evaluation, taken beside the Trainer's own as it goes through the batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def summed(stage: str, sums: list[float]) -> Iterator[None]:
    """Adds nats and trained tokens of every evaluated batch to `sums`. Stages that evaluate pairs have no such loss."""
    if stage not in ("sft", "pt"):
        yield
        return
    if stage == "sft":
        from llamafactory.train.sft.trainer import CustomSeq2SeqTrainer as Evaluated
    else:
        from llamafactory.train.pt.trainer import CustomTrainer as Evaluated

    own = Evaluated.__dict__.get("prediction_step")
    original = Evaluated.prediction_step

    def prediction_step(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        tokens = int((inputs["labels"][..., 1:] != -100).sum())
        result = original(self, model, inputs, *args, **options)
        if tokens and result[0] is not None:
            sums[0] += float(result[0].detach()) * tokens
            sums[1] += tokens
        return result

    Evaluated.prediction_step = prediction_step
    try:
        yield
    finally:
        if own is None:
            del Evaluated.prediction_step
        else:
            Evaluated.prediction_step = own
