"""What the zip runs on Gradescope for each submission; it always writes results.json."""

from __future__ import annotations

import json
import sys
import warnings
from time import monotonic

from autograder.course.course import Course
from autograder.course.replace import replace_file
from autograder.errors import CourseError, SandboxUnavailableError, UnreadableError
from autograder.gradescope.levels import take_strongest
from autograder.gradescope.places import COURSE, OUT_OF_REACH, RESULTS, SETTINGS, SOURCE, SUBMISSION
from autograder.gradescope.results import Results, not_graded, results_of
from autograder.gradescope.submitted import notebook_in
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.run import LooseFile, read_work
from autograder.grading.workers import ThisProcess
from autograder.sandbox import check_place

NO_SANDBOX = (
    "Nothing was run, because code of students cannot be isolated where this course's autograder "
    "runs. You did nothing wrong and can do nothing about it: tell your instructor, who finds the "
    "reason in what the autograder printed"
)
NO_COURSE = (
    "The autograder of this assignment is not in order, so your notebook was not run. You did "
    "nothing wrong: tell your instructor, who finds the reason in what the autograder printed"
)


def main() -> None:
    """Grade what was handed in, and write the results."""
    warnings.filterwarnings("ignore")
    started = monotonic()
    results = _results()
    results["execution_time"] = round(monotonic() - started, 1)
    replace_file(RESULTS, json.dumps(results, indent=1))


def _results() -> Results:
    points = 0.0
    try:
        course = Course(COURSE)
        (assignment,) = course.chosen([])
        points = assignment.max_score
        check_place(course.root)
        held = take_strongest(OUT_OF_REACH)
        print(f"Sandbox: {held}.", flush=True)
        path = notebook_in(SUBMISSION, assignment.name)
        handed_in = read_work(course, LooseFile(path, assignment, path.parent))
        key = answer_keys(course, [assignment], ThisProcess(), Seeds())[assignment.name]
        graded = grade(key, handed_in)
        visibility = json.loads((SOURCE / SETTINGS).read_text())["visibility"]
        results = results_of(graded, assignment, visibility)
        results["extra_data"]["sandbox"] = held
        return results
    except UnreadableError as error:
        return not_graded(f"Your notebook could not be graded: {error}.", points)
    except SandboxUnavailableError as error:
        return _refused(NO_SANDBOX, error, points)
    except CourseError as error:
        return _refused(NO_COURSE, error, points)
    except Exception as error:
        return _refused(NO_COURSE, f"{type(error).__name__}: {error}", points)


def _refused(says: str, why: object, points: float) -> Results:
    print(f"Not graded: {why}", file=sys.stderr, flush=True)
    return not_graded(f"{says}.", points)


if __name__ == "__main__":
    main()
