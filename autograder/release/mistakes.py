"""Slips of the one who writes a notebook that no submission would ever show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbformat import NotebookNode

from autograder.course.assignment import (
    HIDDEN,
    Assignment,
    grade_id_of,
    is_solution,
    is_test,
    nbgrader_of,
)
from autograder.errors import CourseError
from autograder.verdict.evidence import Record, decode

REGION = re.compile(r"\b(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)\b")
MARK = re.compile(r"^\s*### *(?:BEGIN|END)\b.*$", re.M)
# A name that is not there is a slip in every block, also in one that is to be refused.
SLIPS = {"NameError", "ImportError", "SyntaxError"}


def prove_cells(assignment: Assignment, *, is_plain: bool = False) -> None:
    """What is hidden from students ends in its cell, and each cell is what its metadata say.

    Where nbgrader's rule judges, as it `is_plain`, a hidden part may assert, and a solution cell
    need not be one definition.

    Raises: CourseError, naming the cell.
    """
    for cell in assignment.notebook.cells:
        own = () if is_plain else (*_unlike_its_metadata(cell), *_idle_assertions(cell))
        for wrong in (*_open_regions(cell.source), *own):
            raise CourseError(f"the cell {cell.get('id')!r} {wrong}")


def _unlike_its_metadata(cell: NotebookNode) -> Iterator[str]:
    """What of a solution cell or a test cell is missing, or is another than its grade_id says."""
    points = nbgrader_of(cell).get("points")
    if is_test(cell) and (isinstance(points, bool) or not isinstance(points, int | float)):
        yield "is a test cell without points: in its metadata, nbgrader.points is a number"
    if cell.cell_type != "code" or not is_solution(cell) or nbgrader_of(cell).get("grade"):
        return
    if "BEGIN SOLUTION" not in cell.source:
        yield (
            "has no '### BEGIN SOLUTION': students would get a cell without its signature; put "
            "that line and '### END SOLUTION' around what they are to write"
        )
    try:
        defined = [getattr(node, "name", "") for node in ast.parse(cell.source).body]
    except SyntaxError:
        return  # which is said where its module is written
    if grade_id_of(cell) not in defined:
        names = ", ".join(filter(None, defined)) or "nothing"
        yield f"defines {names}, and not what its grade_id says: {grade_id_of(cell)}"


def _open_regions(source: str) -> Iterator[str]:
    for mark in MARK.findall(source):
        if not REGION.search(mark):
            yield (
                f"has {mark.strip()!r}, which marks nothing: what begins and ends is a SOLUTION, "
                "HIDDEN TESTS or a MARK SCHEME"
            )
    inside = ""
    for edge, region in REGION.findall(source):
        if edge == "BEGIN" and inside:
            yield f"has a second '### BEGIN {region}' above the '### END {inside}' of the first"
        elif edge == "END" and region != inside:
            yield f"has an '### END {region}' without its '### BEGIN {region}' above it"
        inside = region if edge == "BEGIN" else ""
    if inside:
        yield f"has a '### BEGIN {inside}' without its '### END {inside}' below it"


def _idle_assertions(cell: NotebookNode) -> Iterator[str]:
    """Assertions in the hidden part: it is judged by what it records, whatever it asserts."""
    for part in HIDDEN.findall(cell.source) if is_test(cell) else ():
        try:
            tree = ast.parse(part)
        except SyntaxError:
            return  # the reference run names it
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) or (
                isinstance(node, ast.Call) and _called(node.func).startswith("assert")
            ):
                yield (
                    f"asserts {ast.unparse(node).removeprefix('assert ')[:60]!r} in its hidden "
                    "part, which costs nobody a point; record what is to be judged: "
                    'with observe("...") as seen: seen.result = ...'
                )


def _called(function: ast.expr) -> str:
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def say_nothing(evidence: Mapping[str, Sequence[bytes]]) -> Iterator[str]:
    """A sentence for each observation of the reference that is neither a value nor a refusal."""
    for test, records in evidence.items():
        for record in map(decode, records):
            if wrong := slip(record):
                yield f"{test}, {record.name!r}: {wrong}"


def slip(record: Record) -> str:
    """What is wrong with an observation or an example that the reference gave; empty if nothing."""
    if record.raised is None:
        if unseen := next(filter(None, map(_unseen, record.values.values())), ""):
            return (
                f"of {unseen} nothing is compared, so it costs nobody a point; record a part of it"
            )
        return "" if record.values else "it records nothing, so it costs nobody a point"
    raised = (record.raised or ("an exception",))[0]
    if SLIPS & set(record.raised):
        return f"the reference itself raised {raised}: is a name in it mistyped?"
    if record.names is None:
        return (
            f"the reference itself raised {raised}; is that the refusal that is asked for, then "
            'say which argument its message has to mention: naming="..." ("" for any)'
        )
    if not record.names:
        return f"the reference's own {raised} does not mention the argument that `naming` asks for"
    return ""


def _unseen(node: Any) -> str:
    """The first value in a recorded one that was too large to be recorded; empty if none was."""
    if node.get("kind") == "too large":
        return f"a tensor of shape {tuple(node['shape'])}"
    if node.get("kind") == "other" and node.get("type") in ("list", "tuple", "dict"):
        return f"a {node['type']} that is as long or as deep as this one"
    inside = node.get("items", ())
    every = inside.values() if isinstance(inside, dict) else inside
    return next(filter(None, map(_unseen, every)), "")
