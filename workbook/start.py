"""`workbook start`: the notebooks in a folder of one's own, and JupyterLab open on it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autograder.errors import DeskError
from workbook import material

# Jupyter reads these settings before the user's and the environment's, and writes none of them.
SETTINGS = Path(__file__).parent / "jupyter"
COURSE = "nbgrader_config.py"
# What a command for instructors writes, or hands out, in a course.
OF_A_COURSE = ("source", "release", "submitted", "autograded", "feedback", "solutions")


def usual() -> Path:
    """The desk that one is in, also in a folder of it; elsewhere `transformer-workbook`."""
    here = Path.cwd()
    desks = (place for place in (here, *here.parents) if (place / material.START).is_file())
    return next(desks, Path("transformer-workbook"))


def fill(folder: Path) -> list[str]:
    """Put the notebooks that are not in `folder` there, and say what was done.

    What is there is neither overwritten nor changed, also when two of these run at once.
    Raises: DeskError, when the notebooks cannot be there.
    """
    _refuse(folder)
    sources = [(name, material.path_of(name), Path(name)) for name in material.names()]
    first = material.folder() / material.START
    if first.is_file():
        sources.insert(0, (first.stem, first, Path()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # In the folder itself: only within one file system can a finished copy be linked.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as unfinished:
            new = [
                name
                for name, source, below in sources
                if _copy(source, folder / below / source.name, Path(unfinished))
            ]
    except OSError as error:
        raise DeskError(
            f"the notebooks cannot be put into {folder}: {error.strerror or error}; choose another "
            "folder: workbook start FOLDER"
        ) from error
    return _told(folder, new, len(sources) - len(new))


def open_lab(
    folder: Path, port: int | None = None, browser: bool = True, notebook: str = ""
) -> int:
    """Run JupyterLab on `folder` until it is stopped, and return its exit status.

    It opens on the page to start with, or on a `notebook`; without a `browser` it says at which
    address.

    Raises: DeskError, when it is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise DeskError(
            f"JupyterLab is not installed beside {Path(sys.executable).name}: run `pip install "
            f"jupyterlab` in the same environment, or open {folder} in another editor of notebooks"
        )
    # Of its log only what needs attention, and the address to open where no browser opens.
    command = [sys.executable, "-m", "jupyterlab", "--log-level=WARN"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")
    command += [] if port is None else [f"--port={port}"]
    command += [] if browser else ["--no-browser"]
    first = f"{notebook}/{notebook}.ipynb" if notebook else material.START
    if (folder / first).is_file():
        command.append(first)
    opens = "opens in your browser" if browser else "waits at the address below"
    print(f"JupyterLab {opens}. To stop it, press Ctrl-C here twice.", flush=True)
    lab = subprocess.Popen(command, cwd=folder, env=environment(os.environ))
    while True:
        try:
            return lab.wait()
        except KeyboardInterrupt:
            continue  # JupyterLab got it too, and asks whether to stop


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment `own`, with the settings for students in front."""
    ours = {"JUPYTER_CONFIG_PATH": SETTINGS, "JUPYTER_PATH": SETTINGS / "share"}
    return {
        **own,
        **{
            name: os.pathsep.join(filter(None, [str(at), own.get(name)]))
            for name, at in ours.items()
        },
    }


def _refuse(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise DeskError(f"{folder} is a file; choose a folder: workbook start FOLDER")
    where = folder.resolve()
    if where == material.folder().resolve():
        raise DeskError(
            f"{folder} is where the notebooks are copied from; choose another folder: workbook "
            "start FOLDER"
        )
    for place in (where, *where.parents):
        if place.name in OF_A_COURSE and (place.parent / COURSE).is_file():
            raise DeskError(
                f"{folder} is in the {place.name}/ of the course {place.parent}, which is not for "
                "a student's work; choose another folder: workbook start FOLDER"
            )


def _copy(source: Path, target: Path, unfinished: Path) -> bool:
    """Whether `target` was made; if anything has that name it stays as it is."""
    if os.path.lexists(target.parent) and not target.parent.is_dir():
        return False
    target.parent.mkdir(exist_ok=True)
    content = source.read_bytes()
    whole = unfinished / target.name
    whole.write_bytes(content)
    try:
        os.link(whole, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        return _write(content, target)
    return True


def _write(content: bytes, target: Path) -> bool:
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


def _told(folder: Path, new: list[str], left: int) -> list[str]:
    if not new:
        return [f"All {left} notebooks are in {folder} already; they were left as they are."]
    count = "1 notebook" if len(new) == 1 else f"{len(new)} notebooks"
    said = [f"Put {count} into {folder}:", *(f"  {name}" for name in new)]
    return [*said, "What was there before was left as it is."] if left else said
