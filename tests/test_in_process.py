"""What an author's own process does with code that does not end."""

from __future__ import annotations

from pathlib import Path

from autograder.authoring.authored import read_authored
from autograder.authoring.in_process import InProcess, defined
from tests import mini
from tests.test_limits import set_limits

ENDLESS = "def double(x):\n    while True:\n        pass"


def test_a_version_without_end_is_stopped_once_for_its_whole_cell(tmp_path: Path) -> None:
    """An observation that swallowed the limit would leave the one behind it without any."""
    course = set_limits(mini.make_course(tmp_path), {"cell_seconds": 0.2})
    (assignment,) = course.chosen([mini.NAME])
    process = InProcess(read_authored(course, assignment))

    evidence = process.run(defined(ENDLESS), only="test-double")

    assert len(evidence["test-double"]) == 1
