"""What submissions cost the grader: graded one after the other in this process, page and all."""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from autograder.feedback.exporter import page
from autograder.grading.grade import grade
from autograder.submission.handed_in import read_handed_in
from tests import mini
from tests.hostile import Hostile, Target, by_id
from tests.hostile.grade import ENDING, SHORT


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def costs(root: Path, ids: list[str]) -> dict[str, dict[str, float]]:
    """Of each submission the score, the seconds and by how many bytes it raised the peak.

    The seconds are those of this process at work: what else the machine does is not in them.
    """
    key = mini.key_of(root / "key")
    course = mini.make_course(root / "course")
    target = Target(course, root, 9, "nobody")
    found = {}
    for one in (Hostile("honest", "", ""), *by_id(*ids)):
        path = one.hand_in(target)
        before, started = peak(), time.process_time()
        limits = SHORT if one.racing else ENDING
        graded = grade(
            replace(key, limits=limits), read_handed_in(path, one.id, "one", path.parent)
        )
        if graded.notebook is not None:
            page(graded.notebook, {})
        found[one.id] = {
            "score": -1.0 if graded.score is None else graded.score,
            "seconds": time.process_time() - started,
            "bytes": peak() - before,
        }
    return found


if __name__ == "__main__":
    for folder in ("key", "course"):
        Path(sys.argv[1], folder).mkdir()
    print(json.dumps(costs(Path(sys.argv[1]), sys.argv[2:])))
