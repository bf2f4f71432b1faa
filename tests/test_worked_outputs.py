"""What the book's cells print is what every right answer prints, in whatever style."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import matplotlib.pyplot
import pytest

from autograder.authoring.authored import ORACLE
from autograder.release.worked_outputs import IGNORED
from tests import harness
from tests.student_work import grade_id, is_to_write, released
from workbook.material import answers, text

STYLES = [
    pytest.param(assignment, source, id=f"{harness.module_name(assignment)}-{name}")
    for assignment in harness.ASSIGNMENTS
    for name, source in harness.authored(assignment).styles.items()
    if not name.startswith(ORACLE)
]


@pytest.mark.filterwarnings("ignore")  # a style that torch warns of is still right
@pytest.mark.parametrize(("assignment", "source"), STYLES)
def test_every_right_style_prints_the_same(
    assignment: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Correct work passes the visible tests and changes no printed line of a compared cell."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: matplotlib.pyplot.close("all"))
    definitions = harness.solutions(assignment)
    exec(compile(source, "<style>", "exec"), definitions)
    expected = {
        name: "".join(output.get("text", "") for output in outputs)
        for name, outputs in answers(assignment)["outputs"].items()
    }

    printed: dict[str, str] = {}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in released(assignment)["cells"]:
        if is_to_write(cell):
            namespace[grade_id(cell)] = definitions[grade_id(cell)]
        elif cell["cell_type"] == "code" and IGNORED not in cell["metadata"].get("tags", []):
            with contextlib.redirect_stdout(io.StringIO()) as written:
                exec(compile(text(cell), f"<{cell['id']}>", "exec"), namespace)
            if cell["id"] in expected:
                printed[cell["id"]] = written.getvalue()

    assert printed == expected
