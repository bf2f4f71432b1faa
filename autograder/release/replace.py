"""Files and folders that are changed as a whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Make a file hold this text; stopped before the end, it holds what it held.

    Raises: OSError, when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
        new = Path(folder) / path.name
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)


def replace_folder(target: Path, content: Path) -> None:
    """Make a folder hold what `content` holds; stopped before the end, nothing is lost.

    Raises: OSError, when it cannot be written; then it is what it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        shutil.copytree(content, new)
        if target.exists():
            os.replace(target, old)
        try:
            os.replace(new, target)
        except OSError:
            os.replace(old, target)
            raise
