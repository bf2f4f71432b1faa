"""`workbook check`: what a file says of itself has no weight; the book's cells and outputs have."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode

from autograder.errors import DeskError
from tests.harness import ASSIGNMENTS, PYTHON_PATH
from tests.student_work import (
    Notebook,
    cell_of,
    grade_id,
    is_to_write,
    own_cell,
    released,
    saved,
    solved,
)
from workbook.checking import pytest_plugin
from workbook.checking.cell_result import Outcome, of_difference
from workbook.checking.overlay import FACTS, OWN, overlay
from workbook.checking.self_check import checked, self_check
from workbook.checking.standing import Entry, as_text, is_passed

LOOKS_AT = ("workbook/checking", "autograder/observe")

FIRST = "01-scaled-dot-product-attention"


def each(*in_every_run: str) -> pytest.MarkDecorator:
    """Every notebook; some only before a version is released."""
    return pytest.mark.parametrize(
        "assignment",
        [
            name if name in in_every_run else pytest.param(name, marks=pytest.mark.release)
            for name in ASSIGNMENTS
        ],
    )


PLUGIN = "workbook.checking.pytest_plugin"
PLAIN = ["-p", PLUGIN, "-p", "no:cacheprovider"]

NOT_SCALED = """
def attention_scores(query, key):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key has another size")
    return query @ key.mT
"""
# The visible tests have one, two and no other number of queries; the book's own cell has three.
WRONG_FOR_THREE = """
from helper import weighted

def scaled_dot_product_attention(query, key, value):
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("value has another length")
    weights = torch.softmax(attention_scores(query, key), -1)
    return weighted(weights, value), weights
"""
HELPER = """
def weighted(weights, value):
    return weights @ value * (1.1 if weights.shape[-2:] == (3, 3) else 1.0)
"""


def outcomes(entries: list[Entry]) -> dict[str, Outcome]:
    return {entry.name: entry.outcome for entry in entries}


def messages(entries: list[Entry]) -> dict[str, str]:
    return {entry.name: entry.message for entry in entries}


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PYTHON_PATH, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


# That right work passes the tests that are seen and prints what the book prints is shown of every
# notebook and style, without a kernel, by `test_worked_outputs`.
@each(FIRST)
def test_the_reference_passes(assignment: str, tmp_path: Path) -> None:
    """Right definitions pass every visible test and print what the book prints."""
    entries = checked(saved(solved(assignment), tmp_path, assignment))

    assert entries
    assert is_passed(entries), as_text(assignment, entries)


# That nothing but a step to do stops an untouched notebook is shown of each by `test_elsewhere`.
@each(FIRST)
def test_the_untouched_release_fails_kindly(assignment: str, tmp_path: Path) -> None:
    """Each definition is still to do, in order, and nothing else is said to be wrong."""
    notebook = released(assignment)
    entries = checked(saved(notebook, tmp_path, assignment))

    names = [grade_id(cell) for cell in notebook["cells"] if is_to_write(cell)]
    assert outcomes(entries) == dict.fromkeys(names, Outcome.TO_DO), entries
    assert f"write {names[0]}" in as_text(assignment, entries)


def rerun_and_saved(notebook: Notebook) -> None:
    """The outputs in the file are those of the wrong code."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            printed = {"output_type": "stream", "name": "stdout", "text": "wrong\n"}
            cell.update(outputs=[printed], execution_count=7)


