"""The words that the notebooks have for a mistake, as they were recorded for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.errors import DeskError
from workbook import material

Known = tuple[str, str]  # a misconception: its notebook and its id


def sentence(known: Sequence[Known], function: str) -> str:
    """What is wrong, without a full stop: in the words for this function, else for the first one.

    Where this installation came without the notebook, the id has to do.
    """
    recorded = [each for notebook, id in known if (each := _recorded(notebook, id))]
    own = [each for each in recorded if each["definition"] == function]
    for each in [*own, *recorded]:
        return str(each["name"]).rstrip(".")
    return known[0][1].replace("-", " ")


def _recorded(notebook: str, id: str) -> dict[str, Any] | None:
    try:
        entries = material.answers(notebook)["misconceptions"]
    except DeskError:
        return None
    return next((each for each in entries if each["id"] == id), None)
