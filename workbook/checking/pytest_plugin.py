"""`pytest --workbook FILE.ipynb`: the self-check as a plugin of pytest.

Loaded in every run of pytest in an environment where the book is installed, so it imports nothing
before it is asked for.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course.released import START

if TYPE_CHECKING:
    import pytest

    from workbook.checking.checked_notebook import CheckedNotebook

CELL_SECONDS = 60.0
ENTRY_POINT = "workbook"


def pytest_plugin_registered(plugin_name: str, manager: pytest.PytestPluginManager) -> None:
    """Load once, where `-p` names the module that the entry point names too."""
    if plugin_name == __name__:
        manager.set_blocked(ENTRY_POINT)
    elif plugin_name == ENTRY_POINT:
        manager.set_blocked(__name__)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the self-check."""
    group = parser.getgroup("workbook", "Transformer Workbook")
    group.addoption(
        "--workbook",
        action="store_true",
        help="check notebooks of Transformer Workbook: your functions in the book's cells, with "
        "the book's outputs to compare with",
    )
    group.addoption(
        "--workbook-cell-timeout",
        type=float,
        default=CELL_SECONDS,
        metavar="SECONDS",
        help="stop a cell of the notebook after this long (default: %(default)g)",
    )
    group.addoption("--workbook-report", type=Path, help=argparse.SUPPRESS)


def pytest_configure(config: pytest.Config) -> None:
    """Have nbval run notebooks with the Python that runs pytest, and not for hours."""
    if config.option.workbook:
        config.option.nbval_current_env = True
        config.option.nbval_cell_timeout = config.option.workbook_cell_timeout


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CheckedNotebook | None:
    """The student's notebook, as the overlay that nbval runs."""
    if not parent.config.option.workbook or file_path.suffix != ".ipynb" or file_path.name == START:
        return None
    from workbook.checking.checked_notebook import CheckedNotebook

    found: CheckedNotebook = CheckedNotebook.from_parent(parent, path=file_path)
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what became of every cell, for `workbook check`."""
    path = session.config.option.workbook_report
    if path is None:
        return
    from workbook.checking.checked_notebook import PROBLEM, CheckedCell

    cells = [
        {
            "kind": item.facts["kind"],
            "about": item.about,
            "uses": item.facts["uses"],
            "described": item.described(),
            "outcome": item.result.outcome,
            "message": item.result.message,
            "note": item.facts.get("note", ""),
            "has_examples": item.facts.get("has_examples", True),
        }
        for item in session.items
        if isinstance(item, CheckedCell)
    ]
    problem = session.config.stash.get(PROBLEM, None)
    path.write_text(json.dumps({"problem": problem, "cells": cells}), encoding="utf-8")
