"""What a student handed in: the notebook and the files beside it, read once, as bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import UnreadableError

MAX_FILES = 1_000
MAX_BYTES = 64 * 2**20
# Below these, folders can be walked and copied by recursion, and under a longer name as well.
MAX_DEPTH = 20
MAX_NAME = 1_000
TIMESTAMP = "timestamp.txt"
MAX_TIMESTAMP_BYTES = 1_024


@dataclass(frozen=True)
class HandedIn:
    """One student's work on one assignment, with all that grading it needs of the disk.

    `name` is how results call it; `problem` says why there is no `notebook`. `timestamp` is what
    says when it was handed in, empty where that cannot be read, None where nothing does.
    """

    name: str
    student: str | None
    notebook: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    problem: str | None = None
    timestamp: bytes | None = None

    @property
    def digest(self) -> str:
        """The same for the same work, and for no other."""
        time = {} if self.timestamp is None else {TIMESTAMP: self.timestamp}
        return digest({**self.files, **time, "": self.notebook})


def digest(contents: Mapping[str, bytes]) -> str:
    """One digest of several files, by their names."""
    hashed = hashlib.sha256()
    for name in sorted(contents):
        encoded = name.encode("utf-8", "surrogateescape")
        hashed.update(f"{len(encoded)} {len(contents[name])} ".encode())
        hashed.update(encoded)
        hashed.update(contents[name])
    return hashed.hexdigest()


def read_handed_in(
    path: Path, name: str, student: str | None = None, folder: Path | None = None
) -> HandedIn:
    """Read the notebook `path` and the other files of the `folder` that it came in."""
    timestamp = read_timestamp(folder) if folder else None
    try:
        notebook = read_notebook(path)
    except UnreadableError as error:
        return HandedIn(name, student, problem=str(error), timestamp=timestamp)
    files = plain_files(folder) if folder else {}
    return HandedIn(name, student, notebook, files, timestamp=timestamp)


def read_timestamp(folder: Path) -> bytes | None:
    """What says when the work in a folder was handed in, however much else lies there."""
    file = folder / TIMESTAMP
    try:
        if not os.path.lexists(file):
            return None
        if not file.is_file() or file.is_symlink():
            return b""
        with file.open("rb") as opened:
            return opened.read(MAX_TIMESTAMP_BYTES)
    except OSError:
        return b""


def read_notebook(path: Path) -> bytes:
    """The content of a submitted notebook.

    Raises: UnreadableError, for whatever is not a file of a sensible size.
    """
    try:
        if not path.exists():
            beside = path.parent.glob("[!.]*.ipynb")
            others = sorted(file.name for file in beside if file.name != path.name)
            here = f"; give the one that counts that name: {', '.join(others)}" if others else ""
            raise UnreadableError(f"{path.name} is not there{here}")
        if not path.is_file() or path.is_symlink():
            raise UnreadableError(f"{path.name} is not a file")
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableError(
                f"{path.name} is larger than {MAX_BYTES // 2**20} MiB; cleared of its outputs and "
                "saved again, a notebook is small"
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path.name} cannot be read: {error.strerror}") from error


def read_alone(path: Path) -> bytes:
    """The content of a submitted notebook whose folder nbgrader copies as it is, links followed.

    Raises: UnreadableError, for whatever is not a file of a sensible size, and for links.
    """
    for above in path.parents[:2]:  # the assignment's and the student's
        if above.is_symlink():
            raise UnreadableError(f"{above.name} is a link to another place, not work")
    for parent, folders, names in os.walk(path.parent):
        for name in (*folders, *names):
            if name != path.name and os.path.islink(os.path.join(parent, name)):
                raise UnreadableError(
                    f"{name} beside {path.name} is a link, which nbgrader would follow; take it "
                    "away, or grade by `workbook grade`, which leaves it out"
                )
    return read_notebook(path)


def plain_files(folder: Path) -> dict[str, bytes]:
    """The files below a folder by their paths in it, or none where they are too many or too large.

    No notebook is among them (it may hold hidden tests), no link, no device, nothing hidden,
    nothing that lies too deep or has too long a path.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        inside = Path(parent).relative_to(folder)
        deep = len(inside.parts) >= MAX_DEPTH
        folders[:] = [] if deep else sorted(n for n in folders if not n.startswith("."))
        for name in sorted(names):
            file = Path(parent) / name
            is_short = len(os.fsencode(inside / name)) <= MAX_NAME
            is_theirs = ".ipynb" not in name and not name.startswith(".")
            if is_short and is_theirs and file.is_file() and not file.is_symlink():
                found.append(file)
    if len(found) > MAX_FILES or sum(file.stat().st_size for file in found) > MAX_BYTES:
        return {}
    contents = {}
    for file in found:
        try:
            contents[str(file.relative_to(folder))] = file.read_bytes()
        except OSError:
            continue  # an unreadable file is as one that was not handed in
    return contents


def write_files(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write files by their paths in `folder`, readable for everybody."""
    for name, content in contents.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o644)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            continue  # a file of one side where the other has a folder
