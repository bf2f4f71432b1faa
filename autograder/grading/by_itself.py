"""A definition that stands on a wrong earlier one is judged once more, on a right one.

So one mistake costs the points of what it is in, and not of all that is built on it.

This is the one place where a part of the reference meets a student's code, and that costs no
trust: the kernel is one of its own for each definition, and holds no more than the instructor's
text of what comes *before* it, which the definition may call and which earns nothing there. What
is asked of the definition itself is not in it, and nothing leaves the kernel but which checks of
this one definition passed, and which misconception it has: no output, no message, no number.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.course.assignment import (
    as_hidden,
    grade_id_of,
    hidden_code,
    is_solution,
    is_test,
    nbgrader_of,
)
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox.execute import Execution, execute
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
    by_itself: dict[str, CellResult] = {}
    order = [test.removeprefix("test-") for test in case.results]
    for test, result in case.results.items():
        definition = test.removeprefix("test-")
        earlier = tuple(
            each
            for each in order[: order.index(definition)]
            if each in case.student_uses.get(definition, ())
            and not by_itself.get(f"test-{each}", case.results[f"test-{each}"]).is_right
        )
        if earlier and definition not in calls and _is_open(execution, result, earlier):
            evidence = evidence_anew(key, execution.notebook, files, test, earlier)
            judged = _judged(key, test, evidence)
            if passed(judged) - passed(result):
                again[test] = Again(earlier, evidence, judged)
                by_itself[test] = judged
    return again


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


def _is_open(execution: Execution, result: CellResult, earlier: Sequence[str]) -> bool:
    """Whether another run may say more; what was slow by itself will be so again."""
    slow = result.grade_id in execution.slow
    through_others = any(f"test-{each}" in execution.slow for each in earlier)
    tampered = any(check.message == TAMPERED for check in result.checks)
    return not (result.is_right or tampered or execution.problem) and slow <= through_others


def evidence_anew(
    key: AnswerKey,
    notebook: NotebookNode,
    files: Mapping[str, bytes],
    test: str,
    earlier: Sequence[str] = (),
    code: str = "",
) -> list[bytes]:
    """What one test cell observes where the instructor's earlier definitions follow on these.

    Of the test cell's hidden part `code` is run, or all of it.
    """
    given = {
        grade_id_of(cell): cell.source
        for cell in key.assignment.notebook.cells
        if cell.cell_type == "code" and is_solution(cell) and grade_id_of(cell) in earlier
    }
    copied = NotebookNode({**notebook, "cells": []})
    for cell in notebook.cells:
        name = grade_id_of(cell)
        if cell.cell_type != "code" or (is_test(cell) and name != test):
            continue
        if name in given:  # helpers that stand beside the student's are still there
            copied.cells.append(new_code_cell(cell.source))
        source = given.get(name, cell.source)
        if name == test:
            source = as_hidden(code) if code else hidden_code(cell.source)
        copied.cells.append(new_code_cell(source, metadata=cell.metadata, id=cell.id))
        if name == test:
            break
    requests = graded_names(copied, key.assignment.notebook, key.rebuilder.stubs).requests
    run = execute(copied, seed=key.seed, limits=key.limits, handed_in=files, requests=requests)
    return run.evidence.get(test, [])


def _judged(key: AnswerKey, test: str, evidence: Sequence[bytes]) -> CellResult:
    cell = key.assignment.tests[test]
    points, forbidden = float(nbgrader_of(cell)["points"]), key.assignment.forbidden(cell)
    return judge(test, points, key.wrong.expected(test), evidence, forbidden)
