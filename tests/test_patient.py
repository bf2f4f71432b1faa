"""`workbook doctor FILE`: what an honest student does to a notebook is found and mended."""

from __future__ import annotations

import ast
import copy
import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner, Result

from autograder.cli import app
from autograder.course.assignment import Assignment
from autograder.course.released import MATERIAL
from autograder.submission.cells import read_cells
from autograder.submission.rebuild import Rebuilder
from tests import ailments
from tests.ailments import AILMENTS, COST_NOTHING, EVERY, Ailment, said_of
from tests.finished import (
    ANSWER,
    HELPER,
    NAME,
    NOTE,
    cell,
    finished,
    own_lines,
    place,
    released,
)
from tests.harness import ASSIGNMENTS, ROOT, SOURCE, definition_source, grade_id
from workbook.mending.damage import of_the_cells
from workbook.mending.ownership import Ownership
from workbook.mending.pour import poured
from workbook.mending.rerun import stale

LOOKS_AT = ("workbook/mending",)


@pytest.fixture(autouse=True, scope="module")
def _release() -> Iterator[None]:
    """This clone's; to look for an installed course each time takes as long as to mend."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MATERIAL, str(ROOT / "release"))
        yield


def doctor(file: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", str(file), *words])


def written(folder: Path, notebook: NotebookNode | str, name: str = f"{NAME}.ipynb") -> Path:
    path = folder / NAME / name
    path.parent.mkdir(exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    path.write_text(text, encoding="utf-8")
    return path


def graded(notebook: NotebookNode) -> dict[str, str]:
    """The code that the grader takes for each written solution: the last definition of it."""
    source = Assignment(NAME, SOURCE / NAME / f"{NAME}.ipynb")
    found = {}
    for each in Rebuilder(source).rebuild(read_cells(notebook, NAME)).cells:
        name = grade_id(each)
        if each.metadata.get("nbgrader", {}).get("solution") and each.cell_type == "code":
            try:
                statements = ast.parse(each.source).body
            except SyntaxError:
                continue
            defined = [node for node in statements if getattr(node, "name", None) == name]
            if defined and "still to do" not in ast.dump(defined[-1]):
                found[name] = ast.dump(defined[-1])
    return found


def lines(notebook: NotebookNode) -> set[str]:
    return {line.strip() for each in notebook.cells for line in each.source.splitlines()}


def mended(notebook: NotebookNode) -> NotebookNode:
    return poured(Ownership(NAME, notebook))


def findings(notebook: NotebookNode) -> list[str]:
    return [str(finding) for finding in of_the_cells(Ownership(NAME, notebook))]


@pytest.mark.parametrize("ailment", AILMENTS, ids=lambda ailment: ailment.__name__)
def test_each_ailment_is_found_and_mended(tmp_path: Path, ailment: Ailment) -> None:
    """It is named with its place; the original is kept; afterwards nothing is left."""
    notebook = finished()
    ailment(notebook)
    says = said_of(ailment, notebook)
    file = written(tmp_path, notebook)
    before = file.read_bytes()

    seen = doctor(file, "--no-run")
    unchanged = file.read_bytes()
    healed = doctor(file, "--mend", "--no-run")
    after = nbformat.read(file, as_version=4)
    (kept,) = (tmp_path / "backups").iterdir()

    assert says in seen.output
    assert (seen.exit_code, unchanged) == (1, before)
    assert "Nothing was changed" in seen.output
    assert healed.exit_code == 0, healed.output
    assert f"What was there is kept in {kept}" in healed.output
    assert "Examined again: nothing ails it." in healed.output
    assert kept.read_bytes() == before
    nbformat.validate(after)
    assert doctor(file, "--no-run").exit_code == 0


@pytest.mark.parametrize("ailment", COST_NOTHING, ids=lambda ailment: ailment.__name__)
def test_what_costs_nothing_is_no_finding(ailment: Ailment) -> None:
    """The grader takes all that the student wrote, as if nothing had happened."""
    notebook = finished()
    before = graded(notebook)
    ailment(notebook)

    assert graded(notebook) == before
    assert findings(notebook) == []


@pytest.mark.parametrize("ailment", EVERY, ids=lambda ailment: ailment.__name__)
def test_mending_loses_no_line_and_changes_no_grade(ailment: Ailment) -> None:
    """All that the student wrote is there, and the grader takes the same code as before."""
    notebook = finished()
    ailment(notebook)

    after = mended(notebook)

    assert own_lines(notebook) <= lines(after)
    assert graded(notebook).items() <= graded(after).items()
    assert findings(after) == []
    assert mended(after) == after


@pytest.mark.parametrize(
    "ailment",
    [each for each in EVERY if each is not ailments.delete_a_solution],
    ids=lambda ailment: ailment.__name__,
)
def test_every_solution_is_in_its_place_again(ailment: Ailment) -> None:
    """As released in number, order and type, with the student's text."""
    notebook = finished()
    ailment(notebook)

    after = mended(notebook)
    book = [(each.id, each.cell_type) for each in released().cells]

    assert [(c.id, c.cell_type) for c in after.cells if (c.id, c.cell_type) in book] == book
    for name in ("softmax", "attention_scores", "attention_shapes"):
        text = cell(after, name).source
        assert definition_source(NAME, name).strip().splitlines()[-1] in text
        assert "NotImplementedError" not in text
    assert cell(after, "why-scale").source == ANSWER


