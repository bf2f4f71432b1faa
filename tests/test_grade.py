"""`workbook grade` from submitted notebooks to the gradebook, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.cli import main
from autograder.course.course import Course
from autograder.errors import CellsChangedError
from autograder.observe import collecting, observe, randn
from autograder.release.release import generate
from tests import mini
from tests.forked import forked

WRONG = "def double(x):\n    return 3 * x"


def workbook(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the course folder."""
    return forked(main, ["workbook", *arguments], course)


def results(course: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """The results of a grading by student."""
    done = workbook(course, "grade", "--json", "out.json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads((course / "out.json").read_text())
    return {result["student"] or result["file"]: result for result in found}


def scores(course: Path) -> dict[str, float]:
    """Each student's score in the gradebook."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(mini.NAME)}


def test_a_batch_with_every_kind_of_submission(course: Path) -> None:
    """Each ends in exactly one state, none stops another, and the gradebook has the scores."""
    exits = "import os\ndef first_row(x):\n    os._exit(3)"
    mini.hand_in(course, "right", mini.submission())
    mini.hand_in(course, "wrong", mini.submission(double=WRONG))
    mini.hand_in(course, "syntax", mini.submission(double="def double(x:"))
    mini.hand_in(course, "dead", mini.submission(first_row=exits))
    mini.hand_in(course, "broken", '{"cells": [')
    (course / "submitted" / "empty" / mini.NAME).mkdir(parents=True)

    found = results(course)

    assert {name: (r["status"], r["score"]) for name, r in found.items()} == {
        "right": ("graded", 6.0),
        "wrong": ("graded", 2.0),
        "syntax": ("graded", 2.0),
        "dead": ("needs attention", 4.0),
        "broken": ("needs attention", None),
        "empty": ("needs attention", None),
    }
    assert scores(course) == {
        "right": 6.0,
        "wrong": 2.0,
        "syntax": 2.0,
        "dead": 4.0,
        "broken": 0.0,
        "empty": 0.0,
    }
    assert "the kernel died while running test-first_row" in found["dead"]["reason"]
    assert "is not a notebook" in found["broken"]["reason"]
    checks = found["syntax"]["tests"]["test-double"]["checks"]
    assert checks[0]["message"] == "the cell that defines it stopped with SyntaxError"
    assert list((course / "autograded").rglob(".*")) == []


def test_cells_that_came_or_went_stop_no_other_assignment(course: Path) -> None:
    """nbgrader keeps the cells of what was handed in; which, and what to do, is said."""
    mini.add_other(course)
    for name in (mini.NAME, mini.OTHER):
        mini.hand_in(course, "one", mini.submission(), name)
    results(course)
    changed = mini.notebook()
    changed.cells[-1].metadata["nbgrader"]["grade_id"] = "why"
    nbformat.write(changed, course / "source" / mini.NAME / f"{mini.NAME}.ipynb")

    done = workbook(course, "grade", "--force", "--json", "out.json")
    alone = workbook(course, "grade", "--force", mini.NAME)

    assert done.returncode == 1, done.stderr
    first, other = json.loads((course / "out.json").read_text())
    assert (first["assignment"], first["status"]) == (mini.NAME, "needs attention")
    assert "(new: why; gone: why-shape)" in first["reason"]
    assert f"nbgrader db assignment remove {mini.NAME} --force" in first["reason"]
    assert (other["assignment"], other["reason"], other["score"]) == (mini.OTHER, None, 6.0)
    assert scores(course) == {"one": 6.0}
    assert (alone.returncode, "(new: why; gone: why-shape)" in alone.stderr) == (2, True)
    opened = Course(course)
    with pytest.raises(CellsChangedError, match="gone: why-shape"):
        generate(opened, opened.assignments[mini.NAME], course / "release")


def test_odd_files_cost_nobody_else_anything(course: Path) -> None:
    """Texts that cannot be written, forged timestamps and links: each has its own outcome."""
    odd = mini.submission(**{"why-shape": "half a character: \ud800"})
    mini.hand_in(course, "a-surrogate", json.dumps(odd))
    mini.hand_in(course, "b-right", mini.submission())
    for name, made in (("c-time", "not a date"), ("d-mark", "\ufeff" + json.dumps(odd))):
        mini.hand_in(course, name, mini.submission() if name == "c-time" else made)
    (course / "submitted" / "c-time" / mini.NAME / "timestamp.txt").write_text("not a date")
    os.mkfifo(course / "submitted" / "b-right" / mini.NAME / "timestamp.txt")
    (course / "submitted" / "e-link").symlink_to(course / "submitted" / "b-right")
    (course / "submitted" / "f-link").mkdir()
    (course / "submitted" / "f-link" / mini.NAME).symlink_to(course / "source" / mini.NAME)

    found = results(course)

    assert {name: r["score"] for name, r in found.items()} == {
        "a-surrogate": 6.0,
        "b-right": 6.0,
        "c-time": 6.0,
        "d-mark": 6.0,
        "e-link": None,
        "f-link": None,
    }
    assert "is a link" in found["e-link"]["reason"]


HOSTILE = """
def double(x):
    from IPython import get_ipython
    kernel = get_ipython().kernel
    content = {"data": {"text/plain": "x"}, "metadata": {}, "execution_count": "boo"}
    send = lambda kind, content: kernel.session.send(
        kernel.iopub_socket, kind, content, parent=kernel.get_parent())
    send("display_data", content)
    send("update_display_data", {**content, "transient": {"display_id": "a"}})
    send("comm_open", {"comm_id": "a", "target_name": "b", "data": {}})
    hidden = get_ipython().user_ns["In"][-1]
    raise type("\\x1b[31m" + hidden, (Exception,), {"__module__": "builtins"})("x")
"""


def test_forged_messages_and_names_change_nothing(course: Path) -> None:
    """What a kernel claims is no error of the grader and leads no hidden line into a message."""
    mini.hand_in(course, "hostile", mini.submission(double=HOSTILE))

    result = results(course)["hostile"]

    assert (result["status"], result["score"]) == ("graded", 2.0)
    for check in result["tests"]["test-double"]["checks"]:
        assert check["message"].startswith("raised Exception in your line `raise type(")
        assert check["message"].isprintable()


def test_the_result_has_the_shape_of_the_interface(course: Path) -> None:
    """Every field of the documented object is there, with its type."""
    mini.hand_in(course, "wrong", mini.submission(double=WRONG))

    result = results(course, "--seed", "8111")["wrong"]

    assert result["schema"] == 1
    assert result["file"] == f"submitted/wrong/{mini.NAME}/{mini.NAME}.ipynb"
    assert (result["student"], result["assignment"]) == ("wrong", mini.NAME)
    assert (result["status"], result["reason"]) == ("graded", None)
    assert (result["score"], result["max_score"], result["seed"]) == (2.0, 6.0, 8111)
    assert set(result["seconds"]) == {"execute", "judge"}
    test = result["tests"]["test-double"]
    assert (test["score"], test["max_score"]) == (0.0, 4.0)
    assert test["checks"][0] == {
        "name": "any shape",
        "passed": False,
        "points": 1.0,
        "message": "output: shape (3, 5) is right; 15 of 15 entries differ; "
        "all are 1.5 times what they should be",
        "misconception": "tripled",
        "misconceptions": ["tripled"],
    }


def test_a_file_is_graded_once_and_again_when_it_changes(course: Path) -> None:
    """A second run leaves verdicts alone, a new hand-in is graded, `--force` grades anyway."""
    path = mini.hand_in(course, "one", mini.submission())
    first = results(course)["one"]["seed"]

    again = workbook(course, "grade")
    assert "1 left as graded before" in again.stderr
    assert results(course) == {}
    assert results(course, "--force")["one"]["seed"] != first
    nbformat.write(mini.submission(double=WRONG), path)
    assert results(course)["one"]["score"] == 2.0
    assert scores(course) == {"one": 2.0}


def test_what_needs_attention_is_tried_again(course: Path) -> None:
    """The state of a run does not turn into success by running it twice."""
    mini.hand_in(course, "one", mini.submission(double="import os\nos._exit(1)"))

    assert workbook(course, "grade").returncode == 1
    assert workbook(course, "grade").returncode == 1


def test_a_broken_resubmission_keeps_no_old_score(course: Path) -> None:
    """A score always belongs to the work that was handed in last."""
    path = mini.hand_in(course, "one", mini.submission())
    workbook(course, "grade")
    path.write_text("{")
    workbook(course, "grade", "--force")

    assert scores(course) == {"one": 0.0}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert gradebook.find_submission(mini.NAME, "one").needs_manual_grade


def test_the_autograded_notebook_shows_the_verdict_and_no_evidence(course: Path) -> None:
    """A table for people, one plain float for nbgrader, and nothing of the machinery."""
    mini.hand_in(course, "wrong", mini.submission(double=WRONG))
    workbook(course, "grade")

    path = course / "autograded" / "wrong" / mini.NAME / f"{mini.NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    (cell,) = [cell for cell in notebook.cells if cell.id == "test-double"]

    assert [output.output_type for output in cell.outputs] == ["display_data", "execute_result"]
    assert cell.outputs[1].data == {"text/plain": "0.0"}
    assert (
        "The visible tests said: AssertionError: twice three is six"
        in cell.outputs[0].data["text/html"]
    )
    assert "transformer-workbook.evidence" not in path.read_text()


def test_numbers_learned_from_one_run_do_not_fit_the_next(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right answers of one seed, replayed, pass on that seed and on no other."""
    monkeypatch.setenv("WORKBOOK_SEED", "11")
    with collecting(), observe("any shape"):
        answer = (2 * randn(3, 5)).tolist()
    replay = f"def double(x):\n    return torch.tensor({answer})"
    mini.hand_in(course, "one", mini.submission(double=replay))

    def passed(seed: str) -> list[bool]:
        found = results(course, "--force", "--seed", seed)["one"]
        return [check["passed"] for check in found["tests"]["test-double"]["checks"]]

    assert passed("11") == [True, False, False]
    assert passed("12") == [False, False, False]


def test_loose_files_need_no_gradebook(course: Path, tmp_path: Path) -> None:
    """The assignment is known from the cells, whatever the file is called."""
    path = tmp_path / "my work (1).ipynb"
    nbformat.write(mini.submission(), path)

    done = workbook(course, "grade", str(path), "--json", "-")

    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert (result["file"], result["student"], result["score"]) == (str(path), None, 6.0)
    assert not (course / "gradebook.db").exists()
    assert not (course / "autograded").exists()


def no_course(course: Path) -> list[str]:
    (course / "nbgrader_config.py").unlink()
    return ["grade"]


def bad_config(course: Path) -> list[str]:
    (course / "nbgrader_config.py").write_text("c = get_config(\n")
    return ["grade"]


def no_submissions(course: Path) -> list[str]:
    (course / "submitted" / "one" / mini.NAME / f"{mini.NAME}.ipynb").unlink()
    (course / "submitted" / "one" / mini.NAME).rmdir()
    return ["grade"]


def foreign_notebook(course: Path) -> list[str]:
    nbformat.write(nbformat.v4.new_notebook(), course / "other.ipynb")
    return ["grade", "other.ipynb"]


def text_file(course: Path) -> list[str]:
    (course / "text.ipynb").write_text("hello")
    return ["grade", "text.ipynb"]


def broken_source(course: Path) -> list[str]:
    (course / "source" / mini.NAME / f"{mini.NAME}.ipynb").write_text("{")
    return ["grade"]


def broken_solutions(course: Path) -> list[str]:
    (course / "solutions" / "mini.py").write_text("def double(:")
    return ["grade"]


def results_into_a_folder(course: Path) -> list[str]:
    (course / "folder").mkdir()
    return ["grade", "--json", "folder"]


def arguments(*given: str) -> Callable[[Path], list[str]]:
    return lambda course: list(given)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (no_course, "is not a course folder"),
        (bad_config, "cannot be read"),
        (no_submissions, "no submission to grade"),
        (foreign_notebook, "belongs to no assignment"),
        (text_file, "is not a notebook"),
        (broken_source, "is not a notebook"),
        (broken_solutions, "double stopped with SyntaxError"),
        (
            arguments("grade", "99-nothing"),
            "there is no assignment '99-nothing'; there are 01-mini",
        ),
        (arguments("grade", "nothing.ipynb"), "is not there"),
        (arguments("grade", "x.ipynb", mini.NAME), "not both"),
        (results_into_a_folder, "cannot be written to folder"),
        (arguments("grade", "--db", "nonsense"), "the gradebook nonsense cannot be used"),
        (arguments("grade", "--db", "sqlite:////no/x.db"), "is no folder that can be written to"),
        (arguments("grade", "x.ipynb", "--force"), "go with assignments, not with files"),
        (arguments("grade", "--student", "nobody"), "no submission of nobody"),
        (arguments("grade", "--json", "no/folder/x.json"), "is not a folder"),
        (arguments("release", "99-nothing"), "there is no assignment '99-nothing'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    course: Path, prepare: Callable[[Path], list[str]], says: str
) -> None:
    """Exit status 2, one line on stderr that says what to do, no traceback, no file."""
    mini.hand_in(course, "one", mini.submission())
    command = prepare(course)
    before = sorted(course.rglob("*"))

    done = workbook(course, *command)

    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    assert sorted(course.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_one_sentence(course: Path) -> None:
    """The sentence names the folder."""
    mini.hand_in(course, "one", mini.submission())
    for folder in (course / "submitted", course / "submitted" / "one"):
        folder.chmod(0)
        try:
            done = workbook(course, "grade")
        finally:
            folder.chmod(0o755)

        assert done.returncode == 2
        assert f"{folder} cannot be read: permission denied" in done.stderr


def test_wrong_usage_exits_with_two(course: Path) -> None:
    """An unknown option or command is bad usage."""
    for command in (["grade", "--nonsense"], ["nonsense"], ["grade", "--jobs", "0"]):
        done = workbook(course, *command)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_help_does_not_pay_for_torch() -> None:
    """The command line imports nothing heavy before it knows what to do."""
    code = (
        "import sys\nfrom autograder import cli\n"
        "print([m for m in ('torch', 'nbgrader', 'numpy', 'nbclient') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