def cleared(notebook: Notebook) -> None:
    """No output and no execution count: plain nbval passes this for nothing."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)


def marked(comment: str) -> Callable[[Notebook], None]:
    """A comment that nbval obeys, in every code cell."""

    def change(notebook: Notebook) -> None:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = f"{comment}\n{''.join(cell['source'])}"

    return change


def tagged(tag: str) -> Callable[[Notebook], None]:
    """A tag that nbval or Jupyter obeys, on every cell."""

    def change(notebook: Notebook) -> None:
        for cell in notebook["cells"]:
            cell["metadata"]["tags"] = [tag]

    return change


def deleted_tests(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if not cell["id"].startswith("test-")]


def edited_tests(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if cell["id"].startswith("test-"):
            cell["source"] = "print('visible tests passed')"


def not_run_tests(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if cell["id"].startswith("test-"):
            cell["source"] = "%%script false --no-raise-error\n" + "".join(cell["source"])


def not_run_demos(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if "demo" in cell["metadata"].get("tags", []):
            cell["source"] = "%%script false --no-raise-error\n" + "".join(cell["source"])


CHANGES: list[Callable[[Notebook], None]] = [
    rerun_and_saved,
    cleared,
    deleted_tests,
    edited_tests,
    not_run_tests,
    not_run_demos,
]
COMMENTS = [
    "# NBVAL_SKIP",
    "#NBVAL_SKIP",
    "## NBVAL_SKIP",
    "    # NBVAL_SKIP",
    "#NBVAL_IGNORE_OUTPUT",
    "# NBVAL_RAISES_EXCEPTION",
    "# PYTEST_VALIDATE_IGNORE_OUTPUT",
]
TAGS = [
    "nbval-skip",
    "nbval-ignore-output",
    "nbval-raises-exception",
    "raises-exception",
    "skip-execution",
]


def to_be_run(notebook: Notebook, folder: Path) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """The cells that nbval runs, without the student's own; and those."""
    cells = overlay(saved(notebook, folder, FIRST)).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.pop("execution_count") for cell in code] == list(range(1, len(code) + 1))
    own = [cell for cell in code if cell.metadata[FACTS]["kind"] == OWN]
    return [cell for cell in code if cell not in own], own


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param(change, id=change.__name__) for change in CHANGES),
        *(pytest.param(marked(comment), id=comment) for comment in COMMENTS),
        *(pytest.param(tagged(tag), id=tag) for tag in TAGS),
    ],
)
def test_what_a_file_says_of_itself_has_no_weight(
    change: Callable[[Notebook], None], tmp_path: Path
) -> None:
    """Whatever is done around wrong code, nbval runs the same cells and compares the same outputs.

    That these cells fail with wrong code is shown by the next test.
    """
    plain = solved(FIRST, NOT_SCALED)
    changed = copy.deepcopy(plain)
    change(changed)

    expected, _ = to_be_run(plain, tmp_path)
    found, own = to_be_run(changed, tmp_path)
    for cell in expected + found:  # a comment taken out leaves an empty one behind
        cell.source = cell.source.removeprefix("#\n")
    assert found == expected
    compared = [cell for cell in found if cell.metadata.tags == ["nbval-check-output"]]
    assert len(compared) >= 5
    assert all(cell.outputs for cell in compared)
    assert all(cell.metadata.tags == ["nbval-ignore-output"] for cell in own)
    assert not any("NBVAL" in cell.source or "PYTEST_VALIDATE" in cell.source for cell in own)


def test_wrong_code_fails_with_the_words_of_the_test(tmp_path: Path) -> None:
    """The command, from another folder, on wrong code with everything done that hides it."""
    notebook = solved(FIRST, NOT_SCALED)
    for change in (rerun_and_saved, edited_tests, marked("# NBVAL_SKIP"), tagged("nbval-skip")):
        change(notebook)
    (tmp_path / "work").mkdir()
    saved(notebook, tmp_path / "work", "handed in (1)")
    done = run(["autograder.cli", "check", "work/handed in (1).ipynb"], tmp_path)

    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert "  passed       softmax" in lines
    assert "  failed       attention_scores" in lines
    # The book's `trace(...)`, below this one, is a picture of everything, and so differs.
    assert "  passed       attention_shapes" in lines
    told = "the scores of bank are [[0.0, 4.0, 2.0]]; by hand they were 0, 2 and 1"
    assert told in " ".join(done.stdout.split())
    assert "Next: look at attention_scores." in done.stdout
    assert max(map(len, lines)) < 80
    assert "Traceback" not in done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["handed in (1).ipynb", "work"]