@pytest.mark.parametrize("name", ASSIGNMENTS)
@pytest.mark.parametrize("make", [released, finished])
def test_a_healthy_notebook_stays_as_it_is(make: Callable[[str], NotebookNode], name: str) -> None:
    """Untouched and finished; also mending it would change nothing."""
    notebook = make(name)
    student = Ownership(name, notebook)

    assert of_the_cells(student) == []
    assert poured(student) == notebook


def test_what_everybody_may_do_is_no_finding() -> None:
    """Own cells, experiments, notes in texts, changed demonstrations, tags, another kernel."""
    notebook = finished()
    ailments.harmless(notebook)

    assert findings(notebook) == []


def test_a_definition_below_a_step_that_is_not_written_is_healthy() -> None:
    """It is in force there; above, the step would undo it."""
    notebook = finished()
    at = place(notebook, "softmax")
    notebook.cells.insert(at + 1, new_code_cell(notebook.cells[at].source))
    notebook.cells[at].source = cell(released(), "softmax").source

    assert findings(notebook) == []


def test_a_helper_stays_before_a_solution_that_was_moved_down() -> None:
    """Or the test below the solution's own place would find no helper."""
    notebook = finished()
    ailments.reorder(notebook)

    after = mended(notebook)

    assert place(after, "mine") == place(after, "softmax") - 1


def test_a_definition_that_is_put_back_leaves_no_empty_cell() -> None:
    """Its outputs come with it."""
    notebook = finished()
    ailments.write_above(notebook)
    cell(notebook, "above").outputs = [new_output("stream", name="stdout", text="mine")]

    after = mended(notebook)

    assert "above" not in [each.id for each in after.cells]
    assert cell(after, "attention_scores").outputs == cell(notebook, "above").outputs


def test_pieces_that_define_nothing_stay_as_they_are() -> None:
    """A definition that is no Python yet is still the student's text for that step."""
    notebook = finished()
    ailments.double_a_solution(notebook)
    cell(notebook, "softmax").source = "print('once')"
    cell(notebook, "later").source = "def softmax(x):\n    return ("

    text = cell(mended(notebook), "softmax").source

    assert text == "print('once')\n\ndef softmax(x):\n    return ("


def test_a_picture_in_an_answer_stays() -> None:
    """Pasted pictures are attachments of the cell."""
    notebook = finished()
    picture = {"drawn.png": {"image/png": "iVBORw0KGgo="}}
    cell(notebook, "why-scale")["attachments"] = picture
    cell(notebook, "my-note")["attachments"] = picture
    ailments.delete_a_solution(notebook)

    after = mended(notebook)

    assert cell(after, "why-scale").attachments == picture
    assert cell(after, "my-note").attachments == picture


