"""The directive `study-paths`: the ways through the notebooks, and a schedule for each."""

from __future__ import annotations

import json
from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx

from making.course import ROOT, notebooks
from making.exercises import Made
from workbook import material
from workbook.studying.lesson import in_hours
from workbook.studying.study_plan import WEEKS, Plan, plan

WORDS = {1: "one week", 2: "two weeks", 4: "four weeks"}


def audiences() -> dict[str, dict[str, str]]:
    """Title and audience (`for`) of each path, in the words of the first page."""
    page = json.loads((ROOT / "source" / material.START).read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = page["metadata"]["workbook"]["paths"]
    return found


def weeks_of(made: Plan) -> dict[str, str]:
    """In which weeks of a plan each notebook is worked on: `1`, or `1 and 2`."""
    found: dict[str, list[str]] = {}
    for week, steps in enumerate(made.weeks, 1):
        for name, _ in groupby(lesson.name for lesson, _ in steps):
            found.setdefault(name, []).append(str(week))
    return {name: " and ".join(weeks) for name, weeks in found.items()}


def schedule(path: str) -> str:
    """A path's notebooks in order, and in which week each comes, as a table of MyST."""
    plans = {weeks: plan(path, weeks=weeks) for weeks in WEEKS}
    places = {weeks: weeks_of(made) for weeks, made in plans.items()}
    known = notebooks()
    heads = " | ".join(f"in {WORDS[weeks]}" for weeks in WEEKS)
    lines = [f"| notebook | minutes | {heads} |", "| :-- | --: |" + " :-- |" * len(WEEKS)]
    for name in places[WEEKS[0]]:
        book = known[name]
        when = " | ".join(f"week {places[weeks][name]}" for weeks in WEEKS)
        link = f"[{book.heading}](../exercises.md#{name})"
        lines.append(f"| {link} | {book.minutes} | {when} |")
    hours = " | ".join(
        "; ".join(in_hours(made.minutes(week)) for week in range(1, weeks + 1))
        for weeks, made in plans.items()
    )
    lines.append(f"| each week | | {hours} |")
    return "\n".join(lines)


class StudyPaths(Made):
    """A section for each path: for whom it is, how long it takes, its schedules."""

    def run(self) -> list[nodes.Node]:
        """Write the sections."""
        return [self._section(path, words) for path, words in audiences().items()]

    def _section(self, path: str, words: dict[str, str]) -> nodes.section:
        total = in_hours(plan(path).total)
        text = f"*{words['for']}* In all about {total}.\n\n{schedule(path)}"
        return self.section(f"path-{path}", words["title"], text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("study-paths", StudyPaths)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
