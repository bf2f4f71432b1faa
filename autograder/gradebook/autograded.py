"""The autograded folder of a submission: replaced as a whole, so no half of one is ever seen."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from autograder.course.replace import NEW, OLD, put_in_place, share, share_folder
from autograder.submission.handed_in import write_files


def replace_folder(
    folder: Path, name: str, notebook: str, files: Mapping[str, bytes], shared: bool = False
) -> None:
    """Make `folder` hold the notebook called `name` and these files, and nothing else.

    `shared` lets the group write it. Raises: OSError, when that cannot be written; then the folder
    is what it was.
    """
    with new_folder(folder, shared) as new:
        write_files(files, new)
        written = new / name
        # A kernel can send half a character, which no file can hold.
        written.write_text(notebook, encoding="utf-8", errors="replace")
        written.chmod(0o444)


@contextmanager
def new_folder(folder: Path, shared: bool = False) -> Iterator[Path]:
    """A folder to be filled, which takes the place of `folder` at the end, or none after an error.

    `shared` lets the group write it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=NEW, dir=folder.parent))
    try:
        yield new
        new.chmod(0o755)
        if shared:
            share(new)
            for above in (folder.parent, folder.parent.parent):
                share_folder(above)
        put_in_place(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def remove_folder(folder: Path) -> None:
    """Take away what an earlier grading wrote."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(student: Path) -> None:
    """Remove what a killed run left in a student's folder; every name here is one of ours."""
    for prefix in (NEW, OLD):
        for left in student.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