def test_only_the_answer_is_put_into_its_cell() -> None:
    """A question in pieces is known by them; the pieces, the title and a note are no answer."""
    notebook = finished()
    ailments.lose_names_and_cut_texts(notebook)

    after = mended(notebook)

    assert cell(after, "why-scale").source == cell(finished(), "why-scale").source


def test_a_half_done_notebook_is_healthy() -> None:
    """What is not written yet is no damage, nor is code that is no Python yet."""
    notebook = finished()
    cell(notebook, "attention_shapes").source = cell(released(), "attention_shapes").source
    cell(notebook, "attention_scores").source = "def attention_scores(query, key):\n    return ("
    cell(notebook, "softmax").source = ""
    notebook.cells.insert(1, new_markdown_cell("softmax = 'shares that sum to one'"))

    assert findings(notebook) == []


def test_notes_helpers_and_outputs_stay_where_they_stood() -> None:
    """Mending something at the end moves nothing above it."""
    notebook = finished()
    ailments.delete_a_solution(notebook)

    after = mended(notebook)
    upto = place(after, "attention_shapes")

    assert after.cells[:upto] == notebook.cells[:upto]
    assert cell(after, "my-helper").source == HELPER
    assert cell(after, "my-note").source == NOTE


def test_the_text_that_is_not_taken_is_a_note() -> None:
    """The last definition is in force, as when the notebook is run."""
    notebook = finished()
    ailments.double_a_solution(notebook)
    first = cell(notebook, "softmax").source

    after = mended(notebook)
    at = place(after, "softmax")

    assert "shares_of_today" in after.cells[at].source
    assert after.cells[at + 1].cell_type == "markdown"
    assert f"```python\n{first}\n```" in after.cells[at + 1].source


def test_a_helper_in_the_first_copy_stays_in_force() -> None:
    """Only a text of which all is made again can be a note."""
    notebook = finished()
    ailments.double_a_solution(notebook)
    cell(notebook, "softmax").source = f"{HELPER}\n\n\n{cell(notebook, 'softmax').source}"

    assert HELPER in cell(mended(notebook), "softmax").source


def test_a_changed_test_is_kept_but_not_run() -> None:
    """An import in a locked cell works on as a cell of the student's own."""
    notebook = finished()
    ailments.edit_given_cells(notebook)

    after = mended(notebook)

    for name in ("imports", "test-softmax", "why-scale-question", "test-attention_scores"):
        assert cell(after, name).source == cell(released(), name).source
    below = {name: after.cells[place(after, name) + 1] for name in ("imports", "test-softmax")}
    assert below["imports"].cell_type == "code"
    assert "import colorsys" in below["imports"].source
    assert below["test-softmax"].cell_type == "markdown"
    assert "print(shares.sum())" in below["test-softmax"].source


def test_a_helper_beside_two_solutions_stays_a_cell() -> None:
    """Each definition goes into its cell; what they share stays above."""
    notebook = finished()
    ailments.write_all_in_one(notebook)

    after = mended(notebook)

    assert cell(after, "softmax").source.strip() == definition_source(NAME, "softmax")
    assert cell(after, "all").source == "eps_of_mine = 1e-9"


def test_several_ailments_at_once(tmp_path: Path) -> None:
    """Each is named, and one mending heals all of them."""
    notebook = finished()
    several = [
        ailments.edit_given_cells,
        ailments.reorder,
        ailments.split_and_lose_metadata,
        ailments.delete_a_solution,
    ]
    for ailment in several:
        ailment(notebook)
    file = written(tmp_path, notebook)

    healed = doctor(file, "--mend", "--no-run")
    after = nbformat.read(file, as_version=4)

    assert healed.exit_code == 0
    assert "3 findings" in healed.output
    assert own_lines(notebook) <= lines(after)


