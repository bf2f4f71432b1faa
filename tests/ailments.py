"""What an honest student does to a notebook, one function for each."""

from __future__ import annotations

import re
from collections.abc import Callable

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from tests.finished import cell, copied, place, released
from tests.harness import grade_id

Ailment = Callable[[NotebookNode], None]


def delete_a_solution(notebook: NotebookNode) -> None:
    del notebook.cells[place(notebook, "attention_shapes")]


def delete_tests_and_text(notebook: NotebookNode) -> None:
    for name in ("imports", "test-softmax", "formula", "overflow"):
        del notebook.cells[place(notebook, name)]


def double_a_solution(notebook: NotebookNode) -> None:
    """The copy was worked on; the first one is of yesterday."""
    at = place(notebook, "softmax")
    later = copied(notebook.cells[at], "later")
    later.source = later.source.replace("return ", "shares_of_today = True\n    return ", 1)
    notebook.cells.insert(at + 1, later)


def double_given_cells(notebook: NotebookNode) -> None:
    for name in ("imports", "test-softmax", "why-scale-question"):
        notebook.cells.append(copied(cell(notebook, name), f"{name}-again"))


def split_a_solution(notebook: NotebookNode) -> None:
    """As JupyterLab does it: both halves have the metadata, one of them the id."""
    split(notebook, "softmax", keeps_metadata=True)


def split_and_lose_metadata(notebook: NotebookNode) -> None:
    split(notebook, "attention_scores", keeps_metadata=False)


def split_and_lose_the_first_half(notebook: NotebookNode) -> None:
    """What names the cell is on the half below."""
    split(notebook, "attention_shapes", keeps_metadata=False)
    at = place(notebook, "attention_shapes")
    above, below = notebook.cells[at : at + 2]
    above.metadata, below.metadata = below.metadata, above.metadata
    above.id, below.id = below.id, above.id


def split_a_locked_cell(notebook: NotebookNode) -> None:
    split(notebook, "test-softmax", keeps_metadata=True)


def split(notebook: NotebookNode, name: str, keeps_metadata: bool) -> None:
    at = place(notebook, name)
    half = notebook.cells[at]
    lines = half.source.splitlines()
    middle = len(lines) // 2
    other = copied(half, f"{name}-half")
    if not keeps_metadata:
        other.metadata = {}
    half.source = "\n".join(lines[:middle]).strip("\n")
    other.source = "\n".join(lines[middle:]).strip("\n")
    notebook.cells.insert(at + 1, other)


def retype(notebook: NotebookNode) -> None:
    """A key pressed in command mode: a solution is text, a test is raw, an answer is code."""
    for name, make in (
        ("softmax", new_markdown_cell),
        ("test-attention_scores", new_raw_cell),
        ("why-scale", new_code_cell),
        ("overflow", new_markdown_cell),
        ("formula", new_code_cell),
    ):
        at = place(notebook, name)
        old = notebook.cells[at]
        notebook.cells[at] = make(old.source, id=f"{name}-retyped", metadata=old.metadata)


def reorder(notebook: NotebookNode) -> None:
    """A solution and its test at the end, with a helper; two texts are swapped."""
    moved = [notebook.cells.pop(place(notebook, name)) for name in ("softmax", "test-softmax")]
    notebook.cells += [new_code_cell("scale_of_mine = 3", id="mine"), *moved]
    first, second = place(notebook, "scores-text"), place(notebook, "promises")
    cells = notebook.cells
    cells[first], cells[second] = cells[second], cells[first]


def edit_given_cells(notebook: NotebookNode) -> None:
    cell(notebook, "imports").source += "\nimport colorsys"
    cell(notebook, "test-softmax").source += "\nprint(shares.sum())"
    cell(notebook, "why-scale-question").source += "\n\nAh, the variance!"
    cell(notebook, "test-attention_scores").source = "pass"


def lose_metadata(notebook: NotebookNode) -> None:
    for each in notebook.cells:
        each.metadata = {}


def change_metadata(notebook: NotebookNode) -> None:
    cell(notebook, "softmax").metadata["tags"] = ["skip-execution", "revise"]
    cell(notebook, "overflow").metadata["tags"] = []
    cell(notebook, "test-softmax").metadata.nbgrader["points"] = 9
    cell(notebook, "attention_scores").metadata.nbgrader["grade_id"] = "scores"
    cell(notebook, "my-helper").metadata["nbgrader"] = {"grade_id": "other", "solution": True}
    del notebook.metadata["workbook"]


def lose_names_altogether(notebook: NotebookNode) -> None:
    """An old tool dropped both metadata and ids; a solution is then known by its definition."""
    lose_metadata(notebook)
    for number, each in enumerate(notebook.cells):
        each.id = f"anew-{number}"


def lose_names_and_cut_texts(notebook: NotebookNode) -> None:
    """A program that reads Markdown makes a cell of each paragraph; a question is in pieces."""
    lose_names_altogether(notebook)
    cells = notebook.cells
    notebook.cells = []
    for each in cells:
        parts = [each.source] if each.cell_type != "markdown" else each.source.split("\n\n")
        for number, part in enumerate(parts):
            notebook.cells.append({**each, "id": f"{each.id}-{number}", "source": part})
    notebook.cells = [NotebookNode(each) for each in notebook.cells]


def write_above(notebook: NotebookNode) -> None:
    """The solution stands in a cell above its own, which is untouched and undoes it."""
    at = place(notebook, "attention_scores")
    mine = new_code_cell(notebook.cells[at].source, id="above")
    notebook.cells[at].source = cell(released(), "attention_scores").source
    notebook.cells.insert(at, mine)


