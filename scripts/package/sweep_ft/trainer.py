"""`sweep-trainer-python`: the Python that trains, prepared on first use.

The Python that sweep is installed in serves when its torch, transformers and peft fit; otherwise an environment of its
own is made from the requirements that the trainer is tested with. Called with `--prepare` it makes that environment;
called like a Python it becomes that Python.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

here = Path(__file__).resolve().parent
#: The wheel keeps what it installs in `share` beside this file, the npm package in its root.
share = here / "share" if (here / "share").exists() else here.parent
requirements = share / "agents" / "trainer" / "requirements.txt"
lock_file = requirements.with_suffix(".lock")
#: What the trainer imports; a Python that lacks one of them cannot train.
needed = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "tokenizers",
    "numpy",
)


def version_of(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: `2.13.0+cpu` is (2, 13, 0)."""
    numbers = []
    for part in text.split("+")[0].split("."):
        digits = "".join(character for character in part if character.isdigit())
        if digits == "":
            break
        numbers.append(int(digits))
    return tuple(numbers)


def pinned() -> dict[str, str]:
    """Package → the version the trainer is tested with; the first line of a package counts."""
    versions: dict[str, str] = {}
    for line in requirements.read_text().splitlines():
        name, separator, rest = line.partition("==")
        if separator:
            versions.setdefault(name.strip().lower(), rest.split(";")[0].split()[0])
    return versions


def own_python_fits() -> bool:
    """Whether this Python's packages are of the tested major version, and at least the tested minor one."""
    for name in needed:
        try:
            found = version_of(metadata.version(name))
        except metadata.PackageNotFoundError:
            return False
        tested = version_of(pinned().get(name, "0"))
        if found[0] != tested[0] or found[:2] < tested[:2]:
            return False
    return True


def data_directory() -> Path:
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    contents = requirements.read_bytes() + lock_file.read_bytes()
    digest = hashlib.sha256(contents).hexdigest()[:12]
    return (
        base / "sweep" / f"trainer-{sys.version_info[0]}.{sys.version_info[1]}-{digest}"
    )


def ready(directory: Path) -> bool:
    return (directory / "ready").exists()


def run(what: str, *command: str) -> None:
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        sys.exit(
            f"sweep: {what} failed (exit {done.returncode}); its words are above. "
            "Free some disk or connect to the internet, then run this again; "
            "or name a Python that has torch, transformers and peft: --python PATH."
        )


def prepare() -> str:
    """The path of a Python that can train; makes its environment when there is none."""
    if own_python_fits():
        return sys.executable
    directory = data_directory()
    python = str(directory / "bin" / "python")
    if ready(directory):
        return python
    directory.parent.mkdir(parents=True, exist_ok=True)
    import fcntl

    with open(directory.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ready(directory):
            return python
        print(
            f"Preparing the trainer's Python environment in {directory} "
            "(torch, transformers, peft: a few minutes, several GB) …",
            file=sys.stderr,
        )
        shutil.rmtree(directory, ignore_errors=True)
        uv = shutil.which("uv")
        if uv is not None:
            run(
                "Making the environment",
                uv,
                "venv",
                "--quiet",
                "--python",
                sys.executable,
                str(directory),
            )
            pip = (uv, "pip", "install", "--python", python)
        else:
            run("Making the environment", sys.executable, "-m", "venv", str(directory))
            quiet = ("--quiet", "--disable-pip-version-check")
            pip = (python, "-m", "pip", "install", *quiet)
        # torch has no hash: which of its files is right depends on the machine (CPU, CUDA, ROCm).
        hashed = ("--require-hashes", "--no-deps", "-r", str(lock_file))
        run("Installing the trainer's packages", *pip, *hashed)
        run("Installing torch", *pip, f"torch=={pinned()['torch']}")
        (directory / "ready").write_text("")
    return python


def main() -> None:
    if sys.argv[1:] == ["--prepare"]:
        print(prepare())
        return
    python = (
        sys.executable
        if own_python_fits()
        else str(data_directory() / "bin" / "python")
    )
    if python != sys.executable and not ready(data_directory()):
        sys.exit(
            "ModuleNotFoundError: the trainer's Python environment is not prepared; run: sweep-trainer-python --prepare"
        )
    os.execv(python, [python, *sys.argv[1:]])
