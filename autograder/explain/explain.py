"""Runs one submission and the reference once more, on the recorded inputs, and keeps one check."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autograder.course.assignment import grade_id_of
from autograder.course.course import Course
from autograder.errors import CourseError, MalformedEvidenceError, UnreadableError, printable
from autograder.explain.given import GIVEN, block_of, recording
from autograder.explain.graded_check import GradedCheck
from autograder.explain.parts import Part, compared, inputs
from autograder.grading.grade import run, why_missing
from autograder.grading.pending import pending
from autograder.reference.answer_key import AnswerKey, answer_key, reference_evidence
from autograder.reference.package import package_of
from autograder.sandbox import check_place, kernel_server
from autograder.submission.cells import parse
from autograder.submission.handed_in import HandedIn
from autograder.verdict.evidence import Record, decode
from autograder.verdict.raised import type_of


@dataclass(frozen=True)
class Call:
    """One call of the definition in the check, and what it was given."""

    called: str
    arguments: tuple[Part, ...]


@dataclass(frozen=True)
class Explanation:
    """One check: its text, its inputs, what was expected and what came.

    `refused` says how the reference ends, where it is to refuse, and `ended` how the submission
    does, where not by its last line; `changed` what is no longer as it was when it was graded.
    """

    graded: GradedCheck
    source: str
    calls: tuple[Call, ...]
    parts: tuple[Part, ...]
    refused: str
    ended: str
    changed: str


def explain(course: Course, checks: Sequence[GradedCheck]) -> list[Explanation]:
    """Explain checks of one submission, on the inputs that it was graded on.

    Raises: CourseError, SandboxUnavailableError.
    """
    first = checks[0]
    sources = {name: cell.source for name, cell in first.submission.assignment.tests.items()}
    blocks = [block_of(sources[each.test], each.name) for each in checks]
    for each, block in zip(checks, blocks, strict=True):
        if block is None:
            raise CourseError(
                f"{each.test} has no check {each.name!r} any more; workbook regrade says what its "
                "checks are now"
            )
    check_place(course.root)
    kernel_server()
    key, given = _of_reference(course, checks)
    got, why = _of_submission(key, first.handed_in)
    due = pending(course, [first.submission], False)
    found = []
    for each, block in zip(checks, blocks, strict=True):
        expected = _records(key.evidence[each.test])[each.name]
        came = got[each.test].get(each.name)
        found.append(
            Explanation(
                each,
                block or "",
                _calls(given[each.test].get(f"{GIVEN}{each.name}")),
                tuple(compared(expected, came)),
                "" if expected.raised is None else f"raises {type_of(expected.raised)}",
                _ended(came, why[each.test]),
                due[0].why if due else "",
            )
        )
    return found


def _of_reference(
    course: Course, checks: Sequence[GradedCheck]
) -> tuple[AnswerKey, dict[str, dict[str, Record]]]:
    """What judging takes, and by test cell all that a reference recorded that ran for this."""
    assignment, seed = checks[0].submission.assignment, checks[0].seed
    notebook = copy.deepcopy(assignment.notebook)
    for cell in notebook.cells:
        test = str(grade_id_of(cell))
        if names := [each.name for each in checks if each.test == test]:
            cell.source = recording(cell.source, test.removeprefix("test-"), names)
    looked_at = replace(assignment)
    looked_at.__dict__["notebook"] = notebook
    package = package_of(course, assignment)
    evidence = reference_evidence(looked_at, package.modules, seed)
    key = answer_key(assignment, course.config, seed, evidence, package)
    return key, {test: _records(records) for test, records in evidence.items()}


def _of_submission(
    key: AnswerKey, handed_in: HandedIn
) -> tuple[dict[str, dict[str, Record]], dict[str, str]]:
    """What the submission gave, by test cell and check; where it gave nothing, why."""
    try:
        if handed_in.problem is not None:
            raise UnreadableError(handed_in.problem)
        cells = parse(handed_in.notebook, f"{key.assignment.name}.ipynb")
        execution, _, _ = run(key, key.rebuilder.rebuild(cells), handed_in)
    except UnreadableError as error:
        raise CourseError(f"nothing of it can be run: {error}") from error
    tests = key.assignment.tests
    return (
        {test: _records(execution.evidence.get(test, [])) for test in tests},
        {test: why_missing(key, execution, test) for test in tests},
    )


def _records(evidence: Sequence[bytes]) -> dict[str, Record]:
    """What a test cell recorded, by check; of a cell that reported anything else, nothing."""
    try:
        return {record.name: record for record in map(decode, evidence)}
    except MalformedEvidenceError:
        return {}


def _calls(given: Record | None) -> tuple[Call, ...]:
    if given is None or given.values.get("calls", {}).get("kind") != "list":
        return ()
    calls = []
    for each in given.values["calls"]["items"]:
        arguments = each["items"]["arguments"]["items"]
        parts = [part for name, node in arguments.items() for part in inputs(given, node, name)]
        calls.append(Call(str(each["items"]["called"]["value"]), tuple(parts)))
    return tuple(calls)


def _ended(got: Record | None, why: str) -> str:
    """How the check ended, where it was not by its last line."""
    if got is None:
        return printable(why or "the check did not run")
    if got.raised is None:
        return ""
    at = f" in `{printable(got.at[0][0])}`" if got.at else ""
    return f"raises {type_of(got.raised)}{at}"
