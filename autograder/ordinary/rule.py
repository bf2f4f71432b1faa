"""By which rule an assignment is judged: by what its tests observe, or by nbgrader's own.

An assignment is ordinary where none of its test cells records an observation. One that is half and
half is refused: each rule would misjudge the other half.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from autograder.course.assignment import Assignment, is_solution, nbgrader_of
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.submission.tasks import is_task

RULE = "rule"  # in a notebook's `workbook` metadata: what it is, or was, judged by
NBGRADERS, OBSERVATIONS = "nbgrader", "observations"
_OBSERVE = "autograder.observe"
_IN_WORDS = re.compile(r"\bautograder\.observe\b|^\s*with\s+observe\b", re.M)
_AUTOTEST = re.compile(r"^\s*#.*\bAUTOTEST\b", re.M)


def is_ordinary(course: Course, assignment: Assignment) -> bool:
    """Whether an assignment is judged by nbgrader's own rule.

    Raises: CourseError, where its test cells do not say by which, or nbgrader's cannot be used.
    """
    tests = assignment.tests
    observing = [name for name, cell in tests.items() if observes(cell.source)]
    asserting = [name for name in tests if name not in observing]
    declared = _declared(assignment)
    if observing and asserting:
        raise CourseError(
            f"{assignment.name} is half and half: {_listed(observing)} with observations, "
            f"{_listed(asserting)} with none. It is judged by what all of its test cells observe, "
            "or by nbgrader's rule for plain assertions: write all of them in one of the two ways "
            "(docs/ordinary.md)"
        )
    if observing:
        if declared == NBGRADERS:
            raise CourseError(
                f"{assignment.name} asks for nbgrader's rule in its metadata, but "
                f"{_listed(observing)} with observations, which cost nobody a point under it: "
                f"assert instead, or take {RULE!r} out of its `workbook` metadata"
            )
        return False
    if declared == OBSERVATIONS:
        raise CourseError(
            f"{assignment.name} says in its metadata that it is judged by observations, but none "
            "of its test cells records one: is it the released notebook, without its hidden tests?"
        )
    if declared is None and (kept := _of_ours(course, assignment)):
        if not tests:
            return False
        raise CourseError(
            f"no test cell of {assignment.name} records an observation, but {kept} is there: is "
            f"{assignment.path} the released notebook, without its hidden tests? Where nbgrader's "
            f'rule is meant, say so in its metadata: "workbook": {{"{RULE}": "{NBGRADERS}"}}'
        )
    _prove_usable(assignment)
    return True


def refuse_ordinary(course: Course, assignment: Assignment, why: str) -> None:
    """Say that something is not there for an ordinary assignment.

    Raises: CourseError, where it is one.
    """
    if is_ordinary(course, assignment):
        raise CourseError(
            f"{assignment.name} is an ordinary assignment, judged by nbgrader's rule: {why}"
        )


def observes(source: str) -> bool:
    """Whether a test cell records an observation."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a magic, or a slip that running it names
        return bool(_IN_WORDS.search(source))
    return any(map(_is_of_observing, ast.walk(tree)))


def _is_of_observing(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(each.name.startswith(_OBSERVE) for each in names)
        case ast.ImportFrom(module=str(module)):
            return module.startswith(_OBSERVE)
        case ast.With(items=items):
            called = [getattr(each.context_expr, "func", None) for each in items]
            return any("observe" in (getattr(c, "id", ""), getattr(c, "attr", "")) for c in called)
    return False


def _declared(assignment: Assignment) -> str | None:
    """The rule that the notebook's metadata names, if it names one."""
    declared: str | None = assignment.notebook.metadata.get("workbook", {}).get(RULE)
    if declared not in (None, NBGRADERS, OBSERVATIONS):
        raise CourseError(
            f"{assignment.path}: metadata.workbook.{RULE} is {declared!r}; "
            f"there are {NBGRADERS!r} and {OBSERVATIONS!r}"
        )
    return declared


def _of_ours(course: Course, assignment: Assignment) -> str:
    """What only an assignment with observations has in `solutions/`; empty where nothing is."""
    stem = assignment.module.removeprefix("solutions.")
    there = (course.solutions / f"{stem}{end}" for end in (".py", ".toml"))
    return next((f"solutions/{path.name}" for path in there if path.is_file()), "")


def _prove_usable(assignment: Assignment) -> None:
    name, about = assignment.name, assignment.notebook.metadata
    said = about.get("kernelspec", {}).get("language") or about.get("language_info", {}).get("name")
    language = str(said or "python")
    if not language.lower().startswith("python"):
        raise CourseError(f"{name} is in {language}; the sandbox runs Python alone")
    barred = sorted(
        {part for cell in assignment.tests.values() for part in assignment.forbidden(cell)}
    )
    if barred:
        raise CourseError(
            f"{name} forbids {', '.join(barred)}, which nothing looks for under nbgrader's rule: "
            "observe in its test cells, or take `forbidden` out of its metadata"
        )
    made = [test for test, cell in assignment.tests.items() if _AUTOTEST.search(cell.source)]
    if made:
        raise CourseError(
            f"{_listed(made)} of {name} with AUTOTEST, which is made into a test when nbgrader "
            "releases it and is not one in source/: write the assertions out"
        )
    others = [path.name for path in _others(assignment)]
    if others:
        raise CourseError(
            f"{assignment.path.parent} holds more notebooks with graded cells than {name}.ipynb: "
            f"{', '.join(others)}. An assignment has one: give each a folder of its own"
        )


def _others(assignment: Assignment) -> Iterator[Path]:
    """The other notebooks in the folder that give points."""
    for path in sorted(assignment.path.parent.glob("*.ipynb")):
        if path == assignment.path or path.name.startswith("."):
            continue
        cells = Assignment(path.stem, path).notebook.cells
        if any(
            is_solution(cell) or nbgrader_of(cell).get("grade") or is_task(cell) for cell in cells
        ):
            yield path


def _listed(names: list[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
