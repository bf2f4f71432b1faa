"""The report on a class, as data: what the page, the JSON and the table are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.course.course import Course
from autograder.ordinary.rule import NBGRADERS
from autograder.report.figures import Distribution, Item, distribution, items
from autograder.report.handed_in_work import ClassWork, of_class
from autograder.report.mistakes import Idea, Unnamed, ideas, unnamed
from autograder.verdict.standing import duration

KEPT = Path(".workbook") / "report.json"  # the scores that the last report showed


@dataclass(frozen=True)
class Change:
    """A score that is not what it was in the last report; None where there was or is none."""

    student: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class OfAssignment:
    """All that the report says of one assignment."""

    name: str
    title: str
    max_score: float
    scores: Mapping[str, float]
    needs_attention: Mapping[str, str]
    missing: tuple[str, ...]
    late: Mapping[str, str]
    unmarked: tuple[str, ...]
    distribution: Distribution | None
    items: tuple[Item, ...]
    ideas: tuple[Idea, ...]
    unnamed: tuple[Unnamed, ...]
    changes: tuple[Change, ...]
    rule: str = ""  # by which its points are given, where not by observations


def report(course: Course, names: Sequence[str]) -> list[OfAssignment]:
    """Make the report on these assignments; what changed is told against the last report kept.

    Raises: CourseError, when the gradebook cannot be read.
    """
    before = _kept(course)
    return [_of(course, each, before.get(each.name)) for each in of_class(course, names)]


def title(course: Course) -> str:
    """What a report on a course is called."""
    return f"{course.course_id or 'The course'}: report"


def keep(course: Course, reports: Sequence[OfAssignment]) -> None:
    """Keep the scores, so that the next report says what changed."""
    scores = {**_kept(course), **{each.name: dict(each.scores) for each in reports}}
    path = course.root / KEPT
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def as_json(reports: Sequence[OfAssignment]) -> list[dict[str, Any]]:
    """The object that `--json` writes."""
    return [
        {
            **asdict(each),
            "items": [{**asdict(item), "suspect": item.suspect} for item in each.items],
            "unnamed": [{**asdict(one), "row": one.row} for one in each.unnamed],
        }
        for each in reports
    ]


def _of(course: Course, work: ClassWork, before: Mapping[str, float] | None) -> OfAssignment:
    assignment = course.assignments[work.name]
    scores = {each.student: each.score for each in work.works}
    return OfAssignment(
        work.name,
        str(assignment.notebook.metadata.get("workbook", {}).get("title") or work.name),
        work.max_score,
        scores,
        {each.student: each.reason for each in work.works if each.reason},
        tuple(work.missing),
        {each.student: duration(each.seconds_late) for each in work.works if each.seconds_late},
        tuple(each.student for each in work.works if each.waits_for_marks),
        distribution(work),
        tuple(items(work)),
        tuple(ideas(work, assignment)),
        # By nbgrader's rule nothing is known of a mistake but that there is one.
        () if work.is_ordinary else tuple(unnamed(work)),
        tuple(_changes(before, scores)),
        NBGRADERS if work.is_ordinary else "",
    )


def _changes(before: Mapping[str, float] | None, after: Mapping[str, float]) -> list[Change]:
    if before is None:
        return []
    return [
        Change(student, before.get(student), after.get(student))
        for student in sorted({*before, *after})
        if before.get(student) != after.get(student)
    ]


def _kept(course: Course) -> dict[str, dict[str, float]]:
    try:
        kept: dict[str, dict[str, float]] = json.loads(
            (course.root / KEPT).read_text(encoding="utf-8")
        )
    except (OSError, ValueError):
        return {}
    return kept
