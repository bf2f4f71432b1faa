"""The points of a test cell by nbgrader's rule: an error is none, else what its last expression
gives, else all.

It is read from what the kernel answers and not from what the cell shows. So a cell that did not run
earns nothing, a warning costs nothing, and no display counts but that of the last expression.
"""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode, from_dict

from autograder.course.assignment import grade_id_of, hidden_lines, is_test, nbgrader_of
from autograder.errors import printable
from autograder.kernel.request import LAST_VALUE
from autograder.ordinary.outcome import OrdinaryCell
from autograder.sandbox.execution import Execution
from autograder.verdict.verdict import Check
from autograder.verdict.visible import visible_failure

CHECK = "the tests of this cell"
SLACK = 1e-6  # of the points: what a sum of parts may be above them
LONGEST_LINE = 100
INTERRUPTED = ("CellTimeoutError", "KeyboardInterrupt")  # by the client, in the kernel
# Where a cell stood when it ended, as Python or IPython says it; that of the test comes first.
FRAME = re.compile(r"(?:<cell \d+>|In\[\d+\])\W+(?:line )?(\d+)")


def points_of_tests(execution: Execution, seconds: float) -> tuple[dict[str, OrdinaryCell], str]:
    """The verdicts on the test cells of a run, and what a person has to look at; empty if nothing.

    `seconds` is what a cell may take. What the test cells showed is taken away.
    """
    found: dict[str, OrdinaryCell] = {}
    asked = []
    for place, cell in enumerate(execution.notebook.cells):
        if not is_test(cell):
            continue
        name, most = grade_id_of(cell) or "", float(nbgrader_of(cell)["points"])
        reply = execution.replies.get(place)
        if name in execution.slow or (reply or {}).get("ename") in INTERRUPTED:
            result = _nothing(name, most, f"did not end within {seconds:g} seconds")
        elif reply is None:
            why = f": {execution.problem}" if execution.problem else ""
            result = _nothing(name, most, f"did not run to its end{why}")
        elif reply.get("status") != "ok":
            result = _nothing(name, most, _failure(cell, reply))
        else:
            earned, said, question = _earned(most, reply.get(LAST_VALUE))
            result = _part(name, most, earned, said)
            asked += [f"{name} {question}"] if question else []
        cell.outputs = []
        found[name] = result
    return found, "; ".join(asked)


def _nothing(name: str, most: float, why: str) -> OrdinaryCell:
    return OrdinaryCell(name, most, (Check(CHECK, False, most, printable(why)),))


def _part(name: str, most: float, earned: float, said: str) -> OrdinaryCell:
    """What was earned, and beside it what was not."""
    checks = [Check(CHECK, True, earned, said)] if earned or not most else []
    if earned < most:
        checks.append(Check(CHECK, False, most - earned, said))
    return OrdinaryCell(name, most, tuple(checks))


def _earned(most: float, last: object) -> tuple[float, str, str]:
    """The points of a cell that ran through, why, and what to ask a person; empty if nothing."""
    if not isinstance(last, Mapping):
        return most, "it ran through", ""
    number = _number(last.get("number"))
    if number is None:
        kind = last.get("type")
        also = "; its last expression is True or False, which is no number of points"
        return most, f"it ran through{also if kind == 'bool' else ''}", ""
    if math.isnan(number) or number < 0:
        return 0.0, f"its last expression gave {number:g}, which is no number of points", ""
    if number > most * (1 + SLACK):
        said = f"its last expression gave {number:g} of {most:g} points"
        return 0.0, said, f"gave {number:g} of {most:g} points: look at its last expression"
    return min(number, most), f"its last expression gave {number:g} of {most:g} points", ""


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None


def _failure(cell: NotebookNode, reply: Mapping[str, Any]) -> str:
    """What ended a cell, with words and a line as far as they are the instructor's visible ones."""
    # Another's name may hold a piece of the hidden lines, which the student's code can read.
    said = str(reply.get("ename"))
    known = getattr(builtins, said, None)
    is_pythons = isinstance(known, type) and issubclass(known, BaseException)
    name = said if is_pythons else "Exception"
    shown = {"output_type": "error", "ename": name, "evalue": str(reply.get("evalue"))}
    told = NotebookNode({**cell, "outputs": [from_dict({**shown, "traceback": []})]})
    what, place = str(visible_failure(told)), _place(cell, reply)
    return f"{what}{'; in' if what != name else ' in'} {place}" if place else what


def _place(cell: NotebookNode, reply: Mapping[str, Any]) -> str:
    """Where in the test cell it ended: a line of the book's, as any number may be in the reply."""
    lines = cell.source.splitlines()
    frames = FRAME.findall(_traceback(reply))
    if not frames or not 1 <= (number := int(frames[0][:9])) <= len(lines):
        return ""
    if any(first <= number <= last for first, last in hidden_lines(cell)):
        return "a hidden test"
    line = lines[number - 1].strip()
    return f"`{line if len(line) <= LONGEST_LINE else f'{line[:LONGEST_LINE]} ...'}`"


def _traceback(reply: Mapping[str, Any]) -> str:
    said = reply.get("traceback")
    return "\n".join(map(str, said))[:200_000] if isinstance(said, list) else ""