def write_all_in_one(notebook: NotebookNode) -> None:
    """Two solutions stand in one cell of the student's own, and their cells are gone."""
    both = [notebook.cells[place(notebook, n)] for n in ("softmax", "attention_scores")]
    notebook.cells = [each for each in notebook.cells if each not in both]
    text = "\n\n\n".join(["eps_of_mine = 1e-9", *(each.source for each in both)])
    notebook.cells.insert(place(notebook, "test-softmax"), new_code_cell(text, id="all"))


def merge_two_solutions(notebook: NotebookNode) -> None:
    """The cell of the first is kept, with a helper of the second."""
    second = notebook.cells.pop(place(notebook, "attention_scores"))
    cell(notebook, "softmax").source += f"\n\neps_of_mine = 1e-9\n\n{second.source}"


def merge_into_the_solution_below(notebook: NotebookNode) -> None:
    first = notebook.cells.pop(place(notebook, "softmax"))
    below = cell(notebook, "attention_scores")
    below.source = f"half_of_mine = 0.5\n\n\n{first.source}\n\n\n{below.source}"


def merge_with_a_test(notebook: NotebookNode) -> None:
    """The test is kept, and is no cell in which anything of the student's is run."""
    above = notebook.cells.pop(place(notebook, "softmax"))
    below = cell(notebook, "test-softmax")
    below.source = f"import colorsys\n\n{above.source}\n\n{below.source}"


def write_into_given_cells(notebook: NotebookNode) -> None:
    """Two solutions stand below an import and above a test; their own cells are untouched."""
    for name, given in (("softmax", "imports"), ("attention_shapes", "test-attention_shapes")):
        mine = cell(notebook, name)
        cell(notebook, given).source += f"\n\n\n{mine.source}"
        mine.source = cell(released(), name).source


def name_two_cells_alike(notebook: NotebookNode) -> None:
    """Another program copied the metadata of one solution to the next."""
    cell(notebook, "attention_scores").metadata.nbgrader["grade_id"] = "softmax"


def answer_in_a_cell_below(notebook: NotebookNode) -> None:
    """The cell for the answer is untouched."""
    at = place(notebook, "why-scale")
    notebook.cells.insert(at + 1, new_markdown_cell(notebook.cells[at].source, id="my-answer"))
    notebook.cells[at].source = cell(released(), "why-scale").source


def answer_in_the_question(notebook: NotebookNode) -> None:
    """Another editor does not keep a locked cell locked."""
    answer = notebook.cells.pop(place(notebook, "why-scale"))
    cell(notebook, "why-scale-question").source += f"\n\n{answer.source}"


# What the doctor says of each; a name in braces stands for the number of that cell.
AILMENTS: dict[Ailment, str] = {
    delete_a_solution: "A cell that you write is gone: attention_shapes",
    double_a_solution: "more than once or in pieces: softmax (cells {softmax} and {later})",
    split_a_solution: "in pieces: softmax (cells {softmax} and {softmax-half})",
    split_and_lose_metadata: "(cells {attention_scores} and {attention_scores-half})",
    split_and_lose_the_first_half: "(cells {attention_shapes-half} and {attention_shapes})",
    split_a_locked_cell: "A cell that is not yours was changed: test-softmax (test cell",
    edit_given_cells: "cell {imports}), test-softmax (test cell, cell {test-softmax})",
    lose_metadata: "is lost or changed: softmax (cell {softmax})",
    change_metadata: "is lost or changed: attention_scores (cell {attention_scores})",
    lose_names_altogether: "A solution stands in another cell",
    lose_names_and_cut_texts: "is gone or not written: why-scale (cell ",
    write_above: "A solution stands in another cell, and its own is gone or not written",
    write_all_in_one: "softmax (cell {all}), attention_scores (cell {all})",
    answer_in_a_cell_below: "is gone or not written: why-scale (cell {my-answer})",
    answer_in_the_question: "is gone or not written: why-scale (cell {why-scale-question})",
    merge_two_solutions: "is gone or not written: attention_scores (cell {softmax})",
    merge_into_the_solution_below: "is gone or not written: softmax (cell {attention_scores})",
    merge_with_a_test: "is gone or not written: softmax (cell {test-softmax})",
    write_into_given_cells: "(cell {imports}), attention_shapes (cell {test-attention_shapes})",
    name_two_cells_alike: "is gone or not written: attention_scores (cell {attention_scores})",
}

# What the grader makes good without a point lost; the doctor says nothing of it.
COST_NOTHING: list[Ailment] = [delete_tests_and_text, double_given_cells, retype, reorder]
EVERY: list[Ailment] = [*AILMENTS, *COST_NOTHING]


def said_of(ailment: Ailment, notebook: NotebookNode) -> str:
    """What the doctor has to say, with the numbers of the cells in this notebook."""
    return re.sub(
        r"{(.*?)}",
        lambda found: str(place(notebook, found.group(1)) + 1),
        AILMENTS[ailment],
    )


def harmless(notebook: NotebookNode) -> None:
    """What everybody may do."""
    cell(notebook, "overflow").source += "\nprint('and mine')"
    cell(notebook, "idea").source += "\n\nA note in the text."
    cell(notebook, "picture").metadata["collapsed"] = True
    cell(notebook, "softmax").metadata["tags"] = ["revise"]
    notebook.cells.insert(8, copied(cell(notebook, "overflow"), "my-copy"))
    notebook.cells.append(new_code_cell("def softmax(x):\n    return 'an experiment below'"))
    notebook.cells.append(new_code_cell("half a thought ("))
    notebook.cells.append(new_markdown_cell("softmax = 'a note that reads like Python'"))
    notebook.cells.append(new_code_cell(""))
    notebook.metadata["kernelspec"] = {"name": "other", "display_name": "My environment"}
    assert grade_id(cell(notebook, "softmax"))
