"""What the book's cells print is what every right answer prints, in whatever style."""

from __future__ import annotations

import ast
import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib.pyplot
import pytest

from autograder.course.assignment import is_test
from autograder.kernel.versions import defined
from autograder.release.worked_outputs import IGNORED
from tests import anew, harness
from tests.student_work import grade_id, is_to_write, released
from workbook.material import answers
from workbook.material import text as text_of

# Row after row in double precision, the long inputs of this one's pictures take half a minute.
SLOW = {"challenge-flash-attention": "row_by_row_in_float64"}


def styles() -> Iterator[Any]:
    """The reference and one style of each notebook, and all of those proved anew."""
    for assignment in harness.ASSIGNMENTS:
        sources = harness.authored(assignment).own_styles
        yield pytest.param(assignment, "", id=f"{harness.module_name(assignment)}-reference")
        for name, marks in anew.one_now(assignment, list(sources)):
            slow = [pytest.mark.release] if SLOW.get(assignment) == name else []
            called = f"{harness.module_name(assignment)}-{name}"
            yield pytest.param(assignment, sources[name], id=called, marks=[*marks, *slow])


def told(output: Mapping[str, Any]) -> str:
    """What was recorded, but for pictures, which say no more than their size."""
    text: str = output.get("text") or output["data"]["text/plain"]
    return "" if text.startswith("<Figure ") else text


def ran(source: str, name: str, namespace: dict[str, Any]) -> list[str]:
    """What a cell prints, and the value that stands at its end, as a kernel would show them."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as written:
        exec(compile(ast.Module(body, []), f"<{name}>", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"<{name}>", "eval"), namespace)
    shown = "" if value is None or source.rstrip().endswith(";") else repr(value)
    return list(filter(None, [written.getvalue(), shown]))


@pytest.mark.filterwarnings("ignore")  # a style that torch warns of is still right
@pytest.mark.parametrize(("assignment", "source"), list(styles()))
def test_every_right_style_prints_the_same(
    assignment: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Correct work passes the visible tests and prints what is recorded, no more and no less."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: matplotlib.pyplot.close("all"))
    authored = harness.authored(assignment)
    definitions = defined(*authored.provided, authored.module, source)
    expected = {
        name: [text for output in outputs if (text := told(output))]
        for name, outputs in answers(assignment)["outputs"].items()
    }

    printed: dict[str, list[str]] = {}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in released(assignment)["cells"]:
        if is_to_write(cell):
            namespace[grade_id(cell)] = definitions[grade_id(cell)]
        elif cell["cell_type"] == "code" and IGNORED not in cell["metadata"].get("tags", []):
            found = ran(text_of(cell), cell["id"], namespace)
            if cell["id"] in expected or (found and not is_test(cell)):
                printed[cell["id"]] = found

    assert printed == expected
