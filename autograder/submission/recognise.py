"""Which assignment a notebook is of: its file may have any name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from autograder.course.assignment import Assignment, is_solution
from autograder.course.course import Course
from autograder.errors import CourseError, UnreadableError
from autograder.submission.cells import SubmittedCell, plain, read_submission
from autograder.submission.places import Places, visible

MIN_TEXT = 20  # characters, below which a text may be anybody's
MIN_TEXTS = 2  # that say which notebook it is, where no name of a cell does


def recognise(course: Course, path: Path) -> Assignment:
    """Which assignment a loose notebook is, by the grade_ids of its cells, or else their texts.

    Raises: CourseError, when it is of none.
    """
    if not path.is_file():
        raise CourseError(f"{path} is not there" if not path.exists() else f"{path} is no file")
    try:
        name = which(course, read_submission(path), path.name)
    except UnreadableError as error:
        raise CourseError(f"{path} cannot be graded: {error}") from error
    if name is None:
        raise CourseError(
            f"{path} belongs to no assignment of this course: few or none of its cells have a "
            "grade_id or the text of one"
        )
    return course.assignments[name]


def which(course: Course, cells: Sequence[SubmittedCell], file_name: str = "") -> str | None:
    """The name of the assignment that these cells are of, or None."""
    ids, texts = _marks(course)
    name = closest((cell["grade_id"] for cell in cells), ids, file_name)
    return name or by_text(cells, texts)


@lru_cache(maxsize=8)
def _marks(course: Course) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """The grade_ids of each assignment, and the texts of one alone; a broken one has none."""
    ids: dict[str, frozenset[str]] = {}
    for name, assignment in course.assignments.items():
        with suppress(CourseError):
            ids[name] = assignment.graded_ids
    return ids, texts_of(course.assignments[name] for name in ids)


def texts_of(assignments: Iterable[Assignment]) -> dict[str, str]:
    """Which assignment each text of a given cell is of, where it is of no other."""
    texts: dict[str, set[str]] = {}
    for assignment in assignments:
        for cell in assignment.notebook.cells:
            if not is_solution(cell) and len(text := plain(visible(cell))) >= MIN_TEXT:
                texts.setdefault(text, set()).add(assignment.name)
    return {text: names.pop() for text, names in texts.items() if len(names) == 1}


def by_text(cells: Sequence[SubmittedCell], texts: Mapping[str, str]) -> str | None:
    """Which assignment cells without any names are of, where their texts leave no doubt."""
    if any(cell["grade_id"] for cell in cells):
        return None
    found = Counter(texts[text] for cell in cells if (text := plain(cell["source"])) in texts)
    best = found.most_common(2)
    is_sure = best and best[0][1] >= max(MIN_TEXTS, 2 * sum(count for _, count in best[1:]))
    return best[0][0] if is_sure else None


def is_plainly(assignment: Assignment, notebook: bytes) -> bool:
    """Whether most names of an assignment's cells are in a file, without reading it as JSON."""
    names = [name.encode() for name in assignment.graded_ids]
    return 2 * sum(b'"%s"' % name in notebook for name in names) >= len(names)


def other_than(
    course: Course, assignment: Assignment, cells: Sequence[SubmittedCell], student: str
) -> str:
    """What a notebook is that was handed in as an assignment and is not; empty where it is."""
    name = which(course, cells, assignment.name)
    if name == assignment.name:
        return ""
    if name is not None:
        right = course.folder("submitted", student, name).relative_to(course.root)
        return (
            f"this is {name}, handed in as {assignment.name}; where it is to count, put it into "
            f"{right}/{name}.ipynb"
        )
    book = assignment.notebook.cells
    known = {index for index in Places(book).of(cells) if index is not None}
    if any(is_solution(book[index]) for index in known):
        return ""
    if not any(cell["source"].strip() for cell in cells):
        return ""
    return f"this is no notebook of {assignment.name}: none of its cells is one of it"


def closest(
    grade_ids: Iterable[str | None],
    notebooks: Mapping[str, Set[str]],
    file_name: str = "",
    other_marks: Iterable[str] = (),
) -> str | None:
    """The one of `notebooks` that shares most grade_ids; None where foreign ones are more.

    `notebooks` has for each the grade_ids of what is written and tested in it: that of a cell of
    imports is the same in every notebook. `other_marks` count for a notebook and against none.
    Among equals it is the one that the file is called by.
    """
    ids = {name for name in grade_ids if name}
    marks = ids.union(other_marks)
    foreign = ids.difference(*notebooks.values())
    shared = {name: len(marks & graded) for name, graded in notebooks.items()}
    best = max(shared, key=lambda name: (shared[name], file_name.startswith(name)), default=None)
    return best if best is not None and shared[best] >= max(1, len(foreign)) else None
