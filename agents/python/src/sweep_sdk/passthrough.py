"""For a stand-in that only listens: puts the real library in its place where one is installed. Owns finding it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType


def real_module(name: str, file: str) -> ModuleType | None:
    """Runs the library `name` that would be found without the folder of the stand-in `file`, under that name; None when
    there is none. The import machinery gives it to whoever imported the stand-in."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(file)))
    elsewhere = [entry for entry in sys.path if os.path.abspath(entry or os.getcwd()) != own]
    spec = importlib.machinery.PathFinder.find_spec(name, elsewhere)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    standin = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if standin is not None:
            sys.modules[name] = standin
        raise
    return sys.modules[name]
