"""Text of a student's file comes to terminal and page without what these obey."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.errors import UnreadableError
from autograder.submission.cells import parse
from autograder.submission.handed_in import read_notebook

EVIL = "\x1b[31m\x9b0m\u202e\u2028\x07\x00"


@pytest.mark.parametrize(
    "content",
    [
        {"nbformat": EVIL},
        {"nbformat": 3, "worksheets": EVIL},
        {"nbformat": 2, "worksheets": [{"cells": [{"cell_type": EVIL}]}]},
        {"nbformat": 4, "cells": EVIL},
    ],
)
def test_what_nbformat_says_of_a_file(content: object) -> None:
    """It repeats the file's words."""
    with pytest.raises(UnreadableError) as raised:
        parse(json.dumps(content).encode(), f"{EVIL}.ipynb")

    assert str(raised.value).isprintable()
    assert "is not a notebook" in str(raised.value)


def test_the_names_of_files(tmp_path: Path) -> None:
    """Of the one that is wanted, and of those that lie there instead."""
    name = EVIL.replace("\0", "")
    (tmp_path / f"{name}other.ipynb").touch()

    with pytest.raises(UnreadableError, match="give the one that counts that name") as raised:
        read_notebook(tmp_path / f"{name}.ipynb")

    assert str(raised.value).isprintable()
