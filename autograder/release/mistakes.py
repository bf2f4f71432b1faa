"""Slips of the one who writes a notebook that no submission would ever show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbformat import NotebookNode

from autograder.course.assignment import HIDDEN, Assignment, is_test
from autograder.errors import CourseError
from autograder.verdict.evidence import Record, decode

REGION = re.compile(r"\b(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)\b")
# A name that is not there is a slip in every block, also in one that is to be refused.
SLIPS = {"NameError", "ImportError", "SyntaxError"}


def prove_regions_end(assignment: Assignment, *, may_assert: bool = False) -> None:
    """What begins hidden from students ends in its cell, and what judges nothing is not there.

    That is an assertion in a hidden part, but where nbgrader's rule judges: there it `may_assert`.

    Raises: CourseError, naming the cell.
    """
    for cell in assignment.notebook.cells:
        idle = () if may_assert else _idle_assertions(cell)
        for wrong in (*_open_regions(cell.source), *idle):
            raise CourseError(
                f"{assignment.name} is not released: the cell {cell.get('id')!r} {wrong}"
            )


def _open_regions(source: str) -> Iterator[str]:
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


def prove_observations_say_something(
    assignment: Assignment, evidence: Mapping[str, Sequence[bytes]]
) -> None:
    """Every observation of the reference records a value, or a refusal that is meant.

    Raises: CourseError, naming the test cell and the observation.
    """
    for test, records in evidence.items():
        for record in map(decode, records):
            if wrong := slip(record):
                raise CourseError(
                    f"{assignment.name} is not released: {test}, {record.name!r}: {wrong}"
                )


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
