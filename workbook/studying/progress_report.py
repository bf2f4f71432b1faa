"""How far a student is: found from the notebooks each time, never kept.

A definition is done when it passes the visible test below it, in the notebook run from the top;
a written answer is done when something is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import DeskError, UnreadableError
from autograder.submission.cells import read_submission
from workbook.result_table import Link, Marked, Table, Words
from workbook.studying.lesson import Lesson, Step, in_hours, lessons
from workbook.studying.runs import WITHIN, run
from workbook.studying.written import Written

LIMIT_SECONDS = 30.0
MOST_OF_A_DATE = 40  # characters


@dataclass(frozen=True)
class LessonProgress:
    """How far one notebook is; `trouble` says what kept it from being looked at to its end.

    `due` is until when it is to be handed in, empty where the notebook names no date.
    """

    lesson: Lesson
    path: Path
    done: frozenset[str] = frozenset()
    is_there: bool = True
    is_readable: bool = True
    is_touched: bool = False
    trouble: str | None = None
    due: str = ""

    @property
    def left(self) -> list[Step]:
        """The steps still to do, in order."""
        return [step for step in self.lesson.steps if step.name not in self.done]

    @property
    def minutes_left(self) -> int:
        """How long the steps still to do take."""
        return sum(step.minutes for step in self.left)

    @property
    def state(self) -> str:
        """In a word or two."""
        if not self.is_there:
            return "not in this folder"
        if self.trouble:
            return self.trouble
        if not self.left:
            return "done"
        return "started" if self.is_touched else "not started"

    @property
    def standing(self) -> str:
        """In a word or two, with how many steps are done where some are."""
        is_between = self.is_there and self.done and self.left
        return f"{len(self.done)} of {len(self.lesson.steps)} done" if is_between else self.state


@dataclass(frozen=True)
class Progress:
    """How far all notebooks of the material are; a notebook or terminal shows it as a table."""

    notebooks: tuple[LessonProgress, ...]

    @property
    def minutes_left(self) -> int:
        """For the notebooks in the folder together."""
        return sum(each.minutes_left for each in self.notebooks if each.is_there)

    @property
    def next(self) -> tuple[LessonProgress, Step] | None:
        """The first step to do of the first notebook that was begun, or else of the first."""
        open_ = [each for each in self.notebooks if each.is_there and each.left]
        first = next((each for each in open_ if each.is_touched), open_[0] if open_ else None)
        return None if first is None else (first, first.left[0])

    def is_done(self, lesson: str, step: str) -> bool:
        """Whether a step of the notebook of this name is done."""
        return any(step in each.done for each in self.notebooks if each.lesson.name == lesson)

    def _table(self) -> Table:
        there = [each for each in self.notebooks if each.is_there]
        dated = any(each.due for each in there)
        done = sum(len(each.done) for each in there)
        steps = sum(len(each.lesson.steps) for each in there)
        rows: list[list[Words]] = [
            [
                Link(each.lesson.heading, _relative(each.path))
                if each.is_there
                else each.lesson.heading,
                f"{len(each.done)} of {len(each.lesson.steps)}" if each.is_there else None,
                each.minutes_left if each.is_there and each.lesson.minutes else None,
                each.state,
                *([each.due or None] if dated else []),
            ]
            for each in self.notebooks
        ]
        return Table(
            f"Progress: {done} of {steps} steps done{self._time_left()}",
            ["notebook", "steps done", "minutes left", "state", *(["due"] if dated else [])],
            rows,
            [*self._troubles(), self._next_words()],
        )

    def _time_left(self) -> str:
        is_stated = any(each.lesson.minutes for each in self.notebooks if each.is_there)
        return f", about {in_hours(self.minutes_left)} left" if is_stated else ""

    def _troubles(self) -> list[Words]:
        return [
            (
                f"{each.lesson.heading} stops when it is run from the top. To see where, open it "
                "and choose Run, Restart Kernel and Run All Cells."
            )
            if each.is_readable
            else [
                f"To mend {each.lesson.heading}, run in a terminal: ",
                Marked(f"workbook doctor {_relative(each.path)}", "code"),
            ]
            for each in self.notebooks
            if each.trouble
        ]

    def _next_words(self) -> Words:
        if self.next is None:
            return "Every step of the notebooks in this folder is done."
        notebook, step = self.next
        return [
            "Next: ",
            "your answer " if step.is_answer else "",
            Marked(step.name, "code"),
            f", about {step.minutes} minutes, in " if step.minutes else ", in ",
            Link(notebook.lesson.heading, _relative(notebook.path)),
        ]

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def __repr__(self) -> str:
        return repr(self._table())


def progress(folder: str | Path = ".", seconds: float = LIMIT_SECONDS) -> Progress:
    """How far the notebooks in `folder` are; each may take `seconds` to run, or those it states.

    These are seconds of the notebook's own: a busy machine makes no work slow.

    Raises: DeskError, when no notebook of the material is there.
    """
    if os.environ.get(WITHIN):
        raise DeskError("progress() is running this notebook and cannot run itself")
    top = Path(folder)
    wanted = lessons()
    # Called from a notebook, the folder is that notebook's own.
    if top.resolve().name in {lesson.name for lesson in wanted}:
        top = top.resolve().parent
    if not any((top / lesson.file).exists() for lesson in wanted):
        raise DeskError(
            f"there is no notebook of the workbook in {top.resolve()}: they are expected as "
            f"{wanted[0].file}; `workbook start` makes such a folder"
        )
    written: dict[str, Written | str] = {}
    for lesson in wanted:
        if os.path.lexists(top / lesson.file):
            try:
                written[lesson.name] = Written(lesson, read_submission(top / lesson.file))
            except UnreadableError as error:
                written[lesson.name] = f"cannot be read: {error}"
    to_run = {n: w for n, w in written.items() if isinstance(w, Written) and w.has_code}
    events = run({name: (top / name, each) for name, each in to_run.items()}, seconds)
    return Progress(
        tuple(
            _of_one(each, top / each.file, written.get(each.name), events.get(each.name, []))
            for each in wanted
        )
    )


def _of_one(
    lesson: Lesson, path: Path, written: Written | str | None, events: Sequence[dict[str, str]]
) -> LessonProgress:
    if written is None:
        return LessonProgress(lesson, path, is_there=False)
    if isinstance(written, str):
        return LessonProgress(lesson, path, is_readable=False, is_touched=True, trouble=written)
    failed = {e["step"] for e in events if e["event"] in ("definition", "test") and e["error"]}
    tested = {e["step"] for e in events if e["event"] == "test"}
    answered = {s.name for s in lesson.steps if s.is_answer and written.is_answered(s)}
    return LessonProgress(
        lesson,
        path,
        frozenset(tested - failed | answered),
        is_touched=written.has_code or bool(answered),
        trouble=_trouble(events) if written.has_code else None,
        due=_due(path),
    )


def _due(path: Path) -> str:
    """The due date that a release wrote into the notebook."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["workbook"]
        return str(about.get("due", ""))[:MOST_OF_A_DATE]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _trouble(events: Sequence[dict[str, str]]) -> str | None:
    """What kept a notebook from running to its end."""
    kinds = {event["event"]: event for event in events}
    if "released" in kinds:
        return f"cannot be run: {kinds['released']['error']}"
    if "end" in kinds:
        return None
    where = f" at {kinds['at']['step']}" if "at" in kinds else ""
    return f"took too long{where}" if "overdue" in kinds else f"Python ended{where}"


def _relative(path: Path) -> str:
    """The path from where one is."""
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()