@pytest.mark.settled
def test_an_output_unlike_the_book_s_fails(tmp_path: Path) -> None:
    """Wrong code that no visible test notices; a module beside the notebook is found."""
    (tmp_path / "helper.py").write_text(HELPER, encoding="utf-8")
    entries = checked(saved(solved(FIRST, WRONG_FOR_THREE), tmp_path, FIRST))

    name = "scaled_dot_product_attention"
    assert outcomes(entries).pop(name) == Outcome.DIFFERS
    assert not is_passed(entries)
    told = messages(entries)[name]
    assert "|   muddy  water 1.94, money 0.47" in told
    assert "|   muddy  water 2.13, money 0.52" in told  # 1.1 times as much
    assert "failed       scaled_dot_product_attention" in as_text(FIRST, entries)


@pytest.mark.settled
def test_each_way_to_fail_is_told_apart(tmp_path: Path) -> None:
    """An error of syntax, a step to do, one that waits for it, an error inside, an own cell."""
    notebook = solved(FIRST)
    cell_of(notebook, "softmax")["source"] = "x = 1\ndef softmax(x)\n    return x"
    scores = next(c for c in released(FIRST)["cells"] if c["id"] == "attention_scores")
    cell_of(notebook, "attention_scores")["source"] = scores["source"]
    cell_of(notebook, "attention_shapes")["source"] = (
        "def attention_shapes(batch, length, d_model, d_k, d_v=None):\n"
        "    shapes = {}\n"
        "    return shapes['X']\n"
    )
    notebook["cells"].append(own_cell("# a try\nmy_table[0]"))
    entries = checked(saved(notebook, tmp_path, FIRST))

    own = "your own cell that begins with `my_table[0]`"
    assert outcomes(entries) == {
        "softmax": Outcome.FAILED,
        "attention_scores": Outcome.TO_DO,
        "scaled_dot_product_attention": Outcome.WAITS,
        "attention_shapes": Outcome.FAILED,
        own: Outcome.FAILED,
    }
    told = messages(entries)
    assert told["softmax"] == "SyntaxError: expected ':', in line 2 of the cell: def softmax(x)"
    assert told["scaled_dot_product_attention"] == "it uses attention_scores, which is still to do"
    assert told["attention_shapes"] == (
        "KeyError: 'X'\nIt happened in line 3 of attention_shapes: return shapes['X']"
    )
    assert told[own].startswith("NameError: name 'my_table' is not defined")


def test_it_says_where_code_stands_as_grading_does(tmp_path: Path) -> None:
    """Above the stub it counts, below its test not; nobody is told to write it once more."""
    notebook = solved(FIRST)
    cells = notebook["cells"]
    for name, beside in (("softmax", "softmax"), ("attention_scores", "test-attention_scores")):
        mine = own_cell("".join(cell_of(notebook, name)["source"]), f"mine-{name}")
        cell_of(notebook, name)["source"] = cell_of(released(FIRST), name)["source"]
        cells.insert(cells.index(cell_of(notebook, beside)) + (name != beside), mine)
    cells.append(own_cell("attention_shapes = print", "swap"))

    entries = checked(saved(notebook, tmp_path, FIRST))

    found = outcomes(entries)
    assert (found["softmax"], found["attention_scores"]) == (Outcome.PASSED, Outcome.TO_DO)
    text = " ".join(as_text(FIRST, entries).split())
    assert "softmax The cell of softmax is as it was released; graded is what a cell" in text
    assert "A cell of your own defines it, but below its tests, which do not see it" in text
    assert "Next: see what is said of attention_scores" in text
    assert "uses the name attention_shapes as well: attention_shapes = print." in text


