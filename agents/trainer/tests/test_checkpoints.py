"""Checkpoint folders: whole or not at all, recognised when damaged, and pruned to the best and the two newest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import environment

from sweep_trainer.training.checkpoints import Checkpoints, write_folder


def fill(folder: Path) -> None:
    (folder / "adapter").mkdir()
    (folder / "adapter" / "weights.safetensors").write_bytes(b"w" * 100)
    (folder / "optimizer.pt").write_bytes(b"s" * 10)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    made = Checkpoints(tmp_path / "checkpoints", "run", "kind")
    for step in (10, 20, 30):
        made.write(step, fill)
    return made


def test_newest_intact(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest_intact() == (30, checkpoints.path(30))


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "manifest"])
def test_a_damaged_one_falls_back(checkpoints: Checkpoints, damage: str) -> None:
    weights = checkpoints.path(30) / "adapter" / "weights.safetensors"
    if damage == "flip":
        weights.write_bytes(b"w" * 99 + b"x")
    elif damage == "truncate":
        weights.write_bytes(b"w" * 99)
    elif damage == "delete":
        weights.unlink()
    else:
        (checkpoints.path(30) / "manifest.json").write_text("{", encoding="utf-8")
    assert checkpoints.newest_intact() == (20, checkpoints.path(20))


def test_an_interrupted_write_leaves_what_was_there(checkpoints: Checkpoints, tmp_path: Path) -> None:
    def break_off(folder: Path) -> None:
        fill(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checkpoints.write(40, break_off)
    with pytest.raises(OSError, match="disk full"):
        checkpoints.write(30, break_off)
    assert checkpoints.newest_intact() == (30, checkpoints.path(30))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step-00000010",
        "step-00000020",
        "step-00000030",
    ]


def test_leftovers_of_a_killed_process_are_removed(checkpoints: Checkpoints, tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / ".incomplete-step-00000040").mkdir()
    again = Checkpoints(tmp_path / "checkpoints", "run", "kind")
    assert again.newest_intact() == (30, again.path(30))
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_another_runs_checkpoint_is_not_taken_up(checkpoints: Checkpoints, tmp_path: Path) -> None:
    other = Checkpoints(tmp_path / "checkpoints", "another run", "kind")
    assert other.newest_intact() is None
    assert other.any()


def test_keeps_the_best_and_the_two_newest(checkpoints: Checkpoints) -> None:
    checkpoints.write(40, fill)
    checkpoints.keep(best_step=10)
    assert [checkpoints.is_intact(step) for step in (10, 20, 30, 40)] == [True, False, True, True]


def test_writing_a_folder_again_replaces_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "adapter", fill)
    size = write_folder(tmp_path / "adapter", lambda folder: (folder / "only").write_bytes(b"12345") and None)
    assert size == 5
    assert [path.name for path in tmp_path.rglob("*")] == ["adapter", "only"]


_ON_A_FULL_DISK = """
import errno, sys
from pathlib import Path
import torch
from sweep_trainer.training.checkpoints import write_folder

disk = Path(sys.argv[1])
write_folder(disk / "adapter", lambda folder: (folder / "weights").write_bytes(b"w") and None)
try:
    write_folder(disk / "adapter", lambda folder: torch.save(torch.zeros(2**20), folder / "optimizer.pt"))
except OSError as error:
    assert error.errno == errno.ENOSPC, error
    print(error)
assert [path.name for path in disk.rglob("*")] == ["adapter", "weights"]
"""


def test_a_full_disk_is_called_full(tmp_path: Path) -> None:
    """torch's own writer says no more than that a write failed."""
    mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    disk = ['mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"', str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run([*mounted, *disk, "true"], check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    done = subprocess.run(
        [*mounted, *disk, sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stdout


def test_what_is_read_is_data_inside_the_folder(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", "run", "kind")
    checkpoints.write(10, fill)
    weights = checkpoints.path(10) / "adapter" / "weights.safetensors"
    content = weights.read_bytes()
    target = tmp_path / "elsewhere.safetensors"
    target.write_bytes(content)
    weights.unlink()
    weights.symlink_to(target)
    assert checkpoints.newest_intact() is None
