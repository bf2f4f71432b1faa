"""A check that fails behind others and passes alone: something depends on the calls before it.

Whatever keeps something from one call to the next, an attribute, a cache, a default argument: in a
kernel in which nothing was called before, it is right.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from autograder.course.assignment import hidden_code
from autograder.course.telling import CALLS
from autograder.errors import MalformedEvidenceError
from autograder.grading.by_itself import evidence_anew
from autograder.reference.answer_key import AnswerKey
from autograder.reference.checks import only
from autograder.sandbox.execution import Execution
from autograder.verdict.evidence import decode
from autograder.verdict.verdict import CellResult
from autograder.verdict.versions import alone

MOST_RUNS = 4  # of single checks of one notebook


def told_of_calls(
    key: AnswerKey,
    execution: Execution,
    files: Mapping[str, bytes],
    explained: Mapping[str, CellResult],
) -> dict[str, CellResult]:
    """The verdicts that explain nothing so far and turn out to depend on calls before.

    So may those that only tell of several promises, which break together: then it is this that is
    told. `files` lie beside the notebook.
    """
    catalogue = key.wrong.catalogue
    unnamed = [
        result
        for test, result in explained.items()
        if (test.removeprefix("test-"), CALLS) in catalogue.telling
        and _is_open(result, execution, catalogue.by_id)
    ]
    told, left = {}, MOST_RUNS
    for result in unnamed:
        seconds = key.wrong.seconds(result.grade_id)
        failed = [check for check in result.checks if not check.passed and check.name in seconds]
        for check in sorted(failed, key=lambda each: seconds[each.name])[:left]:
            left -= 1
            if _passes_alone(key, execution, files, result.grade_id, check.name):
                because = catalogue.telling[result.grade_id.removeprefix("test-"), CALLS]
                told[result.grade_id] = replace(
                    result,
                    checks=tuple(
                        replace(each, because=(because,) if each == check else ())
                        for each in result.checks
                    ),
                )
                break
    return told


def _is_open(result: CellResult, execution: Execution, by_code: Container[str]) -> bool:
    """Whether it starts right and goes wrong later, and no mistake by its code says why."""
    failed = [check for check in result.checks if not check.passed]
    because = {each.id for check in failed for each in check.because}
    return (
        bool(failed)
        and result.checks[0].passed
        and not (result.mend_first or result.on_right or execution.problem)
        and (not because or (len(because) > 1 and not any(id in by_code for id in because)))
        and result.grade_id not in execution.slow
    )


def _passes_alone(
    key: AnswerKey, execution: Execution, files: Mapping[str, bytes], test: str, check: str
) -> bool:
    cell = key.assignment.tests[test]
    code = only(hidden_code(cell.source), [check])
    expected = {record.name: record for record in key.wrong.expected(test)}
    evidence = evidence_anew(key, execution, files, [test], code=code).get(test, [])
    try:
        found = [decode(record) for record in evidence]
        seen = alone(test, expected, found, key.assignment.forbidden(cell))
    except MalformedEvidenceError:
        return False
    return bool(found) and not seen.fails
