"""Runs notebooks where only torch, NumPy, matplotlib and a kernel's libraries are.

`python elsewhere.py NOTEBOOK...` prints as JSON, for each notebook and code cell: its id, what it
printed, and the exception that ended it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from typing import Any

# What is installed here and not there; libraries that torch and matplotlib need are left out.
NOT_THERE = {
    *("autograder", "workbook", "solutions", "tests"),
    *("nbgrader", "nbformat", "nbconvert", "nbclient", "nbval", "jupyterlab", "jupyter_server"),
    *("alembic", "bleach", "latex2mathml", "nh3", "pyseccomp", "pytest", "rich", "safetensors"),
    *("sqlalchemy", "typer"),
}


class Missing:
    """As if these packages were not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.split(".")[0] in NOT_THERE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def ran(path: str) -> list[list[str]]:
    """Each code cell of a notebook, run from the top; one that fails stops no other."""
    with open(path, encoding="utf-8") as file:
        cells = [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
    namespace: dict[str, Any] = {"__name__": "__main__"}
    done = []
    for cell in cells:
        printed, error = io.StringIO(), ""
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile("".join(cell["source"]), cell["id"], "exec"), namespace)
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}"
        done.append([cell["id"], printed.getvalue(), error])
    return done


def main(paths: Sequence[str]) -> None:
    os.environ |= {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    assert not NOT_THERE & set(sys.modules)
    sys.meta_path.insert(0, Missing())
    import matplotlib.pyplot

    matplotlib.pyplot.show = lambda: matplotlib.pyplot.close("all")
    print(json.dumps({path: ran(path) for path in paths}))


if __name__ == "__main__":
    main(sys.argv[1:])
