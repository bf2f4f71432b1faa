"""What a reader of the notebook relies on: its cells in order, headings, words for pictures."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from nbformat import NotebookNode

from autograder.authoring.authored import Authored
from autograder.authoring.findings import Findings
from autograder.authoring.promised import observations, unpromised
from autograder.course.assignment import (
    DEMO,
    RUBRIC,
    grade_id_of,
    hidden_code,
    is_solution,
    is_test,
)

SHORTEST, LONGEST = 80, 250  # characters of an alternative text: a sentence or two
DRAWS = re.compile(r"\bplt\.")
SECRET = 12  # characters; a shorter line says nothing


def well_written(authored: Authored) -> Findings:
    """Everything that can be read off the files."""
    cells = authored.assignment.notebook.cells
    failures = [
        *_cells_in_order(authored),
        *_names(cells),
        *_headings(cells),
        *_alternative_texts(cells),
        *_words_of_misconceptions(authored),
        *_observed_twice(authored),
        *unpromised(authored),
    ]
    counts = Counter(
        definitions=len(authored.solution_cells),
        points=int(authored.assignment.max_score),
        misconceptions=len(authored.catalogue.misconceptions),
        forms=len(authored.catalogue.forms),
        pictures=sum("alt" in cell.metadata for cell in cells),
    )
    return Findings(counts, tuple(failures))


def _cells_in_order(authored: Authored) -> Iterator[str]:
    cells = [cell for cell in authored.assignment.notebook.cells if cell.cell_type == "code"]
    order = [str(grade_id_of(cell)) for cell in cells if is_solution(cell) or is_test(cell)]
    wanted = [name for each in authored.solution_cells for name in (each, f"test-{each}")]
    if order != wanted:
        found = next((a for a, b in zip(order, wanted, strict=False) if a != b), "one too few")
        yield (
            f"a solution cell NAME is followed by its test cell test-NAME: {found!r} is out of "
            "order"
        )
    shown = [cell.source for cell in cells if DEMO in cell.metadata.get("tags", [])]
    for name, cell in authored.solution_cells.items():
        if f'check("{name}")' not in shown:
            yield f'no cell with the tag {DEMO} holds check("{name}")'
        if not _alike(cell.source, authored.definition(name)):
            yield (
                f"{name} is another in {authored.assignment.module} than in its solution cell: "
                f"run workbook release {authored.name}"
            )


def _alike(source: str, other: str) -> bool:
    return ast.dump(ast.parse(source)) == ast.dump(ast.parse(other))


def _observed_twice(authored: Authored) -> Iterator[str]:
    for test, cell in authored.assignment.tests.items():
        for name, count in Counter(observations(cell.source)).items():
            if count > 1:
                yield f"{count} observations of {test} are called {name!r}: each needs its own name"


def _names(cells: list[NotebookNode]) -> Iterator[str]:
    for name, count in Counter(cell.id for cell in cells).items():
        if count > 1:
            yield f"{count} cells have the id {name!r}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            yield f"the id {name!r} is more than letters, digits, - and _"
    for cell in cells:
        if grade_id_of(cell) not in (None, cell.id):
            yield f"the cell {cell.id!r} has another grade_id: {grade_id_of(cell)!r}"


def _headings(cells: list[NotebookNode]) -> Iterator[str]:
    texts = (RUBRIC.sub("", cell.source) for cell in cells if cell.cell_type == "markdown")
    levels = [len(marks) for text in texts for marks in re.findall("^(#+) ", text, re.M)]
    if levels[:1] != [1]:
        yield "the first heading is the title: one #"
    for above, below in pairwise(levels):
        if below > above + 1:
            yield f"a heading of level {below} follows one of level {above}: one is left out"


def _alternative_texts(cells: list[NotebookNode]) -> Iterator[str]:
    known: set[str] = set()
    for cell in cells:
        draws = cell.cell_type == "code" and bool(DRAWS.search(cell.source))
        text = cell.metadata.get("alt")
        if draws != (text is not None):
            yield (
                f"the cell {cell.id!r} draws a picture that no `alt` in its metadata tells"
                if draws
                else f"the cell {cell.id!r} has an `alt` but draws nothing"
            )
        if text is None:
            continue
        if not SHORTEST <= len(text) <= LONGEST or not re.fullmatch(r"[A-Z].*\.", text):
            yield (
                f"the `alt` of {cell.id!r} has to be whole sentences on one line, {SHORTEST} to "
                f"{LONGEST} characters"
            )
        if text in known:
            yield f"the `alt` of {cell.id!r} is another picture's"
        known.add(text)


def _words_of_misconceptions(authored: Authored) -> Iterator[str]:
    """What students read gives neither the answer nor the test away."""
    tests = authored.assignment.tests.values()
    lines = [*authored.module.splitlines()]
    lines += [line for cell in tests for line in hidden_code(cell.source).splitlines()]
    secret = {line.strip() for line in lines if len(line.strip()) > SECRET}
    for form in authored.catalogue.wrong_versions:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", form.id):
            yield f"the wrong version {form.id!r} is no name of small letters and hyphens"
    for entry in authored.catalogue.misconceptions:
        for field in ("name", "effect", "hint"):
            text = getattr(entry, field)
            if not text.endswith((".", "?")):
                yield f"the {field} of {entry.id!r} ends in neither a full stop nor a question mark"
            if any(line in text for line in secret):
                yield f"the {field} of {entry.id!r} holds a line of the reference or a hidden test"
