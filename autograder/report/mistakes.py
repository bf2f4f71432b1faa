"""Which ideas a class got wrong: those that have a name, and those that several share without."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.course.assignment import Assignment, headings
from autograder.report.handed_in_work import ClassWork

SHARED = 2  # students with the same unnamed mistake make it worth a look


@dataclass(frozen=True)
class Idea:
    """A misconception, in the catalogue's words, and who has it."""

    id: str
    definition: str
    name: str
    effect: str
    explained: str  # the heading under which the notebook explains it; empty where none is known
    students: tuple[str, ...]


@dataclass(frozen=True)
class Unnamed:
    """The same checks failed in the same words, without a name for it; `path` is one to look at."""

    definition: str
    checks: tuple[tuple[str, str], ...]
    students: tuple[str, ...]
    path: str

    @property
    def row(self) -> str:
        """A skeleton for the table of wrong versions, in which old, new and says are to write."""
        return (
            f"[wrong.{self.definition}]\n"
            "a-name = { old = 'what the reference says', new = 'what they wrote', says = '''\n"
            "  What is done instead of what is right, in one sentence.\n"
            "  What that does to the numbers.\n"
            "  A question that leads to it.''', explained = 'id-of-the-cell-that-explains-it' }"
        )


def ideas(work: ClassWork, assignment: Assignment) -> list[Idea]:
    """The misconceptions that were named, those of most students first."""
    students: dict[str, list[str]] = defaultdict(list)
    told: dict[str, Mapping[str, Any]] = {}
    for each in work.works:
        for verdict in each.tests.values():
            for identity, entry in verdict["misconceptions"].items():
                told[identity] = entry
                if each.student not in students[identity]:
                    students[identity].append(each.student)
    where = headings(assignment.notebook.cells)
    found = [
        Idea(
            identity,
            str(entry["definition"]),
            str(entry["name"]),
            str(entry["effect"]),
            where.get(str(entry.get("explained")), ""),
            tuple(students[identity]),
        )
        for identity, entry in told.items()
    ]
    return sorted(found, key=lambda idea: (-len(idea.students), idea.definition, idea.id))


def unnamed(work: ClassWork) -> list[Unnamed]:
    """What several students got wrong alike and no entry explains, most students first."""
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[str, str]]] = defaultdict(list)
    for each in work.works:
        for test, verdict in each.tests.items():
            if verdict["follows_from"] or verdict["mend_first"]:
                continue
            failed = [c for c in verdict["checks"] if not c["passed"]]
            if failed and not any(c["because"] or _unwritten(c) for c in failed):
                checks = tuple((str(c["name"]), str(c["message"])) for c in failed)
                alike[test.removeprefix("test-"), checks].append((each.student, each.path))
    found = [
        Unnamed(definition, checks, tuple(student for student, _ in whose), whose[0][1])
        for (definition, checks), whose in alike.items()
        if len(whose) >= SHARED
    ]
    return sorted(found, key=lambda each: -len(each.students))


def _unwritten(check: Mapping[str, Any]) -> bool:
    return str(check["message"]).startswith("raised NotImplementedError")
