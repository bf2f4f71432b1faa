"""Submissions that are odd as files: names, links, folders, formats."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests import mini
from tests.hostile import ATTENTION, MARK, Hostile, Target

LAST_ON_PATH = "files that were handed in come last on the import path"
PLAIN = "only plain files of a sensible number, size, depth and name are handed on"
SAYS_SO = "what is no notebook is not run, and the reason says so"
NO_NOTEBOOK = "not a notebook"
SHADOW = f"open('/tmp/{MARK}shadow', 'w')\nraise SystemExit('shadowed')\n".encode()


def linked(path: Path, target: Target) -> None:
    """Links beside the notebook to what its author may not read."""
    for name, to in {
        "gradebook.db": target.course / "gradebook.db",
        "secret.txt": target.outside / "secret.txt",
        "solutions.py": target.course / "solutions" / "mini.py",
        "everything": Path("/"),
        "others": target.course / "submitted",
        "itself": Path("itself"),
        "above": Path("../.."),
    }.items():
        (path.parent / name).symlink_to(to)


def link_for_notebook(path: Path, target: Target) -> None:
    path.unlink()
    path.symlink_to(target.course / "submitted" / "honest-right" / mini.NAME / path.name)


def link_for_folder(path: Path, target: Target) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(target.course / "submitted" / "honest-right" / mini.NAME)


def folder_for_notebook(path: Path, target: Target) -> None:
    path.unlink()
    (path / "deeper").mkdir(parents=True)


def pipe_for_notebook(path: Path, target: Target) -> None:
    path.unlink()
    os.mkfifo(path)


def no_notebook(path: Path, target: Target) -> None:
    path.rename(path.with_name(f"{MARK}.ipynb"))


def odd_names(path: Path, target: Target) -> None:
    for name in (
        b"-rf",
        b"new\nline",
        b"\x1b[31mred",
        b"<script>.txt",
        b"..\\..\\up",
        b"...",
        b"x" * 255,
        "\u202egpj.py \u2603".encode(),
        b"bytes\xff\xfe",
        b"$(touch pwned-shell)",
        b"{nbgrader_step}",
        b"timestamp.txt\n",
    ):
        with open(os.path.join(os.fsencode(path.parent), name), "wb") as file:
            file.write(b"odd")


def pipes(path: Path, target: Target) -> None:
    for name in ("timestamp.txt", "helper.py"):
        os.mkfifo(path.parent / name)


def nest(folder: Path, names: list[str]) -> None:
    """Make folders in each other, which together may have a longer path than a call takes."""
    here = os.getcwd()
    try:
        os.chdir(folder)
        for name in names:
            os.mkdir(name)
            os.chdir(name)
        Path("deepest.txt").write_text("x")
    finally:
        os.chdir(here)


def deep_folder(path: Path, target: Target) -> None:
    nest(path.parent, ["a"] * 700)


def deeper_folder(path: Path, target: Target) -> None:
    nest(path.parent, ["a"] * 1_500)


def long_path(path: Path, target: Target) -> None:
    """As long as a path may be here, and so too long in any folder with a longer name."""
    room = os.pathconf("/", "PC_PATH_MAX") - len(f"{path.parent}//deepest.txt") - 1
    names = ["b" * 199] * (room // 200)
    nest(path.parent, [*names, "b" * (room % 200)] if room % 200 else names)


def many_files(path: Path, target: Target) -> None:
    for number in range(1_100):
        (path.parent / f"{number}.txt").touch()


def as_version_2(notebook: NotebookNode) -> str:
    cells = [
        {"cell_type": "code", "input": cell.source, "language": "python", "outputs": []}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    return json.dumps({"nbformat": 2, "metadata": {}, "worksheets": [{"cells": cells}]})


def as_version_3(notebook: NotebookNode) -> str:
    return nbformat.v3.writes_json(nbformat.convert(notebook, 3))


def version_99(notebook: NotebookNode) -> str:
    return json.dumps({**notebook, "nbformat": 99})


def odd_numbers(notebook: NotebookNode) -> str:
    odd = '"a": NaN, "b": -Infinity, "c": 1e999, "nbformat_minor": 1e99, "d": -0'
    return json.dumps(notebook)[:-1] + f", {odd}}}"


def huge_number(notebook: NotebookNode) -> str:
    return json.dumps(notebook)[:-1] + f', "nbformat_minor": {"9" * 100_000}}}'


def worksheets(notebook: NotebookNode) -> str:
    return json.dumps({**notebook, "worksheets": [{"cells": []}], "nbformat_minor": 0})


def odd_cells(notebook: NotebookNode) -> str:
    content = json.loads(json.dumps(notebook))
    content["cells"] += [
        {},
        {"cell_type": "code", "source": {"a": 1}, "metadata": [], "id": []},
        {"cell_type": ["code"], "source": [[1], None, "1/0"], "metadata": {"nbgrader": {}}},
        {"cell_type": "code", "source": "\ud800 = 1", "id": "\ud800"},
        {"cell_type": "heading", "level": 7, "source": None},
    ]
    return json.dumps(content)


def not_cells(notebook: NotebookNode) -> str:
    return json.dumps({**notebook, "cells": ["print(1)", 2, None]})


def not_utf8(notebook: NotebookNode) -> bytes:
    return json.dumps(notebook).encode().replace(b"Doubling", b"\xff\xfe\x80")


def with_zeros(notebook: NotebookNode) -> bytes:
    return json.dumps(notebook).encode() + b"\0" * 1_000


def doubled_keys(notebook: NotebookNode) -> str:
    return json.dumps(notebook)[:-1] + ', "cells": 7, "cells": {}}'


def _text(id: str, tries: str, text: str) -> Hostile:
    return Hostile(
        id,
        tries,
        SAYS_SO,
        change=lambda _: text,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    )


SUBMISSIONS = [
    Hostile(
        "beside-modules",
        "hands in modules called like those that the tests and the kernel import",
        LAST_ON_PATH,
        beside={
            **{
                f"{name}.py": SHADOW
                for name in ("torch", "numpy", "random", "json", "conftest", "IPython", "zmq")
            },
            "autograder/__init__.py": SHADOW,
            "autograder/observe.py": SHADOW,
            "solutions/mini.py": b"def double(x):\n    return 'forged'\n",
            "sitecustomize.py": SHADOW,
            "usercustomize.py": SHADOW,
            "evil.pth": b"import os; os._exit(1)\n",
        },
    ),
    Hostile(
        "beside-configuration",
        "hands in configuration of nbgrader, Jupyter, IPython and pytest",
        "the kernel reads no configuration; the grader runs in the course folder",
        beside=dict.fromkeys(
            (
                "nbgrader_config.py",
                "jupyter_config.py",
                "ipython_config.py",
                "pytest.ini",
                "matplotlibrc",
                ".pdbrc",
                ".ipython/profile_default/startup/00.py",
            ),
            b"raise SystemExit('configured')\n",
        ),
    ),
    Hostile(
        "beside-kernel-files",
        "hands in files called like those of the kernel's own folder",
        "what was handed in lies in a folder of its own",
        beside=dict.fromkeys(
            ("connection.json", "client.json", "socket-1", "packages/solutions.py"), b"{}"
        ),
    ),
    Hostile(
        "beside-links",
        "hands in links to the gradebook, to secrets, to other students and to everything",
        PLAIN,
        """
