"""One submission from what was handed in to the verdict: rebuild, execute, judge.

Here, and in what makes the keys, is where an assignment's rule is told: what it observes against
the reference, or nbgrader's own for an ordinary one.

The fourth step, to record it, is the one writer's: `autograder.grading.run` hands it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic

from nbformat import NotebookNode

from autograder.course.assignment import error_type, nbgrader_of
from autograder.errors import (
    CourseError,
    MalformedEvidenceError,
    SandboxUnavailableError,
    UnreadableError,
    printable,
)
from autograder.grading.by_itself import judged_by_themselves, together, with_again
from autograder.grading.calls_before import told_of_calls
from autograder.grading.notes import made_elsewhere, missing, notes, own_lines, why_stopped
from autograder.ordinary.key import OrdinaryKey
from autograder.ordinary.outcome import OrdinaryWork
from autograder.ordinary.points import points_of_tests
from autograder.ordinary.rule import NBGRADERS, RULE
from autograder.reading.from_scratch import messages_of, read_definitions, used
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox.execute import execute
from autograder.sandbox.execution import Execution
from autograder.submission.answers import attach_files
from autograder.submission.cells import parse
from autograder.submission.graded_names import GradedNames, graded_names
from autograder.submission.handed_in import HandedIn
from autograder.verdict.diagnose import Case, diagnose
from autograder.verdict.evidence import Evidence, Record, decode
from autograder.verdict.judge import Circumstances, judge
from autograder.verdict.present import write_verdicts
from autograder.verdict.result import Graded
from autograder.verdict.verdict import CellResult

Key = AnswerKey | OrdinaryKey

MAX_CODE = 500_000  # characters; read as Python, each may take a kilobyte of the grader's memory


def grade(key: Key, handed_in: HandedIn) -> Graded:
    """Grade one submission, whatever it is.

    Raises: CourseError, SandboxUnavailableError, when the fault is not the submission's.
    """
    if handed_in.problem is not None:
        return ungraded(key, handed_in, handed_in.problem)
    try:
        cells = parse(handed_in.notebook, f"{key.assignment.name}.ipynb")
        return execute_and_judge(key, key.rebuilder.rebuild(cells), handed_in)
    except UnreadableError as error:
        return ungraded(key, handed_in, str(error))
    except (CourseError, SandboxUnavailableError):
        raise
    except Exception as error:  # the grader's own error costs that one submission, not the batch
        return ungraded(key, handed_in, own_fault(error))


def execute_and_judge(key: Key, rebuilt: NotebookNode, handed_in: HandedIn) -> Graded:
    """Run a rebuilt notebook, with the instructor's files over the student's, and judge it.

    Raises: UnreadableError, where it holds more code than is read.
    """
    results: Mapping[str, CellResult]
    asked = ""
    if isinstance(key, OrdinaryKey):
        files = _beside(key, rebuilt, handed_in)
        execution = execute(
            rebuilt, seed=key.seed, limits=key.limits, handed_in=files, is_plain=True
        )
        started = monotonic()
        results, asked = points_of_tests(execution, key.limits.cell_seconds)
    else:
        execution, names, files = run(key, rebuilt, handed_in, stays=True)
        started = monotonic()
        try:
            results = verdicts(key, execution, names, files)
        finally:
            execution.close()
    said = [printable(note) for note in notes(key.assignment, execution)]
    problem = printable("; ".join(filter(None, [execution.problem, asked]))) or None
    write_verdicts(execution.notebook, dict(results), problem, said)
    if isinstance(key, OrdinaryKey):
        execution.notebook.metadata["workbook"][RULE] = NBGRADERS
    return _kind(key)(
        file=handed_in.name,
        assignment=key.assignment.name,
        seed=key.seed,
        max_score=key.assignment.max_score,
        student=handed_in.student,
        reason=problem,
        tests=dict(results),
        notebook=execution.notebook,
        notes=tuple(said),
        execute_seconds=execution.seconds,
        judge_seconds=monotonic() - started,
    )


def run(
    key: AnswerKey, rebuilt: NotebookNode, handed_in: HandedIn, stays: bool = False
) -> tuple[Execution, GradedNames, Mapping[str, bytes]]:
    """Run a rebuilt notebook; where its definitions stand, and the files beside it.

    Its kernel `stays` for what is judged by itself, where nothing but the book's cells ran in it: a
    student's own may have changed what is no name, as a library.

    Raises: UnreadableError, where it holds more code than is read.
    """
    files = _beside(key, rebuilt, handed_in)
    names = graded_names(rebuilt, key.assignment.notebook, key.rebuilder.stubs)
    execution = execute(
        rebuilt,
        seed=key.seed,
        limits=key.limits,
        handed_in=files,
        requests=names.requests,
        stays=stays and not any(cell.kind == "own" for cell in names.cells.values()),
    )
    return execution, names, files


def _beside(key: Key, rebuilt: NotebookNode, handed_in: HandedIn) -> Mapping[str, bytes]:
    """The files to lie beside a rebuilt notebook, whose pictures among them are attached to it.

    Raises: UnreadableError, where it holds more code than is read.
    """
    size = sum(len(cell.source) for cell in rebuilt.cells if cell.cell_type == "code")
    if size > MAX_CODE:
        raise UnreadableError(
            f"it holds {size:,} characters of code; at most {MAX_CODE:,} are graded"
        )
    attach_files(rebuilt, handed_in.files)
    return {**handed_in.files, **key.files}


def verdicts(
    key: AnswerKey, execution: Execution, names: GradedNames, files: Mapping[str, bytes]
) -> dict[str, CellResult]:
    """The verdicts on the test cells of one run, with what explains the failures.

    `names` say where the definitions stand, `files` lie beside the notebook, by their paths.
    """
    tests = key.assignment.tests
    forbidden = {name: key.assignment.forbidden(cell) for name, cell in tests.items()}
    by_definition = {name.removeprefix("test-"): parts for name, parts in forbidden.items()}
    own_modules = {path.split("/")[0].removesuffix(".py") for path in files}
    found = read_definitions(names.as_run(_stopped(execution)), by_definition, own_modules)
    calls = messages_of(found, by_definition)
    student_uses = {name: used(found, name) for name in found}
    evidence = {name: _read(records) for name, records in execution.evidence.items()}
    lacks = any(isinstance(r, Record) and r.missing for each in evidence.values() for r in each)
    asked = missing(key.assignment, execution) if lacks else {}
    lines = own_lines(key.assignment, execution)
    results: dict[str, CellResult] = {}
    for name, cell in tests.items():
        definition = name.removeprefix("test-")
        through = sorted(student_uses[definition] & set(calls))
        results[name] = judge(
            name,
            float(nbgrader_of(cell)["points"]),
            key.wrong.expected(name),
            evidence.get(name, []),
            forbidden[name],
            Circumstances(
                why_missing(key, execution, name),
                calls.get(definition, ""),
                through[0] if through else "",
                asked,
                lines,
            ),
        )
    accused = frozenset(f"test-{name}" for name in calls)
    case = Case(
        results,
        {name: key.wrong.expected(name) for name in tests},
        evidence,
        forbidden,
        student_uses,
        key.wrong.catalogue.uses,
        accused,
    )
    again = judged_by_themselves(key, execution, files, case, calls)
    explained = diagnose(with_again(case, again), key.wrong)
    explained |= {
        test: together(results[test], explained[test], each) for test, each in again.items()
    }
    explained |= told_of_calls(key, execution, files, explained)
    said = {f"test-{name}": note for name, note in names.notes.items()}, made_elsewhere(explained)
    return {
        test: replace(each, notes=tuple(by_test[test] for by_test in said if test in by_test))
        for test, each in explained.items()
    }


def _read(records: Evidence) -> Evidence:
    """The records of a test cell, read; as they came where one cannot be read."""
    try:
        return [*map(decode, records)]
    except MalformedEvidenceError:
        return records  # the judge says so


def _stopped(execution: Execution) -> set[int]:
    """The places of the cells that ended early, or their kernel."""
    cells = enumerate(execution.notebook.cells)
    failed = {index for index, cell in cells if cell.cell_type == "code" and error_type(cell)}
    return failed.union(execution.ended)


def why_missing(key: AnswerKey, execution: Execution, test: str) -> str:
    """Why a test cell may have left no evidence; empty where nothing went wrong."""
    if test in execution.slow:
        return f"did not end within {key.limits.cell_seconds:g} seconds"
    if execution.problem:
        return f"did not run: {execution.problem}"
    return why_stopped(execution, test.removeprefix("test-"))


def own_fault(error: Exception) -> str:
    """The reason to give when the grader is at fault, not the submission."""
    message = f"{type(error).__name__}: {error}"[:200]
    return f"the grader itself failed on it ({message}); report this"


def ungraded(key: Key, handed_in: HandedIn, reason: str) -> Graded:
    """The outcome of a submission of which nothing could be run."""
    return _kind(key)(
        handed_in.name,
        key.assignment.name,
        key.seed,
        key.assignment.max_score,
        handed_in.student,
        printable(reason),
    )


def _kind(key: Key) -> type[Graded]:
    return OrdinaryWork if isinstance(key, OrdinaryKey) else Graded