SESSION = """
import warnings
import numpy as np
import torch
from torch import abs, max, sum
str, zip = "the cat sat", [1, 2]
torch.set_grad_enabled(False)
torch.set_num_threads(2)
np.seterr(all="raise")
warnings.simplefilter("error")
"""
# Of torch, not of Python.
OF_TORCH = """
def attention_scores(query, key):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key has another size")
    return sum(query[..., :, None, :] * key[..., None, :, :], dim=-1) / query.shape[-1] ** 0.5
"""


@pytest.mark.settled
def test_what_a_session_changed_does_not_reach_the_book(tmp_path: Path) -> None:
    """Names of Python and switches of the process; the student's own function keeps its names.

    In the book's cells a name is what its own cell defined, also below a comparison with others.
    """
    notebook = solved(FIRST, OF_TORCH)
    notebook["cells"].insert(3, own_cell(SESSION))
    for below in ("softmax", "attention_scores"):
        place = next(n for n, cell in enumerate(notebook["cells"]) if grade_id(cell) == below)
        swap = own_cell("mine = softmax\nsoftmax = attention_scores = print", f"swap-{below}")
        notebook["cells"].insert(place + 1, swap)
    entries = checked(saved(notebook, tmp_path, FIRST))

    assert is_passed(entries), messages(entries)


@pytest.mark.settled
def test_leaving_python_is_said_of_the_cell_that_does(tmp_path: Path) -> None:
    """A kernel that is asked to exit does so a while later, when others run."""
    notebook = solved(FIRST)
    notebook["cells"].insert(3, own_cell("exit()"))
    told = messages(checked(saved(notebook, tmp_path, FIRST)))

    assert "Python ended while this cell ran" in told["your own cell that begins with `exit()`"]


@pytest.mark.settled
def test_a_definition_that_ends_python_is_told_so(tmp_path: Path) -> None:
    """Its first call is in the book's `check(...)`, before its test, which is then not run."""
    notebook = solved(FIRST)
    ends = "def attention_scores(query, key):\n    import os\n    os._exit(1)"
    cell_of(notebook, "attention_scores")["source"] = ends
    entries = checked(saved(notebook, tmp_path, FIRST))

    assert outcomes(entries) == {
        "softmax": Outcome.PASSED,
        "attention_scores": Outcome.FAILED,
        "scaled_dot_product_attention": Outcome.NOT_RUN,
        "attention_shapes": Outcome.NOT_RUN,
    }
    assert "Python ended while this cell ran" in messages(entries)["attention_scores"]
    assert "Next: look at attention_scores." in as_text(FIRST, entries)


@pytest.mark.settled
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("while True:\n    pass", "it was stopped after 2 seconds"),
        pytest.param(
            *("import os\nos._exit(1)", "Python ended while this cell ran"),
            marks=pytest.mark.release,
        ),
    ],
    ids=["endless", "dead"],
)
def test_a_loop_that_does_not_end_and_a_dead_kernel(source: str, told: str, tmp_path: Path) -> None:
    """With plain pytest: the cell fails in words, the others are not run, nothing hangs."""
    notebook = solved(FIRST)
    notebook["cells"].insert(0, own_cell(source))
    saved(notebook, tmp_path, FIRST)
    options = [
        "--workbook",
        "--workbook-cell-timeout",
        "2",
        "-p",
        PLUGIN,
        "-p",
        "no:cacheprovider",
    ]
    done = run(["pytest", *options, f"{FIRST}.ipynb"], tmp_path)

    assert done.returncode == 1, done.stdout
    assert told in done.stdout
    assert "not run, because of what happened in a cell above" in done.stdout
    assert "passed" not in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout


