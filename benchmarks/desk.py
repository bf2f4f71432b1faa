"""How long `check` keeps a student waiting: the first call in a running kernel, that fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.course import Course
from autograder.reference.package import catalogue_of, package_of
from examples.make import ROOT

TIMED = """
import time
start = time.perf_counter()
from workbook import check
check({name!r})._repr_html_()
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Answered:
    """Seconds from the call to the table, with everything that is imported and read for it."""

    definition: str
    seconds: float


def answered() -> Iterator[Answered]:
    """Ask once for each definition, wrong by its first misconception, in a kernel of its own."""
    course = Course(ROOT)
    for assignment in course.chosen([]):
        catalogue = catalogue_of(assignment, package_of(course, assignment))
        for test in assignment.tests:
            name = test.removeprefix("test-")
            source = catalogue.swapped([catalogue.of(name)[0].id])
            print(f"... check({name!r})", file=sys.stderr, flush=True)
            cells = [new_code_cell(source), new_code_cell(TIMED.format(name=name))]
            ran = NotebookClient(new_notebook(cells=cells), timeout=60).execute()
            yield Answered(name, float(ran.cells[-1].outputs[-1].text))
