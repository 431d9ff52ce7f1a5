"""Listens to TensorBoard's event writer: the scalars that reach a file are reported, too. The real library does the work;
where it is not installed, importing it fails as it would without this."""

from sweep_sdk.passthrough import real_module

_real = real_module(__name__, __file__)
if _real is None:
    raise ModuleNotFoundError("No module named 'tensorboard'", name="tensorboard")


def _listen() -> None:
    from sweep_sdk.run import init
    from tensorboard.summary.writer import event_file_writer

    add = event_file_writer.EventFileWriter.add_event

    def add_event(self, event):
        if event.WhichOneof("what") == "summary":
            numbers = {}
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                if kind == "simple_value":
                    numbers[value.tag] = value.simple_value
                elif kind == "tensor" and not value.tensor.tensor_shape.dim and value.tensor.float_val:
                    numbers[value.tag] = value.tensor.float_val[0]
            if numbers:
                init().record(numbers, event.step, source="tensorboard")
        return add(self, event)

    event_file_writer.EventFileWriter.add_event = add_event


_listen()
