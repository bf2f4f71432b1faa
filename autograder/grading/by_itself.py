"""A definition that stands on a wrong earlier one is judged once more, on a right one.

So one mistake costs the points of what it is in, and not of all that is built on it.

This is the one place where a part of the reference meets a student's code, and that costs no
trust. The kernel, the student's own once all its evidence is here or a new one, is given no more
than the instructor's text of what comes *before* these definitions, which they may call and which
earns nothing there. In the notebook's order each is judged before its own text can come in, and
nothing leaves the kernel but which checks of these passed, and which misconception they have: no
output, no message, no number.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.course.assignment import (
    as_hidden,
    error_type,
    grade_id_of,
    hidden_code,
    is_solution,
    is_test,
    nbgrader_of,
)
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox.execute import execute
from autograder.sandbox.execution import Execution
from autograder.submission.graded_names import graded_names
from autograder.verdict.diagnose import Case
from autograder.verdict.judge import TAMPERED, judge
from autograder.verdict.verdict import CellResult


@dataclass(frozen=True)
class Again:
    """What one test cell gave with right ones in place of these `earlier` definitions."""

    earlier: tuple[str, ...]
    evidence: Sequence[bytes]
    result: CellResult


def judged_by_themselves(
    key: AnswerKey,
    execution: Execution,
    files: Mapping[str, bytes],
    case: Case,
    calls: Container[str],
) -> dict[str, Again]:
    """The test cells of which checks pass that failed on the student's own earlier definitions.

    `calls` has the definitions that call what is to be built: these earn nothing on any other
    either. `files` lie beside the notebook.
    """
    again: dict[str, Again] = {}
    results = dict(case.results)  # of those that were judged again, by themselves
    known: dict[tuple[str, ...], dict[str, list[bytes]]] = {}
    tests = list(results)
    for place, test in enumerate(tests):
        earlier = _earlier(case, results, test)
        if not earlier or not _is_open(execution, results[test], earlier, calls):
            continue
        if test not in known.get(earlier, {}):
            # Those further down that stand on the same are looked at in the same kernel.
            others = [
                each
                for each in tests[place + 1 :]
                if _earlier(case, results, each, besides=tests[place:]) == earlier
                and _is_open(execution, results[each], earlier, calls)
            ]
            wanted = [test, *others]
            known[earlier] = evidence_anew(key, execution, files, wanted, earlier)
        evidence = known[earlier].get(test, [])
        judged = _judged(key, test, evidence)
        if passed(judged) - passed(results[test]):
            again[test] = Again(earlier, evidence, judged)
            results[test] = judged
    return again


def _earlier(
    case: Case, results: Mapping[str, CellResult], test: str, besides: Container[str] = ()
) -> tuple[str, ...]:
    """The definitions above that this one uses and that are wrong, but for those `besides`."""
    uses = case.student_uses.get(test.removeprefix("test-"), ())
    above = list(results)[: list(results).index(test)]
    return tuple(
        name
        for each in above
        if (name := each.removeprefix("test-")) in uses
        and each not in besides
        and not results[each].is_right
    )


def with_again(case: Case, again: Mapping[str, Again]) -> Case:
    """What is to be explained: of these test cells, what went wrong on right earlier ones too."""
    return replace(
        case,
        results={**case.results, **{test: each.result for test, each in again.items()}},
        found={**case.found, **{test: each.evidence for test, each in again.items()}},
        student_uses={
            **case.student_uses,
            **{test.removeprefix("test-"): frozenset() for test in again},
        },
    )


def together(first: CellResult, explained: CellResult, again: Again) -> CellResult:
    """The verdict of the first run, with the points and the explanations of the second."""
    message = f"right, with a right {' and '.join(again.earlier)} in place of yours"
    because = {check.name: check.because for check in explained.checks}
    checks = [
        check
        if check.passed
        else replace(check, passed=True, message=message)
        if check.name in passed(again.result)
        else replace(check, because=because[check.name])
        for check in first.checks
    ]
    return replace(explained, checks=tuple(checks), on_right=again.earlier)


def passed(result: CellResult) -> set[str]:
    """The names of the checks that passed."""
    return {check.name for check in result.checks if check.passed}


def _is_open(
    execution: Execution, result: CellResult, earlier: Sequence[str], calls: Container[str]
) -> bool:
    """Whether another run may say more; what was slow by itself will be so again."""
    if result.grade_id.removeprefix("test-") in calls:
        return False
    slow = result.grade_id in execution.slow
    through_others = any(f"test-{each}" in execution.slow for each in earlier)
    tampered = any(check.message == TAMPERED for check in result.checks)
    return not (result.is_right or tampered or execution.problem) and slow <= through_others


def evidence_anew(
    key: AnswerKey,
    execution: Execution,
    files: Mapping[str, bytes],
    tests: Sequence[str],
    earlier: Sequence[str] = (),
    code: str = "",
) -> dict[str, list[bytes]]:
    """What test cells observe where the instructor's earlier definitions follow on these.

    Of a test cell's hidden part `code` is run, or all of it. That is done in the student's kernel
    where it is still open, which saves starting another; but for `code`, of which it is asked what
    it does without the calls before.
    """
    given = {
        grade_id_of(cell): cell.source
        for cell in key.assignment.notebook.cells
        if cell.cell_type == "code" and is_solution(cell) and grade_id_of(cell) in earlier
    }
    copied = NotebookNode({**execution.notebook, "cells": []})
    for cell in execution.notebook.cells:
        name = grade_id_of(cell)
        if cell.cell_type != "code" or (is_test(cell) and name not in tests):
            continue
        if name in given:  # helpers that stand beside the student's are still there
            copied.cells.append(new_code_cell(cell.source))
        source = given.get(name, cell.source)
        if name in tests:
            source = as_hidden(code) if code else hidden_code(cell.source)
        copied.cells.append(new_code_cell(source, metadata=cell.metadata, id=cell.id))
        if name == tests[-1]:
            break
    requests = graded_names(copied, key.assignment.notebook, key.rebuilder.stubs).requests
    run = None
    if execution.kernel is not None and not code:
        run = execution.kernel.run(copied, requests)
    if run is None or _errors(copied) - {*tests} - _errors(execution.notebook):
        run = execute(copied, seed=key.seed, limits=key.limits, handed_in=files, requests=requests)
    return run.evidence


def _errors(notebook: NotebookNode) -> set[str]:
    """The cells that an exception ended, by their names or ids."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code" and error_type(cell))
    return {str(grade_id_of(cell) or cell.id) for cell in cells}


def _judged(key: AnswerKey, test: str, evidence: Sequence[bytes]) -> CellResult:
    cell = key.assignment.tests[test]
    points, forbidden = float(nbgrader_of(cell)["points"]), key.assignment.forbidden(cell)
    return judge(test, points, key.wrong.expected(test), evidence, forbidden)
