"""Which of the files that a student uploaded to Gradescope is graded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from autograder.course.course import is_litter
from autograder.errors import UnreadableError
from autograder.submission.handed_in import MAX_DEPTH

SHOWN = 5


def notebook_in(folder: Path, name: str) -> Path:
    """The notebook of that name, or the only one that is there; no link is followed.

    Raises: UnreadableError, where it is not clear which, with what to do.
    """
    found = list(_notebooks(folder))
    called = [path for path in found if path.name == f"{name}.ipynb"]
    chosen = called or found
    if len(chosen) == 1:
        return chosen[0]
    if not found:
        raise UnreadableError(f"no notebook was handed in; upload {name}.ipynb")
    names = ", ".join(str(path.relative_to(folder)) for path in chosen[:SHOWN])
    more = ", ..." if len(chosen) > SHOWN else ""
    raise UnreadableError(
        f"several notebooks were handed in ({names}{more}); upload one, called {name}.ipynb"
    )


def _notebooks(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = [] if depth >= MAX_DEPTH else sorted(f for f in folders if not is_litter(f))
        for name in sorted(files):
            if name.lower().endswith(".ipynb") and not is_litter(name):
                yield Path(parent, name)
