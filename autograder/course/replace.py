"""Files and folders that are changed as a whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from autograder.kernel.linux import exchange

# What a program that was killed in the middle may leave beside a folder.
NEW, OLD = ".new-", ".old-"


def replace_file(path: Path, content: str | bytes, shared: bool = False) -> None:
    """Make a file hold this; stopped before the end, it holds what it held.

    `shared` is as in `share`. Raises: OSError, when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=NEW, dir=path.parent) as folder:
        new = Path(folder) / path.name
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        if shared:
            share(new)
        os.replace(new, path)


def replace_folder(target: Path, content: Path) -> None:
    """Make a folder hold what `content` holds, at once: who looks sees the one or the other.

    Raises: OSError, when it cannot be written; then it is what it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=NEW, dir=target.parent) as folder:
        new = Path(folder) / "new"
        shutil.copytree(content, new)
        put_in_place(new, target)


def put_in_place(new: Path, target: Path) -> None:
    """Make the folder `new` the folder `target` in one step, and remove what that was.

    Raises: OSError, when that cannot be; then `target` is what it was.
    """
    try:
        exchange(str(new), str(target))
    except OSError:  # there is nothing to exchange it with, or the file system cannot
        if target.exists():
            _in_two_steps(new, target)
        else:
            os.rename(new, target)
    else:
        shutil.rmtree(new, ignore_errors=True)


def _in_two_steps(new: Path, target: Path) -> None:
    old = Path(tempfile.mkdtemp(prefix=OLD, dir=target.parent))
    os.replace(target, old / target.name)
    try:
        os.replace(new, target)
    except BaseException:
        os.replace(old / target.name, target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def share(path: Path) -> None:
    """Let the group write a file, or a folder with all in it: what nbgrader calls `groupshared`."""
    if not path.is_dir():
        _permit(path, 0o664)
    for parent, _, names in os.walk(path):
        share_folder(Path(parent))
        for name in names:
            _permit(Path(parent, name), 0o664)


def share_folder(folder: Path) -> None:
    """Let the group write into a folder, and have what comes into it belong to the group."""
    _permit(folder, 0o2770 | stat.S_IMODE(folder.stat().st_mode))


def _permit(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        with suppress(PermissionError):  # it belongs to somebody else of the group
            path.chmod(mode)
