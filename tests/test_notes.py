"""What the page says of cells that stopped: which cell, which line, which module."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from autograder.course.assignment import Assignment
from autograder.doctor import importable
from autograder.feedback.exporter import page
from autograder.grading.notes import MOST, made_elsewhere, missing, notes, why_stopped
from autograder.observe import collecting, observe
from autograder.reading.wanted import debuggers, failed_import, first_line
from autograder.sandbox.execution import Execution
from autograder.verdict.judge import Circumstances, judge
from autograder.verdict.present import write_verdicts
from autograder.verdict.verdict import CellResult
from tests import diagnosing, harness, mini


def stopped(source: str, error: str, said: str = "", name: str = "own-1-0") -> NotebookNode:
    cell = new_code_cell(source, id=name)
    cell.outputs = [new_output("error", ename=error, evalue=said, traceback=[])]
    return cell


def executed(*own: NotebookNode, **sources: str) -> Execution:
    """A run of the small assignment with cells of the student's own behind the imports."""
    notebook = mini.notebook()
    for cell in notebook.cells:
        cell.source = sources.get(cell.id, cell.source)
    notebook.cells[2:2] = own
    return Execution(notebook)


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    path = mini.make_course(tmp_path) / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    return Assignment(mini.NAME, path)


IMPORTS = (
    "# what I use everywhere\nimport numpy as np\nimport pandas as pd\nfrom torch.nn import relu"
)


@pytest.mark.parametrize(
    ("source", "error", "said", "expected"),
    [
        (
            IMPORTS,
            "ModuleNotFoundError",
            "No module named 'pandas'",
            "your own cell that begins with `import numpy as np` stopped at "
            "`import pandas as pd`: there is no module pandas here",
        ),
        (
            "from google.colab import files",
            "ModuleNotFoundError",
            "No module named 'google'",
            "stopped at `from google.colab import files`: there is no module google here",
        ),
        (
            "from torch import softmx",
            "ImportError",
            "cannot import name 'softmx' from 'torch' (/somewhere)",
            "stopped at `from torch import softmx`: there is no softmx in torch here",
        ),
        ("x = 1\ny = {}[x]", "KeyError", "1", "that begins with `x = 1` stopped with KeyError"),
        ("exit()", "SystemExit", "", "that begins with `exit()` ends Python"),
    ],
)
def test_an_own_cell_that_stopped_is_named(
    assignment: Assignment, source: str, error: str, said: str, expected: str
) -> None:
    """By its first line, and with the import that failed."""
    (note,) = notes(assignment, executed(stopped(source, error, said)))

    assert expected in note


def test_what_an_exception_says_is_not_shown(assignment: Assignment) -> None:
    """Student code can put a line of the hidden tests there."""
    said = "No module named 'observe_of_randn_3_5'"
    cell = stopped("import helper", "ModuleNotFoundError", said)

    (note,) = notes(assignment, executed(cell))

    assert "randn" not in note
    assert "stopped with ModuleNotFoundError" in note


def test_cells_of_the_book_are_not_called_the_students(assignment: Assignment) -> None:
    """What fails in the cell of imports is named as that."""
    run = executed()
    imports = next(cell for cell in run.notebook.cells if cell.id == "imports")
    imports.outputs = [new_output("error", ename="ModuleNotFoundError", evalue="x", traceback=[])]

    (note,) = notes(assignment, run)

    assert note.startswith("the notebook's cell that begins with `import torch` stopped")


def test_there_are_not_thousands_of_notes(assignment: Assignment) -> None:
    """A page stays a page."""
    many = [stopped("1 / 0", "ZeroDivisionError", name=f"own-1-{n}") for n in range(500)]

    assert len(notes(assignment, executed(*many))) == MOST


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("def f(x):\n    breakpoint()\n    return x", ["breakpoint()"]),
        ("import pdb\ndef f(x):\n    pdb.set_trace()\n    n = input()", ["set_trace()", "input()"]),
        ("def f(breakpoint):\n    return breakpoint", []),
        ("# breakpoint()\nx = 'breakpoint()'", []),
    ],
)
def test_a_debugger_left_in_the_code_is_said(
    assignment: Assignment, source: str, calls: list[str]
) -> None:
    """In a definition as in a cell of the student's own."""
    found = notes(assignment, executed(double=source))

    assert debuggers(source) == calls
    assert [note.split(" stands in your double")[0] for note in found] == [
        f"`{call}`" for call in calls
    ]