@pytest.mark.settled
@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(EVERY), min_size=2, max_size=5))
def test_any_mixture_is_mended_without_loss(mixture: list[Ailment]) -> None:
    """Mending is idempotent, leaves nothing, and keeps every line of the student's."""
    notebook = finished()
    for ailment in mixture:
        before = copy.deepcopy(notebook)
        try:
            ailment(notebook)
        except (StopIteration, KeyError, AttributeError):
            notebook = before  # what it would damage is not there any more

    after = mended(notebook)

    assert own_lines(notebook) <= lines(after)
    assert findings(after) == []
    assert mended(after) == after
    nbformat.validate(after)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_any_order_is_put_back(random: object) -> None:
    """However the cells were shuffled, the book's are in order again."""
    notebook = finished()
    random.shuffle(notebook.cells)  # type: ignore[attr-defined]

    after = mended(notebook)
    book = [each.id for each in released().cells]

    assert [each.id for each in after.cells if each.id in book] == book
    assert sorted(each.id for each in after.cells) == sorted(each.id for each in notebook.cells)
    assert findings(after) == []


def conflict(ours: NotebookNode, theirs: NotebookNode, cut: int = 0) -> str:
    """As git writes it: one hunk of two whole sides, the first without its last `cut` lines."""
    mine = nbformat.writes(ours).splitlines()
    sides = [*mine[: len(mine) - cut], "=======", *nbformat.writes(theirs).splitlines()]
    return "\n".join(["<<<<<<< HEAD", *sides, ">>>>>>> laptop", ""])


@pytest.mark.parametrize(("cut", "taken"), [(0, "finished"), (3, "released")])
def test_a_merge_conflict_is_solved(tmp_path: Path, cut: int, taken: str) -> None:
    """The student's side, or the other where that is no notebook; both are kept as files."""
    text = conflict(finished(), released(), cut)
    file = written(tmp_path, text)

    seen, healed = doctor(file, "--no-run"), doctor(file, "--mend", "--no-run")
    after = nbformat.read(file, as_version=4)
    kept = {each.name.split(".")[2] for each in (tmp_path / "backups").iterdir()}
    contents = [each.read_text() for each in (tmp_path / "backups").iterdir()]

    assert "merge conflict" in seen.output
    assert (seen.exit_code, healed.exit_code) == (1, 0)
    assert after == {"finished": finished(), "released": released()}[taken]
    assert kept == {"ipynb", "above", "below"}
    assert text in contents
    assert nbformat.writes(released()) + "\n" in contents


def test_a_conflict_with_its_base_in_the_middle_of_a_cell(tmp_path: Path) -> None:
    """With git's diff3 style the base is on neither side."""
    text = nbformat.writes(finished())
    line = next(each for each in text.splitlines() if "Step 4" in each)
    hunk = ["<<<<<<< HEAD", line, "||||||| base", "base", "=======", "    5", ">>>>>>> b"]
    file = written(tmp_path, text.replace(line, "\n".join(hunk)))

    assert doctor(file, "--mend", "--no-run").exit_code == 0
    assert nbformat.read(file, as_version=4) == finished()


def test_a_conflict_in_a_cell_is_the_students_to_solve(tmp_path: Path) -> None:
    """As programs that merge notebooks leave it: the file is one, the cell is no Python."""
    notebook = finished()
    mine = cell(notebook, "softmax").source
    hunk = ["<<<<<<< local", mine, "=======", "def softmax(x):", "    pass", ">>>>>>> remote"]
    cell(notebook, "softmax").source = "\n".join(hunk)
    cell(notebook, "why-scale").source = "A heading\n=======\nfor my answer"
    file = written(tmp_path, notebook)
    before = file.read_bytes()

    result = doctor(file, "--mend")

    assert result.exit_code == 1
    assert f"and >>>>>>>: cell {place(notebook, 'softmax') + 1}\n" in result.output
    assert file.read_bytes() == before


def test_a_byte_order_mark_goes(tmp_path: Path) -> None:
    """JupyterLab calls such a file unreadable."""
    file = written(tmp_path, finished())
    file.write_bytes(BOM_UTF8 + file.read_bytes())

    seen, healed = doctor(file, "--no-run"), doctor(file, "--mend", "--no-run")

    assert "byte order mark" in seen.output
    assert healed.exit_code == 0
    assert nbformat.read(file, as_version=4) == finished()
    assert next((tmp_path / "backups").iterdir()).read_bytes().startswith(BOM_UTF8)


