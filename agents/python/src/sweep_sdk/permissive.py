"""What a stand-in gives for a name of the real library that it does not have: an object that can be called, subclassed,
entered and read, does nothing, and says so once. A script continues instead of crashing."""

from __future__ import annotations

from typing import Any

from .notices import notice


class _Permissive(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing(f"{cls.__name__}.{name}")()


class Nothing(metaclass=_Permissive):
    def __init__(self, *_: Any, **__: Any):
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # As a decorator it leaves what it decorates.
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _: Any) -> Any:
        return self

    def __setitem__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    def __fspath__(self) -> str:
        return "."


def nothing(name: str) -> type:
    return type(name.rpartition(".")[2], (Nothing,), {})


def missing(library: str, name: str) -> type:
    """The object for `library.name`, with the notice."""
    notice(f"{library}.{name} has no effect here: the stand-in of {library} does not have it (docs/wandb.md)")
    return nothing(name)
