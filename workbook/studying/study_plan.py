"""Paths through the notebooks, and a plan of weeks for each."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from autograder.errors import DeskError
from workbook import material
from workbook.result_table import Link, Marked, Piece, Table, Words
from workbook.studying.lesson import Lesson, Step, in_hours, lessons
from workbook.studying.progress_report import Progress

WEEKS = (1, 2, 4)
# A week ends with a notebook where that moves its end by no more than this.
NEAR_MINUTES = 20


ALL = "all"


@dataclass(frozen=True)
class Path:
    """A way through the notebooks, and the audience that it is for."""

    title: str
    audience: str
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True)
class Plan:
    """What to do in which week: for each week the steps, in order, with their notebooks."""

    title: str
    weeks: tuple[tuple[tuple[Lesson, Step], ...], ...]

    def minutes(self, week: int) -> int:
        """How long the steps of a week take; weeks count from 1."""
        return sum(step.minutes for _, step in self.weeks[week - 1])

    @property
    def total(self) -> int:
        """How long all of it takes, in minutes."""
        return sum(self.minutes(week) for week in range(1, len(self.weeks) + 1))

    def _table(self) -> Table:
        rows: list[list[Words]] = []
        for week, steps in enumerate(self.weeks, 1):
            for of, group in groupby(steps, key=lambda pair: pair[0]):
                chosen = [step for _, step in group]
                minutes = sum(step.minutes for step in chosen)
                rows.append(
                    [
                        f"week\N{NO-BREAK SPACE}{week}",
                        Link(of.heading, of.file),
                        _named(chosen),
                        minutes,
                    ]
                )
        weeks = (f"week {n}: {in_hours(self.minutes(n))}" for n in range(1, len(self.weeks) + 1))
        together = "; ".join(weeks)
        return Table(
            f"{self.title}: {in_hours(self.total)} in all",
            ["when", "notebook", "steps", "minutes"],
            rows,
            [f"{together[:1].upper()}{together[1:]}." if rows else "Nothing is left to do."],
        )

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def __repr__(self) -> str:
        return repr(self._table())


def paths() -> Table:
    """The paths to choose from: for whom each is, its notebooks in order, and how long it takes."""
    rows: list[list[Words]] = [
        [
            Marked(name, "code"),
            path.audience,
            ", ".join(each.heading for each in path.lessons),
            in_hours(sum(each.minutes for each in path.lessons)),
        ]
        for name, path in _paths().items()
    ]
    return Table("Paths through the workbook", ["path", "for whom", "notebooks", "time"], rows)


def plan(path: str = "", weeks: int = 2, done: Progress | None = None) -> Plan:
    """A path, or else the first, over one, two or four weeks; steps that are `done` are left out.

    Raises: DeskError, naming the choices, for another path or number of weeks.
    """
    known = _paths()
    name = str(path).strip().lower() or next(iter(known))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        raise DeskError(f"there is no path {path!r}{meant}: choose {_choices(map(repr, known))}")
    if weeks not in WEEKS:
        raise DeskError(f"there is no plan of {weeks!r} weeks: choose {_choices(map(str, WEEKS))}")
    steps = [
        (each, step)
        for each in known[name].lessons
        for step in each.steps
        if done is None or not done.is_done(each.name, step.name)
    ]
    number = "one week" if weeks == 1 else f"{weeks} weeks"
    return Plan(f"{known[name].title}, {number}", _in_weeks(steps, weeks))


def _in_weeks(
    steps: list[tuple[Lesson, Step]], weeks: int
) -> tuple[tuple[tuple[Lesson, Step], ...], ...]:
    """The steps in order, so that the weeks take about as long as each other."""
    minutes = [step.minutes for _, step in steps]
    ends = [0]
    for week in range(1, weeks):
        ideal = sum(minutes) * week / weeks
        places = range(ends[-1], len(steps) + 1)
        off = {place: abs(sum(minutes[:place]) - ideal) for place in places}
        between = [
            place for place in places if off[place] <= NEAR_MINUTES and _is_end(steps, place)
        ]
        ends.append(min(between or places, key=lambda place: off[place]))
    return tuple(
        tuple(steps[start:end]) for start, end in zip(ends, [*ends[1:], len(steps)], strict=True)
    )


def _is_end(steps: list[tuple[Lesson, Step]], place: int) -> bool:
    return place in (0, len(steps)) or steps[place - 1][0] is not steps[place][0]


def _named(steps: list[Step]) -> Words:
    """The steps of one notebook in one week, as one would type them."""
    pieces: list[Piece] = []
    for step in steps:
        pieces += [", "] if pieces else []
        pieces.append("your answer" if step.is_answer else Marked(step.name, "code"))
    return pieces


def _choices(choices: Any) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}"


def _paths() -> dict[str, Path]:
    """The paths that the notebooks say they are on, in the words of the page to start with.

    A notebook stands where its number says, but behind what it builds on.
    Of a course in which no notebook says so, one path leads through all.
    """
    start = material.folder() / material.START
    page = json.loads(start.read_text(encoding="utf-8")) if start.is_file() else {}
    words = page.get("metadata", {}).get("workbook", {}).get("paths", {})
    every = lessons()
    named = dict.fromkeys([*words, *(name for each in every for name in each.paths)])
    found: dict[str, Path] = {}
    for name in named:
        on_it = [each for each in every if name in each.paths]
        on_it = _built_up(sorted(on_it, key=lambda each: each.paths[name]))
        about = words.get(name, {})
        if on_it:
            title = about.get("title", name.capitalize())
            found[name] = Path(title, about.get("for", ""), tuple(on_it))
    return found or {ALL: Path("All notebooks", "Everybody.", tuple(_built_up(every)))}


def _built_up(every: Sequence[Lesson]) -> list[Lesson]:
    """All lessons, each after those that it builds on, else in their own order."""
    known = {each.name for each in every}
    left, ordered = list(every), list[Lesson]()
    while left:
        reached = {each.name for each in ordered}
        ready = (each for each in left if known.intersection(each.prerequisites) <= reached)
        first = next(ready, left[0])  # two that build on each other are taken as they come
        left.remove(first)
        ordered.append(first)
    return ordered
