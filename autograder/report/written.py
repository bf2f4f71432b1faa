"""Writes the report: a page, and the figures for other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from autograder.course.course import Course
from autograder.report.page import page, write_csv
from autograder.report.regrade import Difference
from autograder.report.report import as_json, keep, report, title


def write_report(
    course: Course,
    names: Sequence[str],
    to: Path,
    json_file: Path | None = None,
    csv_file: Path | None = None,
) -> Iterator[str]:
    """Write what is asked for, and say of each file where it is.

    Raises: CourseError, when the gradebook cannot be read.
    """
    reports = report(course, names)
    if str(json_file) == "-":
        json.dump(as_json(reports), sys.stdout, indent=1)
        return
    to.write_text(page(reports, title(course)), encoding="utf-8")
    yield f"{to}: {sum(len(each.scores) for each in reports)} submissions, for staff alone"
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(reports), indent=1) + "\n", encoding="utf-8")
        yield str(json_file)
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8", newline="") as file:
            write_csv(reports, file)
        yield str(csv_file)
    keep(course, reports)


def write_differences(
    found: Sequence[Difference], compared: int, dry_run: bool, json_file: Path | None = None
) -> Iterator[str]:
    """Say what a regrade changed, or would change, a submission after the other."""
    if json_file is not None:
        text = json.dumps([asdict(each) for each in found], indent=1) + "\n"
        if str(json_file) == "-":
            sys.stdout.write(text)
            return
        json_file.write_text(text, encoding="utf-8")
    yield from map(str, found)
    more = sum((each.after or 0) > (each.before or 0) for each in found)
    fewer = sum((each.after or 0) < (each.before or 0) for each in found)
    said = "would have" if dry_run else "have"
    yield (
        f"Of {compared} graded before, {more} {said} more points, {fewer} fewer; "
        + ("nothing was written." if dry_run else "points given by hand stay as they are.")
    )