def test_a_conflict_without_a_whole_side(tmp_path: Path) -> None:
    """One sentence says where an older version may be; the file stays."""
    text = "<<<<<<< HEAD\n{\n=======\n[\n>>>>>>> b\n"
    file = written(tmp_path, text)

    result = doctor(file, "--mend")

    assert result.exit_code == 2
    assert "neither side" in result.output
    assert file.read_text() == text


@pytest.mark.parametrize(
    "name",
    [
        f"{NAME} (1).ipynb",
        f"{NAME}.ipynb.txt",
        f"{NAME}.ipynb.json",
        f"{NAME}-Copy1.ipynb",
        "my attention.ipynb",
    ],
)
def test_a_file_renamed_by_a_browser_gets_its_name(tmp_path: Path, name: str) -> None:
    """nbgrader looks for that name only."""
    file = written(tmp_path, finished(), name)

    seen = doctor(file, "--no-run")
    healed = doctor(file, "--mend", "--no-run")

    assert f"not called {NAME}.ipynb: {name}" in seen.output
    assert healed.exit_code == 0
    assert [each.name for each in file.parent.iterdir()] == [f"{NAME}.ipynb"]
    assert nbformat.read(file.with_name(f"{NAME}.ipynb"), as_version=4) == finished()


def test_a_name_that_is_taken_is_left_to_the_student(tmp_path: Path) -> None:
    """Two notebooks: only the student knows which counts; the rest is mended all the same."""
    other = written(tmp_path, released())
    notebook = finished()
    ailments.lose_metadata(notebook)
    file = written(tmp_path, notebook, f"{NAME} (1).ipynb")

    healed = doctor(file, "--mend", "--no-run")

    assert healed.exit_code == 1
    assert "is here as well" in healed.output
    assert nbformat.read(other, as_version=4) == released()
    assert findings(nbformat.read(file, as_version=4)) == []


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_at_a_terminal_it_asks_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    """Only a yes is a yes."""
    notebook = finished()
    ailments.lose_metadata(notebook)
    file = written(tmp_path, notebook)
    before = file.read_bytes()
    monkeypatch.setattr("workbook.mending.patient._at_terminal", lambda: True)

    result = CliRunner().invoke(app, ["doctor", str(file), "--no-run"], input=answer)

    assert "Mend this?" in result.output
    assert result.exit_code == status
    assert (file.read_bytes() == before) == (status == 1)


def test_an_old_format_is_read(tmp_path: Path) -> None:
    """Cells without ids are known by their grade_ids and texts; mending gives today's format."""
    old = nbformat.convert(finished(), 3)
    file = written(tmp_path, nbformat.writes(old, version=3))

    assert doctor(file, "--mend", "--no-run").exit_code == 0
    assert own_lines(finished()) <= lines(nbformat.read(file, as_version=4))


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"cell_type": "widget", "metadata": {}, "source": "x"},
        {"cell_type": "code", "metadata": [], "source": "x = 1", "outputs": "none", "id": 5},
        {"cell_type": "markdown", "metadata": {"nbgrader": 5}, "source": ["a", 5], "id": "ä ö"},
        {"cell_type": "markdown", "metadata": {}, "source": "x", "attachments": ["a"], "id": []},
        {"cell_type": "code", "metadata": {"tags": 5}, "source": "x = '\ud800'", "outputs": [{}]},
    ],
    ids=lambda odd: str(sorted(odd)),
)
def test_an_odd_cell_is_made_a_sound_one(tmp_path: Path, odd: dict[str, object]) -> None:
    """Whatever another program wrote: no traceback, and JupyterLab can open the result."""
    content = json.loads(nbformat.writes(finished()))
    del content["cells"][place(finished(), "attention_shapes")]["metadata"]["nbgrader"]
    content["cells"].insert(1, odd)
    file = written(tmp_path, json.dumps(content))

    healed = doctor(file, "--mend", "--no-run")

    assert healed.exit_code == 0, healed.output
    after = nbformat.read(file, as_version=4)
    nbformat.validate(after)
    assert own_lines(finished()) <= lines(after)
    assert len(json.loads(file.read_text())["cells"]) == len(finished().cells) + 1


