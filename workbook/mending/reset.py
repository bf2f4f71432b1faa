"""Gives back a notebook, or one cell of it, as it was released."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.course.assignment import grade_id_of, is_solution
from autograder.errors import DeskError
from workbook import material
from workbook.mending import backup
from workbook.mending.opened import Opened, marks_of, open_file


def reset(file: Path, cell: str | None) -> Iterable[str]:
    """Write the fresh notebook or cell, after a backup, and say what was done, line by line.

    Raises: DeskError, when the file is none of the notebooks, or has no such cell.
    """
    opened = open_file(file)
    fresh = material.released(opened.name)
    if cell is None:
        content, done = fresh, f"{opened.path.name} is as it was released."
    else:
        content, done = _with_fresh(opened, fresh["cells"], cell)
    kept = backup.keep(opened.raw, opened.path, opened.name)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    backup.write(text.encode("utf-8", "replace"), opened.path)
    return [done, *backup.way_back(kept, opened.path)]


def _with_fresh(
    opened: Opened, fresh: list[dict[str, Any]], name: str
) -> tuple[dict[str, Any], str]:
    """The student's notebook with one cell as it was released, and what was done."""
    index = _index(fresh, name, opened.name)
    if opened.content is None or opened.sides:
        raise DeskError(
            f"{opened.path.name} cannot be opened as a notebook"
            f"{' because of a merge conflict' if opened.sides else f': {opened.problem}'}; "
            "try `workbook doctor` on it, or leave out --cell to get the whole notebook fresh"
        )
    cells = opened.content["cells"]
    places = [place for place, each in enumerate(cells) if _is(each, name)]
    before = {mark for each in fresh[:index] for mark in marks_of(each)}
    after_book = [place + 1 for place, each in enumerate(cells) if marks_of(each) & before]
    place = places[0] if places else max(after_book, default=0)
    kept = [each for each in cells[place:] if not _is(each, name)]
    given = dict(fresh[index])
    if opened.content.get("nbformat_minor", 5) < 5:
        del given["id"]  # older formats have none
    content = {**opened.content, "cells": [*cells[:place], given, *kept]}
    if not places:
        return content, f"The cell {name} was gone; it is back as cell {place + 1}, as released."
    others = f" ({len(places) - 1} more of that name went into the backup)" * (len(places) > 1)
    return content, f"The cell {name}, cell {place + 1}, is as it was released{others}."


def _index(fresh: list[dict[str, Any]], name: str, notebook: str) -> int:
    """Where the released notebook has this cell.

    Raises: DeskError, saying which cells there are.
    """
    names = [grade_id_of(each) for each in fresh]
    if name in names:
        return names.index(name)
    to_write = [each for each in map(grade_id_of, filter(is_solution, fresh)) if each]
    given = [each for each in names if each and each not in to_write]
    near = difflib.get_close_matches(name, [*to_write, *given], n=1)
    raise DeskError(
        f"{notebook} has no cell {name!r}{f' (did you mean {near[0]}?)' if near else ''}; "
        f"what you write: {', '.join(to_write)}; what is given: {', '.join(given)}"
    )


def _is(cell: dict[str, Any], name: str) -> bool:
    """Whether this is the cell of that name; an id counts where the metadata was lost."""
    return (grade_id_of(cell) or cell.get("id")) == name