def test_a_definition_whose_import_failed_names_module_and_line() -> None:
    """Above the definition, where it is the first line that runs."""
    source = "from google.colab import files\ndef double(x):\n    return 2 * x"
    run = executed(double=source)
    cell = next(cell for cell in run.notebook.cells if cell.id == "double")
    cell.outputs = stopped("", "ModuleNotFoundError", "No module named 'google'").outputs
    run.stopped["double"] = "ModuleNotFoundError"

    assert why_stopped(run, "first_row") == ""
    assert why_stopped(run, "double") == (
        "the cell that defines it stopped at `from google.colab import files`: there is no module "
        "google here"
    )


def test_a_name_is_traced_to_the_cell_that_was_to_define_it(assignment: Assignment) -> None:
    """Only what stands in the student's text can be said, and of other cells nothing is claimed."""
    said = "No module named 'pandas'"
    run = executed(
        stopped(IMPORTS, "ModuleNotFoundError", said),
        double="import einops\ndef double(x):\n    return relu(x) + reul(x)",
    )

    known = missing(assignment, run)

    assert known["relu"] == (
        "relu is not defined, because the cell that begins with `import numpy as np` stopped"
    )
    assert known["reul"] == "reul is not defined"
    assert known["einops"] == "there is no einops here"
    assert "observe" not in known


def test_lines_are_short_and_plain() -> None:
    """A line of a student's goes to a terminal and to a page."""
    assert first_line("\n# a comment\n\x1b[31mx = 1") == "?[31mx = 1"
    assert len(first_line("x" * 1000)) == 60
    assert first_line("") == ""
    assert failed_import("def (", "No module named 'x'") == ""


def test_the_page_shows_them_as_text() -> None:
    """A line of a student's is code on the page, and no tag of it."""
    notebook = mini.notebook()
    results = {name: CellResult(name, 1.0) for name in ("test-double", "test-first_row")}
    write_verdicts(notebook, results, None, ["your own cell that begins with `a <b> c` stopped"])

    shown = page(notebook, {})

    assert (
        '<p class="note">Your own cell that begins with <code>a &lt;b&gt; c</code> stopped.</p>'
        in shown
    )


def test_a_name_that_is_not_there_is_said_where_the_student_wrote_it() -> None:
    """Of anything else that evidence holds, nothing is said: it can be a line of the tests."""

    def evidence(error: Exception | None) -> list[bytes]:
        with collecting() as records:
            with observe("right") as seen:
                seen.one = 1
            with observe("asks for it") as seen:
                if error is not None:
                    raise error
                seen.two = 2
        return records

    circumstances = Circumstances(missing={"relu": "relu is not defined, because of a cell"})
    errors = [NameError(name="relu"), NameError(name="randn(3, 5)"), KeyError("relu")]
    said = [
        judge("test-x", 1.0, evidence(None), evidence(error), (), circumstances).checks[1].message
        for error in errors
    ]

    assert said == [
        "raised NameError: relu is not defined, because of a cell",
        "raised NameError",
        "raised KeyError",
    ]


def test_doctor_says_what_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what students often import: what is here, and what would stop their cells."""
    here = ("numpy", "torch", "scipy")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in here else None)

    assert importable().found == (
        "Python's own modules, numpy, scipy, torch; not einops, matplotlib, pandas, seaborn, "
        "sklearn, tqdm"
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("attention_scores(query, key)", "attention_scores(key, query)", True),
        ("math.sqrt(query.shape[-1])", "1", False),  # it is wrong itself
        ("dim=-1", "dim=-2", False),  # a mistake of the cell's own definition
    ],
)
def test_a_mistake_named_after_what_is_right_is_said_to_be_made_elsewhere(
    old: str, new: str, said: bool
) -> None:
    """The numbers are those of a wrong definition that is right: nobody is to look for it there."""
    name = "01-scaled-dot-product-attention"
    source = harness.solution_source(name)
    assert source.count(old) == 1
    results = diagnosing.diagnosed(name, source.replace(old, new))
    named = [c.because for c in results["test-scaled_dot_product_attention"].checks if c.because]

    found = made_elsewhere(results)

    assert named or not said
    assert bool(found) == said
    if said:
        assert found == {
            "test-scaled_dot_product_attention": "The mistake is named after attention_scores, "
            "which passed every check: look for it in scaled_dot_product_attention, in what that "
            "does with it or in its place."
        }