def test_too_many_cells_are_refused_in_one_sentence(tmp_path: Path) -> None:
    """The grader takes no more either."""
    notebook = finished()
    notebook.cells += [new_code_cell("x") for _ in range(3_000)]
    file = written(tmp_path, notebook)

    result = doctor(file, "--mend")

    assert result.exit_code == 2
    assert "at most 2000" in result.output


def test_a_file_that_is_too_large_can_be_made_smaller(tmp_path: Path) -> None:
    """Neither reading nor resetting it helps, so the sentence says what does."""
    file = written(tmp_path, "")
    with file.open("wb") as large:
        large.truncate(64 * 2**20 + 1)

    result = doctor(file)

    assert result.exit_code == 2
    assert "is larger than 64 MiB; cleared of its outputs" in result.output


def run_once(*cells: NotebookNode) -> list[NotebookNode]:
    """Cells that were run and looked fine."""
    for number, each in enumerate(cells):
        each.execution_count = number + 1
        each.outputs = [new_output("stream", name="stdout", text="fine\n")]
    return list(cells)


@pytest.mark.settled
def test_what_works_only_in_the_order_it_was_run_in(tmp_path: Path) -> None:
    """The cell is named, the missing name and where it is made; nothing is changed.

    The steps of the book, none of them written, are no finding.
    """
    notebook = released()
    at = len(notebook.cells)
    notebook.cells += run_once(
        new_code_cell("print(width_of_mine)"),
        new_code_cell("width_of_mine = 3"),
        new_code_cell("def first():\n    return gone_helper()"),
        new_code_cell("first()"),
        new_code_cell("assert 1 == 2, 'not so'"),
        new_code_cell("from pathlib import Path; Path('ran').touch()"),
    )
    file = written(tmp_path, notebook)
    before = file.read_bytes()

    result = doctor(file, "--mend")

    assert result.exit_code == 1
    for says in (
        f"`width_of_mine` is used, but is made only further down, in cell {at + 2}",
        f"`gone_helper` is used in cell {at + 3}, but is made in no cell",
        f"cell {at + 5}: it ends with AssertionError: not so",
        "Run from the top: 3 findings",
    ):
        assert says in result.output
    assert file.read_bytes() == before
    assert (file.parent / "ran").exists()  # it ran, and in the student's folder


def test_what_failed_when_it_was_run_is_no_finding(tmp_path: Path) -> None:
    """Tests that fail in the stored outputs, what follows from them, a step to do, a new cell."""
    cells = run_once(
        new_code_cell("assert 1 == 2\nwidth_of_mine = 3"),
        new_code_cell("print(width_of_mine)"),
        new_code_cell("raise NotImplementedError"),
    )
    cells[0].outputs = [new_output("error", ename="AssertionError", evalue="", traceback=[])]

    assert stale(new_notebook(cells=[*cells, new_code_cell("never_run")]), tmp_path) == []


def test_the_released_cells_are_the_stubs() -> None:
    """The rebuilder that mends asks nbgrader for none: a released cell has no markers."""
    path = ROOT / "release" / NAME / f"{NAME}.ipynb"
    given = {"softmax": "a stub", "why-scale": "a question"}
    rebuilder = Rebuilder(
        Assignment(NAME, path),
        stubs={grade_id(c): c.source for c in released().cells if grade_id(c)} | given,
    )

    found = rebuilder.rebuild([{**each, "source": ""} for each in read_cells(released(), NAME)])

    assert cell(found, "softmax").source == "a stub"
    assert cell(found, "why-scale").source == "a question"
    assert cell(found, "attention_shapes").source == cell(released(), "attention_shapes").source