@pytest.mark.settled
def test_plain_pytest_collects_the_book_s_cells_by_name(tmp_path: Path) -> None:
    """`pytest --workbook` on a folder leaves the start page alone, and tells damage in words."""
    saved(solved(FIRST), tmp_path, FIRST)
    (tmp_path / "00-start-here.ipynb").write_text("{}")
    options = ["--workbook", "--collect-only", "-q", *PLAIN]
    collected = run(["pytest", *options], tmp_path)
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    torn = run(["pytest", *options], tmp_path)

    assert collected.returncode == 0, collected.stdout
    assert f"{FIRST}.ipynb::test-softmax" in collected.stdout
    assert "00-start-here" not in collected.stdout
    assert torn.returncode != 0
    assert "torn.ipynb is not a notebook: it ends early or is not JSON" in torn.stdout
    assert "`workbook doctor FILE` says what can be done" in torn.stdout


def test_without_its_option_the_plugin_does_nothing_and_imports_nothing(tmp_path: Path) -> None:
    """Every pytest of the environment loads it."""
    heavy = "{'nbformat', 'nbval', 'torch', 'numpy', 'typer'} & set(sys.modules)"
    done = run(["timeit", "-n1", "-r1", f"import sys, {PLUGIN}; assert not {heavy}"], tmp_path)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", [PLUGIN, "workbook"])
def test_loading_the_plugin_twice_is_harmless(first: str) -> None:
    """By its entry point and by `-p`, in either order, it is registered once."""
    manager = pytest.PytestPluginManager()
    manager.register(pytest_plugin, first)
    (second,) = {PLUGIN, "workbook"} - {first}

    assert manager.is_blocked(second)
    manager.import_plugin(PLUGIN)
    assert [plugin for plugin in manager.get_plugins() if plugin is pytest_plugin] == [
        pytest_plugin
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is not there"),
        ("", "ends early or is not JSON"),
        ('{"nbformat": 4}', "has no list of cells"),
        ('{"nbformat": 4, "cells": []}', "none of the notebooks that can be checked here"),
        (
            '{"nbformat": 4, "cells": [{"cell_type": "code"}]}',
            "none of the notebooks that can be checked here",
        ),
    ],
    ids=["missing", "empty", "no-cells", "no-cell", "foreign"],
)
def test_a_file_that_cannot_be_used(content: str | None, told: str, tmp_path: Path) -> None:
    """One sentence says why, and the other files are checked before."""
    path = tmp_path / "work.ipynb"
    if content is not None:
        path.write_text(content)

    with pytest.raises(DeskError, match=told):
        self_check([path])


@pytest.mark.parametrize("name", ["01.ipynb.txt", "01.IPYNB", "notes.py"])
def test_a_name_that_a_browser_changed(name: str, tmp_path: Path) -> None:
    """It is said what is wrong with it, and what mends it."""
    saved(solved(FIRST), tmp_path, FIRST).rename(tmp_path / name)

    with pytest.raises(DeskError, match=r"does not end in \.ipynb.*workbook doctor FILE"):
        checked(tmp_path / name)


def test_the_start_page_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`workbook check *.ipynb` in a student's folder holds it too."""
    assert self_check([tmp_path / "00-start-here.ipynb"]) == 0
    assert "nothing in it is checked" in capsys.readouterr().out


def stream(text: str) -> dict[str, str]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def test_a_print_left_in_the_code_is_told_as_such() -> None:
    """What the book prints is all there, and something more."""
    told = of_difference([stream("a 1\nb 2\n")], [stream("a 1\nshape (2, 3)\nb 2\n")])

    assert told.splitlines() == [
        "it prints more than the book does. Is a print left in your code?",
        "yours also has | shape (2, 3)",
    ]


def test_only_lines_that_differ_are_shown() -> None:
    """At most three of each side; nothing printed is said to be nothing."""
    book = [stream("".join(f"{n}\n" for n in range(6)))]

    assert of_difference(book, [stream("0\n1\n7\n3\n4\n5\n")]).splitlines()[1:] == [
        "the book has   | 2",
        "yours printed  | 7",
    ]
    assert of_difference(book, []).splitlines()[1:] == [
        "the book has   | 0",
        "               | 1",
        "               | 2",
        "               | ... and 3 more",
        "yours printed  | (nothing)",
    ]
