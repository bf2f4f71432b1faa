"""What the zip's setup does once: runs the reference, so that no submission waits for it."""

from __future__ import annotations

import sys
import warnings

from autograder.course.course import Course
from autograder.errors import CourseError, SandboxUnavailableError
from autograder.gradescope.levels import take_strongest
from autograder.gradescope.places import COURSE, OUT_OF_REACH
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess


def main() -> None:
    """Keep the answer key in the course's folder; where nothing can be isolated, say so alone.

    Where an image is made may allow less than where it runs.

    Raises: SystemExit, with a sentence, where the reference does not run.
    """
    warnings.filterwarnings("ignore")
    try:
        course = Course(COURSE)
        print(f"Sandbox: {take_strongest(OUT_OF_REACH)}.", flush=True)
        answer_keys(course, course.chosen([]), ThisProcess(), Seeds())
    except SandboxUnavailableError as error:
        print(f"The reference is run for each submission, not now: {error}", file=sys.stderr)
    except CourseError as error:
        sys.exit(f"This cannot be an autograder: {error}")


if __name__ == "__main__":
    main()
