"""Writes the report: a page, and the figures for other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.course.course import Course
from autograder.report.page import page, write_csv
from autograder.report.report import as_json, keep, report


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
    to.write_text(page(reports, f"{course.course_id or 'The course'}: report"), encoding="utf-8")
    yield f"{to}: {sum(len(each.scores) for each in reports)} submissions, for staff alone"
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(reports), indent=1) + "\n", encoding="utf-8")
        yield str(json_file)
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8", newline="") as file:
            write_csv(reports, file)
        yield str(csv_file)
    keep(course, reports)