import os
for parent, folders, files in os.walk("."):
    for name in files:
        print(name, open(os.path.join(parent, name), "rb").read(1000))
""",
        arrange=linked,
    ),
    Hostile("beside-odd-names", "hands in files with odd names", PLAIN, arrange=odd_names),
    Hostile("beside-pipes", "hands in pipes, on which a reader waits", PLAIN, arrange=pipes),
    Hostile(
        "beside-deep-folder",
        "hands in folders 700 deep, which copying them cannot take",
        PLAIN,
        arrange=deep_folder,
    ),
    Hostile(
        "beside-deeper-folder",
        "hands in folders 1,500 deep, which walking them cannot take",
        PLAIN,
        arrange=deeper_folder,
    ),
    Hostile(
        "beside-long-path",
        "hands in a file whose path is as long as may be, and too long elsewhere",
        PLAIN,
        arrange=long_path,
    ),
    Hostile("beside-many-files", "hands in 1,100 files", PLAIN, arrange=many_files),
    Hostile(
        "beside-timestamp",
        "hands in a time that is huge, in another calendar, or a command",
        "what cannot be read as a time is none",
        beside={"timestamp.txt": b"99999-99-99 99:99:99 <script> UTC+99999"},
    ),
    Hostile(
        "beside-timestamp-early",
        "hands in a time before all others",
        "a time is a number that no score depends on before a due date is set",
        beside={"timestamp.txt": b"0001-01-01 00:00:00 UTC"},
    ),
    Hostile(
        "link-notebook",
        "hands in a link to another student's notebook",
        "a link is not work that was handed in",
        arrange=link_for_notebook,
        points=None,
        status=ATTENTION,
        reason="is not a file",
    ),
    Hostile(
        "link-folder",
        "hands in a link to another student's folder",
        "a link is not work that was handed in",
        arrange=link_for_folder,
        points=None,
        status=ATTENTION,
        reason="is a link to another place",
    ),
    Hostile(
        "folder-notebook",
        "hands in a folder called like the notebook",
        SAYS_SO,
        arrange=folder_for_notebook,
        points=None,
        status=ATTENTION,
        reason="is not a file",
    ),
    Hostile(
        "pipe-notebook",
        "hands in a pipe called like the notebook, on which a reader waits",
        SAYS_SO,
        arrange=pipe_for_notebook,
        points=None,
        status=ATTENTION,
        reason="is not a file",
    ),
    Hostile(
        "other-notebook",
        "hands in its notebook under another name",
        "the only notebook of the folder is the one that counts",
        arrange=no_notebook,
    ),
    Hostile(
        "format-2",
        "hands in a notebook of format 2, without grade_ids",
        "it is converted; cells are recognised by their text",
        change=as_version_2,
    ),
    Hostile(
        "format-3",
        "hands in a notebook of format 3",
        "it is converted",
        change=as_version_3,
    ),
    Hostile(
        "format-99",
        "hands in a notebook of format 99",
        SAYS_SO,
        change=version_99,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    ),
    Hostile("format-worksheets", "adds worksheets", "fields that are not read", change=worksheets),
    Hostile(
        "format-odd-numbers",
        "puts NaN and infinite numbers where versions stand",
        "fields that are not read",
        change=odd_numbers,
    ),
    Hostile(
        "format-huge-number",
        "puts a number of 100,000 digits where a version stands",
        SAYS_SO,
        change=huge_number,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    ),
    Hostile(
        "format-odd-cells",
        "adds cells without type, text or sense",
        "of a cell only text, type and names are read, and made text",
        change=odd_cells,
    ),
    Hostile(
        "format-no-cells",
        "hands in cells that are no objects",
        SAYS_SO,
        change=not_cells,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    ),
    Hostile(
        "format-not-utf-8",
        "hands in bytes that are no text",
        SAYS_SO,
        change=not_utf8,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    ),
    Hostile(
        "format-zeros",
        "hands in a notebook followed by zeros",
        SAYS_SO,
        change=with_zeros,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    ),
    Hostile(
        "format-doubled-keys",
        "hands in a notebook with several lists of cells",
        SAYS_SO,
        change=doubled_keys,
        points=None,
        status=ATTENTION,
        reason=NO_NOTEBOOK,
    ),
    _text("text-empty", "hands in an empty file", ""),
    _text("text-pickle", "hands in a pickle that would run a command", "cos\nsystem\n(S'id'\ntR."),
    _text("text-number", "hands in a number", "1e309"),
    _text("text-page", "hands in a web page", "<html><script>document.title='pwned'</script>"),
]
