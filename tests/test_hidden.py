"""What students do not see of a test cell goes to the kernel apart from what they see."""

from __future__ import annotations

import base64
import marshal
import textwrap
from typing import Any

from nbformat.v4 import new_code_cell, new_notebook

from autograder.observe._writes import KEEPING
from autograder.sandbox.execute import execute
from autograder.sandbox.hidden import apart

REGION = "### BEGIN HIDDEN TESTS\n{}### END HIDDEN TESTS\n"


def run(hidden: str) -> dict[str, Any]:
    names: dict[str, Any] = {**KEEPING}
    exec(marshal.loads(base64.b64decode(hidden)), names)
    return names


def test_what_is_seen_keeps_its_lines() -> None:
    """Two regions, the last without a line break at its end."""
    source = "a = 1\n" + REGION.format("b = 2\n") + "assert a\n" + REGION.format("c = 3\n").strip()

    shown, hidden = apart(source)

    assert shown.splitlines()[0] == "a = 1"
    assert shown.splitlines()[4] == "assert a"
    assert shown.count("\n") == source.count("\n")
    assert not {"b = 2", "c = 3"} & {*shown.splitlines()}
    assert {"b": 2, "c": 3}.items() <= run(hidden).items()


def test_what_is_no_code_by_itself_stays_where_it_is() -> None:
    """A region inside a function, one with a slip in it, and a cell without any."""
    inside = "def f():\n    x = 1\n" + textwrap.indent(REGION.format("x = 2\n"), "    ")
    for source in (inside, REGION.format("x = = 1\n"), "x = 1\n"):
        assert apart(source) == (source, "")


def test_a_failing_visible_test_shows_its_own_line_and_none_that_is_hidden() -> None:
    flags = {"grade_id": "test-f", "grade": True, "solution": False}
    source = REGION.format("secret = 7\nraise ValueError(f(secret))\n") + "assert f(1) == 3\n"
    cells = [new_code_cell("def f(x):\n    return x\n")]
    for text in (source, REGION.format("secret = 7\n") + "assert f(1) == 3\n"):
        cells.append(new_code_cell(text, metadata={"nbgrader": flags}))

    done = execute(new_notebook(cells=cells), seed=1).notebook

    hidden, visible = (str(cell.outputs) for cell in done.cells[1:])
    assert "ValueError" in hidden
    assert "secret" not in hidden + visible
    assert "assert f(1) == 3" in visible
    assert [cell.source for cell in done.cells] == [cell.source for cell in cells]
