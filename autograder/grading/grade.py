"""One submission from what was handed in to the verdict: rebuild, execute, judge."""

from __future__ import annotations

from time import monotonic

from nbformat import NotebookNode

from autograder.course.assignment import Assignment
from autograder.errors import CourseError, SandboxUnavailableError, UnreadableError
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox.execute import execute
from autograder.submission.handed_in import HandedIn
from autograder.submission.rebuild import parse
from autograder.verdict.present import write_verdicts
from autograder.verdict.result import Graded

MAX_CODE = 500_000  # characters; read as Python, each may take a kilobyte of the grader's memory


def grade(key: AnswerKey, handed_in: HandedIn) -> Graded:
    """Grade one submission, whatever it is.

    Raises: CourseError, SandboxUnavailableError, when the fault is not the submission's.
    """
    if handed_in.problem is not None:
        return ungraded(key.assignment, key.seed, handed_in, handed_in.problem)
    try:
        cells = parse(handed_in.notebook, f"{key.assignment.name}.ipynb")
        return run(key, key.rebuilder.rebuild(cells), handed_in)
    except UnreadableError as error:
        return ungraded(key.assignment, key.seed, handed_in, str(error))
    except (CourseError, SandboxUnavailableError):
        raise
    except Exception as error:  # the grader's own error costs that one submission, not the batch
        return ungraded(key.assignment, key.seed, handed_in, own_fault(error))


def own_fault(error: Exception) -> str:
    """The reason to give when the grader is at fault, not the submission."""
    said = f"{type(error).__name__}: {error}"[:200]
    return f"the grader itself failed on it ({said}); report this"


def ungraded(assignment: Assignment, seed: int, handed_in: HandedIn, reason: str) -> Graded:
    """The outcome of a submission of which nothing could be run."""
    return Graded(
        handed_in.name, assignment.name, seed, assignment.max_score, handed_in.student, reason
    )


def run(key: AnswerKey, rebuilt: NotebookNode, handed_in: HandedIn) -> Graded:
    """Execute a rebuilt notebook, with the instructor's files over the student's, and judge it.

    Raises: UnreadableError, where it holds more code than is read.
    """
    size = sum(len(cell.source) for cell in rebuilt.cells if cell.cell_type == "code")
    if size > MAX_CODE:
        raise UnreadableError(
            f"it holds {size:,} characters of code; at most {MAX_CODE:,} are graded"
        )
    files = {**handed_in.files, **key.files}
    execution = execute(rebuilt, seed=key.seed, limits=key.limits, handed_in=files)
    started = monotonic()
    results = key.judge(execution, files)
    write_verdicts(execution.notebook, results, execution.problem)
    return Graded(
        file=handed_in.name,
        assignment=key.assignment.name,
        seed=key.seed,
        max_score=key.assignment.max_score,
        student=handed_in.student,
        reason=execution.problem,
        tests=results,
        notebook=execution.notebook,
        execute_seconds=execution.seconds,
        judge_seconds=monotonic() - started,
    )
